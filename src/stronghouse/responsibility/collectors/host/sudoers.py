"""Reading sudoers: who may become whom, and whether a password is asked for."""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatch

from stronghouse.kernel.canonical import Json
from stronghouse.responsibility.collectors.host.view import HostView

START = "/etc/sudoers"
MAX_FILES = 100
MAX_RULES = 500
MAX_WRITTEN_OUT = 65_536
_INCLUDE = re.compile(r"^[#@](include|includedir)\s+(\S+)")
_RULE = re.compile(r"^(?P<who>\S(?:[^=]*?\S)?)\s+(?P<host>[^\s=]+)\s*=\s*(?P<what>.+)$")
_ALIAS = re.compile(r"^(?:Cmnd|Cmd)_Alias\s+(.+)$")
_OTHER_ALIAS = re.compile(r"^(?:User|Runas|Host)_Alias\s")
_ALIAS_NAME = re.compile(r"\b([A-Z][A-Z0-9_]*)\b")
_OFF = re.compile(r"!\s*authenticate\b|\bexempt_group\b")
MAX_ALIAS_DEPTH = 8


@dataclass
class Sudoers:
    """What the files say; `unread` are includes that could not be read."""

    rules: list[dict[str, Json]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    unauthenticated: list[str] = field(default_factory=list)
    files: int = 0


def read_sudoers(view: HostView) -> Sudoers:
    """All rules of /etc/sudoers and what it includes."""
    found, pending, seen, aliases = Sudoers(), [START], set[str](), dict[str, str]()
    raw: list[tuple[str, str]] = []
    while pending:
        path = pending.pop(0)
        if path in seen:
            continue
        seen.add(path)
        text = view.text(path) if len(seen) <= MAX_FILES else None
        if text is None:
            found.unread.append(path)
            continue
        found.files += 1
        for line in _lines(text):
            include = _INCLUDE.match(line)
            if include:
                pending += _included(view, path, include[1], include[2].strip('"'))
            elif alias := _ALIAS.match(line):
                aliases.update(_definitions(alias[1]))
            elif line.startswith("Defaults"):
                found.unauthenticated += [path] if _OFF.search(line) else []
            elif not _OTHER_ALIAS.match(line):
                raw.append((path, line))
    _judge(found, raw, aliases)
    return found


def _judge(found: Sudoers, raw: list[tuple[str, str]], aliases: dict[str, str]) -> None:
    """Turn the lines that are rules into what is kept of them."""
    for path, line in raw:
        rule = _rule(path, line, aliases) if len(found.rules) < MAX_RULES else None
        if rule is not None:
            found.rules.append(rule)
        elif path not in found.unread:
            found.unread.append(path)  # a rule that nobody judges must not pass


def _definitions(text: str) -> list[tuple[str, str]]:
    """`A = one, two : B = three` as names with what they stand for."""
    parts = re.split(r"(?:^|\s*:\s*)([A-Z][A-Z0-9_]*)\s*=\s*", text)[1:]
    return [*zip(parts[::2], parts[1::2], strict=True)]


def _written_out(what: str, aliases: dict[str, str]) -> str:
    """With aliases, and aliases within them, replaced."""
    for _ in range(MAX_ALIAS_DEPTH):
        before, what = what, _ALIAS_NAME.sub(lambda one: aliases.get(one[1], one[1]), what)[:MAX_WRITTEN_OUT]
        if what == before:
            break
    return what


def _lines(text: str) -> list[str]:
    joined = re.sub(r"\\\n", " ", text)
    lines = (line if _INCLUDE.match(line) else re.sub(r"(^|\s)#(?!\d).*$", "", line) for line in joined.splitlines())
    return [line.strip() for line in lines if line.strip()]


def _included(view: HostView, path: str, kind: str, target: str) -> list[str]:
    absolute = target if target.startswith("/") else f"{path.rpartition('/')[0]}/{target}"
    if kind == "include":
        return [absolute]
    # sudoers(5): names that end in ~ or hold a dot are left out
    return [f"{absolute}/{name}" for name in view.names(absolute) if "." not in name and not name.endswith("~")]


def _rule(path: str, line: str, aliases: dict[str, str]) -> dict[str, Json] | None:
    match = _RULE.match(line)
    if match is None:
        return None
    what = re.sub(r"\s+:", ":", _written_out(match["what"], aliases))
    commands = re.sub(r"\([^)]*\)|\b[A-Z_]+:", "", what)
    parts = [part.strip() for part in commands.split(",")]
    return {
        "who": match["who"][:100],
        "file": path,
        "nopasswd": "NOPASSWD:" in what,
        "all": any(part.split()[-1:] == ["ALL"] for part in parts),
        "wildcard": any(fnmatch(part, "*[[]*") or "*" in part or "?" in part for part in parts),
    }
