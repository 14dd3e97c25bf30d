"""What the agent and a worker tell each other about. Standard library only: the launching stage reads it too."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.ids import ServiceId

DEFAULT_LOG_RETENTION_DAYS = 30
LANDLOCK, SECCOMP, SEPARATE_UID = "Landlock", "seccomp", "separate user"
"""Names of the parts of a worker's sandbox."""
NEEDED_FOR_USERS = (LANDLOCK, SECCOMP)
"""Those without which a service keeps to its one trusted user (design.md section 2)."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class WorkerSpec:
    """A service as its worker needs it.

    Attributes:
        service_id: the service.
        data_directory: its own directory; `uid` owns it.
        username: the one database user, the service's owner.
        password_sha256: base64 of the SHA-256 of the owner's password.
        memory_limit_bytes: what the engine may use.
        uid: user and group that the worker runs as; None to stay who we are.
        log_retention_days: how long rows of its query log and its session log are kept.
        mask_patterns: the operator's regular expressions; what they find is taken out of logged statements.
        settings: ClickHouse settings that every session begins with.
    """

    service_id: ServiceId
    data_directory: Path
    username: str
    password_sha256: str
    memory_limit_bytes: int
    uid: int | None
    log_retention_days: int = DEFAULT_LOG_RETENTION_DAYS
    mask_patterns: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """For the control channel."""
        return {
            "service_id": self.service_id,
            "data_directory": str(self.data_directory),
            "username": self.username,
            "password_sha256": self.password_sha256,
            "memory_limit_bytes": self.memory_limit_bytes,
            "uid": self.uid,
            "log_retention_days": self.log_retention_days,
            "mask_patterns": list(self.mask_patterns),
            "settings": {**self.settings},
        }

    @classmethod
    def from_json(cls, value: Json) -> "WorkerSpec":
        """The reverse, where the fields about logs and settings may be missing; raises ValueError."""
        match value:
            case {
                "service_id": str(service_id),
                "data_directory": str(directory),
                "username": str(username),
                "password_sha256": str(password_sha256),
                "memory_limit_bytes": int(memory),
                "uid": int() | None as uid,
            } if isinstance(value, dict):
                return cls(
                    ServiceId(service_id),
                    Path(directory),
                    username,
                    password_sha256,
                    memory,
                    uid,
                    _retention(value.get("log_retention_days")),
                    _texts(value.get("mask_patterns")),
                    read_settings(value.get("settings")),
                )
        raise ValueError("not a worker's specification")


def _retention(value: Json) -> int:
    if value is None:
        return DEFAULT_LOG_RETENTION_DAYS
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("not a number of days")
    return value


def read_settings(value: Json) -> dict[str, str]:
    """Settings by name, none where there is nothing; raises ValueError."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("not settings")  # noqa: TRY004 - bad input, not a bad call
    found = {name: one for name, one in value.items() if isinstance(one, str)}
    if len(found) != len(value):
        raise ValueError("a setting's value is not text")
    return found


def _texts(value: Json) -> tuple[str, ...]:
    match value:
        case None:
            return ()
        case [*texts] if all(isinstance(text, str) for text in texts):
            return tuple(str(text) for text in texts)
    raise ValueError("not a list of texts")


@dataclass(frozen=True, repr=False)
class KeyUsers:
    """Database users of the API keys that may use the queries host; all have the same password, which the agent knows.

    Attributes:
        roles: names of the roles of each user, by its name; see `engine.access.key_users`.
        salt: appended to the password before it is hashed.
        password_hash: SHA-256 of both, hexadecimal.
    """

    roles: Mapping[str, frozenset[str]]
    salt: str
    password_hash: str

    def to_json(self) -> dict[str, Json]:
        """For the control channel."""
        users: dict[str, Json] = {name: [*sorted(roles)] for name, roles in sorted(self.roles.items())}
        return {"users": users, "salt": self.salt, "password_hash": self.password_hash}

    @classmethod
    def from_json(cls, value: Json) -> "KeyUsers":
        """The reverse; raises ValueError."""
        match value:
            case {"users": dict(users), "salt": str(salt), "password_hash": str(password_hash)} if _DIGEST.fullmatch(
                password_hash
            ):
                return cls({str(name): frozenset(_texts(roles)) for name, roles in users.items()}, salt, password_hash)
        raise ValueError("not users of keys")


@dataclass(frozen=True)
class SandboxReport:
    """Which parts of the sandbox are in force.

    Attributes:
        landlock_abi: the kernel's Landlock version, 0 without Landlock.
        seccomp: whether the system call filter is loaded.
        separate_uid: whether the worker runs as a user of its own.
        missing: names of the parts that are not in force, for people.
    """

    landlock_abi: int
    seccomp: bool
    separate_uid: bool
    missing: tuple[str, ...]

    @property
    def missing_for_users(self) -> str:
        """What is missing for database users beside the owner; empty for nothing."""
        return " and ".join(part for part in self.missing if part in NEEDED_FOR_USERS)

    def to_json(self) -> dict[str, Json]:
        """For the control channel and for status reports."""
        return {
            "landlock_abi": self.landlock_abi,
            "seccomp": self.seccomp,
            "separate_uid": self.separate_uid,
            "missing": list(self.missing),
        }

    @classmethod
    def from_json(cls, value: Json) -> "SandboxReport":
        """The reverse; raises ValueError."""
        match value:
            case {
                "landlock_abi": int(abi),
                "seccomp": bool(seccomp),
                "separate_uid": bool(separate_uid),
                "missing": list(missing),
            }:
                return cls(abi, seccomp, separate_uid, tuple(str(part) for part in missing))
        raise ValueError("not a sandbox report")


@dataclass(frozen=True)
class Activity:
    """How busy a worker is: requests being answered, and seconds since the last one ended (or since the start)."""

    active_requests: int
    idle_seconds: float


@dataclass(frozen=True)
class Launch:
    """What the launching stage has to do.

    Attributes:
        module: the Python module to become.
        data_directory: the only directory that may be written.
        uid: user and group to become, or None.
        control: the descriptor of the control channel.
        listener: the descriptor of the listening socket, or None.
        parent: the process that started it; when it is gone, so is the worker.
        sandbox: filled in by the launching stage for the module that it becomes.
    """

    module: str
    data_directory: str
    uid: int | None
    control: int
    listener: int | None
    parent: int
    sandbox: SandboxReport | None = None

    def to_json(self) -> dict[str, Json]:
        """For the command line: nothing here is secret."""
        return {
            "module": self.module,
            "data_directory": self.data_directory,
            "uid": self.uid,
            "control": self.control,
            "listener": self.listener,
            "parent": self.parent,
            "sandbox": self.sandbox.to_json() if self.sandbox else None,
        }

    @classmethod
    def from_json(cls, value: Json) -> "Launch":
        """The reverse; raises ValueError."""
        match value:
            case {
                "module": str(module),
                "data_directory": str(directory),
                "uid": int() | None as uid,
                "control": int(control),
                "listener": int() | None as listener,
                "parent": int(parent),
                "sandbox": sandbox,
            }:
                report = SandboxReport.from_json(sandbox) if sandbox is not None else None
                return cls(module, directory, uid, control, listener, parent, report)
        raise ValueError("not a launch")
