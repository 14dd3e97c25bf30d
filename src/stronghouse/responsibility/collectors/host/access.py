"""Who may use the machine: accounts, sudo rules and SSH keys. No hash and no key is kept, only what kind it is."""

import os
import re
import time
from dataclasses import dataclass

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Unavailable
from stronghouse.responsibility.collectors.host.ssh_keys import authorized_keys
from stronghouse.responsibility.collectors.host.subject import Subject
from stronghouse.responsibility.collectors.host.sudoers import read_sudoers
from stronghouse.responsibility.collectors.host.view import HostView, Planted

METHOD = (
    "/etc/passwd; the kind of each password hash in /etc/shadow; /etc/sudoers with what it includes; and the files "
    "that AuthorizedKeysFile names for each account, read without following links below its home."
)
MAX_ACCOUNTS = 2_000
MAX_KEY_FILE = 262_144
NO_LOGIN = frozenset({"nologin", "false", "sync", "shutdown", "halt"})
_HASHES = {"$1$": "md5", "$2": "bcrypt", "$5$": "sha256", "$6$": "sha512", "$7$": "scrypt", "$y$": "yescrypt",
           "$gy$": "yescrypt", "_": "des"}  # fmt: skip
_DES_LENGTH = 13
_FIELDS = 7
_EXPIRES = 7
_SECONDS_PER_DAY = 86_400
_DEFAULT_FILES = (".ssh/authorized_keys", ".ssh/authorized_keys2")


@dataclass(frozen=True)
class _Account:
    name: str
    uid: int
    password: str
    home: str
    shell: str

    @property
    def may_log_in(self) -> bool:
        return self.shell.rpartition("/")[2] not in NO_LOGIN


def access(view: HostView, _subject: Subject) -> dict[str, Json]:
    """Fields of the resource."""
    accounts = _accounts(view)
    shadow = _shadow(view)
    patterns, command = _key_files(view)
    shown: list[Json] = []
    files: list[Json] = []
    for account in accounts:
        own = _keys_of(view, account, patterns)
        files += own
        held = sum(len(one["keys"]) for one in own if isinstance(one["keys"], list))
        kind, expired = _password(account, shadow)
        shown.append(
            {
                "name": account.name,
                "uid": account.uid,
                "login": account.may_log_in,
                "password": kind,
                "expired": expired,
                "keys": held,
                "unread_keys": sum(one["problem"] is not None for one in own),
            }
        )
    sudo = read_sudoers(view) if view.status("/etc/sudoers") is not None else None
    rules: list[Json] = [*(sudo.rules if sudo else [])]
    return {
        "accounts": shown,
        "shadow_read": shadow is not None,
        "sudo": sudo is not None,
        "sudo_rules": rules,
        "sudo_unread": [*(sudo.unread if sudo else [])],
        "sudo_unauthenticated": [*(sudo.unauthenticated if sudo else [])],
        "key_files": files,
        "keys_command": command,
    }


def _accounts(view: HostView) -> list[_Account]:
    found = []
    for line in (view.text("/etc/passwd") or "").splitlines():
        fields = line.split(":")
        if len(fields) == _FIELDS and fields[2].isascii() and fields[2].isdigit():
            found.append(_Account(fields[0][:64], int(fields[2]), fields[1], fields[5], fields[6].strip()))
    if len(found) > MAX_ACCOUNTS:
        raise Unavailable("The machine has more accounts than may be looked at.", code="host_too_large")
    return found


def _shadow(view: HostView) -> dict[str, list[str]] | None:
    text = view.text("/etc/shadow")
    if text is None:
        return None
    return {fields[0]: fields for fields in (line.split(":") for line in text.splitlines()) if len(fields) > 1}


def _password(account: _Account, shadow: dict[str, list[str]] | None) -> tuple[str, bool]:
    if account.password != "x":  # noqa: S105 - the sign that the hash is elsewhere
        return password_kind(account.password), False
    if shadow is None:
        return "unknown", False
    fields = shadow.get(account.name)
    if fields is None:
        return "locked", False
    expires = fields[_EXPIRES] if len(fields) > _EXPIRES else ""
    expired = expires.isascii() and expires.isdigit() and int(expires) * _SECONDS_PER_DAY < time.time()
    return password_kind(fields[1]), expired


def password_kind(text: str) -> str:
    """What kind of password hash it is (crypt(5)): `empty`, `locked`, a method's name, or `unknown`."""
    if not text:
        return "empty"
    if text[0] in "!*":
        return "locked"
    for prefix, kind in _HASHES.items():
        if text.startswith(prefix):
            return kind
    return "des" if len(text) == _DES_LENGTH else "unknown"


def _key_files(view: HostView) -> tuple[tuple[str, ...], bool]:
    """The patterns of AuthorizedKeysFile, and whether a command gives keys besides."""
    directory = "/etc/ssh/sshd_config.d"
    texts = [view.text(f"{directory}/{name}") or "" for name in view.names(directory) if name.endswith(".conf")]
    text = "\n".join([*texts, view.text("/etc/ssh/sshd_config") or ""])
    named = re.findall(r"(?im)^[ \t]*AuthorizedKeysFile[ \t=]+(\S.*)$", text)
    commands = re.findall(r"(?im)^[ \t]*AuthorizedKeysCommand[ \t=]+(\S+)", text)
    patterns = tuple(dict.fromkeys(one.strip('"') for line in named for one in line.split() if one.lower() != "none"))
    return (patterns if named else _DEFAULT_FILES), any(one.lower() != "none" for one in commands)


def _keys_of(view: HostView, account: _Account, patterns: tuple[str, ...]) -> list[dict[str, Json]]:
    found: list[dict[str, Json]] = []
    for pattern in patterns:
        path = pattern.replace("%h", account.home).replace("%u", account.name).replace("%U", str(account.uid))
        if not path.startswith("/"):
            path = f"{account.home.rstrip('/')}/{path}"
        within = account.home if path.startswith(f"{account.home.rstrip('/')}/") else os.path.dirname(path)  # noqa: PTH120
        file = view.planted(within, os.path.relpath(path, within), limit=MAX_KEY_FILE)
        if file.text is not None or file.problem is not None:
            found.append(_key_file(account, path, file))
    return found


def _key_file(account: _Account, path: str, file: Planted) -> dict[str, Json]:
    return {
        "account": account.name,
        "path": path[:300],
        "problem": file.problem,
        "mode": f"{file.mode:04o}",
        "writable": file.writable,
        "keys": [*authorized_keys(file.text or "")],
    }
