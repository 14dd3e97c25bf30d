"""The effective configuration of the SSH server."""

from stronghouse.kernel.canonical import Json
from stronghouse.responsibility.collectors.host.subject import Subject
from stronghouse.responsibility.collectors.host.view import HostView

METHOD = (
    "`sshd -T`, which prints the configuration in force outside Match blocks; and the lines of Match blocks in "
    "/etc/ssh/sshd_config and /etc/ssh/sshd_config.d/*.conf."
)
CONFIGURATION = "/etc/ssh/sshd_config"
KEPT = frozenset(
    [
        "permitrootlogin",
        "passwordauthentication",
        "kbdinteractiveauthentication",
        "permitemptypasswords",
        "ciphers",
        "macs",
        "kexalgorithms",
        "hostkeyalgorithms",
        "maxauthtries",
        "logingracetime",
        "x11forwarding",
        "permituserenvironment",
        "hostbasedauthentication",
        "ignorerhosts",
        "strictmodes",
    ]
)
MAX_MATCHED = 100


def sshd(view: HostView, _subject: Subject) -> dict[str, Json]:
    """Fields of the resource; `problem` says why the configuration in force is not known."""
    installed = view.status("/usr/sbin/sshd") is not None
    settings, problem = _effective(view) if installed else ({}, None)
    told: dict[str, Json] = {**settings}
    return {"installed": installed, "problem": problem, "settings": told, "matched": [*_matched(view)]}


def _effective(view: HostView) -> tuple[dict[str, str], str | None]:
    if not view.is_own:
        return {}, "sshd -T would read this container's own files"
    said = view.output(["/usr/sbin/sshd", "-T"])
    lines = (line.partition(" ") for line in said.text.splitlines())
    return {name: value.strip()[:2000] for name, _, value in lines if name in KEPT}, said.problem


def _matched(view: HostView) -> list[str]:
    """What stands in Match blocks, as in `passwordauthentication yes`."""
    directory = "/etc/ssh/sshd_config.d"
    files = [f"{directory}/{name}" for name in view.names(directory) if name.endswith(".conf")]
    found = []
    for path in [*files, CONFIGURATION]:
        inside = False
        for line in (view.text(path) or "").splitlines():
            words = line.replace("=", " ", 1).split()
            if not words or words[0].startswith("#"):
                continue
            keyword = words[0].lower()
            if keyword == "match":
                inside = [word.lower() for word in words[1:]] != ["all"]
            elif inside and keyword in KEPT:
                found.append(f"{keyword} {' '.join(words[1:])}"[:200].lower())
    return found[:MAX_MATCHED]
