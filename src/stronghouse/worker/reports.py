"""What a worker tells its agent of its logs and its database users: numbers only, never a name, a row or a hash.

The agent believes none of it blindly: what is malformed raises, and checks compare it with what the agent tried itself.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

from stronghouse.engine.access.catalogue import OWNER, Catalogue
from stronghouse.engine.access.rendering import users_tree
from stronghouse.engine.configuration import render
from stronghouse.kernel.canonical import Json

CANARY = "sh-canary-"
"""How a name begins under which a sign-in is refused and a statement run, to be found in the logs; 32 digits follow."""
_END_OF_TIME = 1 << 33
"""Seconds since 1970 that no real time reaches."""


@dataclass(frozen=True, kw_only=True)
class LogReport:
    """The state of one log.

    Attributes:
        rows_total: rows in its table.
        newest: time of the newest of them in seconds since 1970; None for none.
        retention_days: after how many days the table drops a row.
        journal_bytes: what waits in the journal to be moved into the table.
        canary: whether the record that was asked for is in the table; None if none was asked for.
    """

    rows_total: int
    newest: float | None
    retention_days: int
    journal_bytes: int
    canary: bool | None = None

    def to_json(self) -> dict[str, Json]:
        """For the control channel."""
        return {
            "rows_total": self.rows_total,
            "newest": self.newest,
            "retention_days": self.retention_days,
            "journal_bytes": self.journal_bytes,
            "canary": self.canary,
        }

    @classmethod
    def from_json(cls, value: Json) -> "LogReport":
        """The reverse, where `canary` may be missing; raises ValueError."""
        fields = _object(value)
        newest, canary = fields.get("newest"), fields.get("canary")
        if not (newest is None or (isinstance(newest, int | float) and 0 <= newest < _END_OF_TIME)):
            raise ValueError("not a time")
        if not (canary is None or isinstance(canary, bool)):
            raise ValueError("not whether the canary was found")
        return cls(
            rows_total=_count(fields.get("rows_total")),
            newest=None if newest is None else float(newest),
            retention_days=_count(fields.get("retention_days")),
            journal_bytes=_count(fields.get("journal_bytes")),
            canary=canary,
        )


@dataclass(frozen=True, kw_only=True)
class LogReports:
    """The state of both logs."""

    query_log: LogReport
    session_log: LogReport

    def to_json(self) -> dict[str, Json]:
        """For the control channel."""
        return {"query_log": self.query_log.to_json(), "session_log": self.session_log.to_json()}

    @classmethod
    def from_json(cls, value: Json) -> "LogReports":
        """The reverse; raises ValueError."""
        fields = _object(value)
        return cls(
            query_log=LogReport.from_json(fields.get("query_log")),
            session_log=LogReport.from_json(fields.get("session_log")),
        )


@dataclass(frozen=True, kw_only=True)
class AccessReport:
    """How many database users there are, and how they prove who they are.

    Attributes:
        users: all of them, the owner included.
        roles: roles that were made.
        methods: how many ways to sign in there are of each kind, as in `{"sha256_password": 3}`.
        unsalted: those by SHA-256 without a salt, other than the owner's.
        any_host: users who may come from any address, other than the owner.
        users_file_sha256: hexadecimal; of the users file as the catalogue makes it, None where it is not told.
    """

    users: int
    roles: int = 0
    methods: dict[str, int] = field(default_factory=dict)
    unsalted: int = 0
    any_host: int = 0
    users_file_sha256: str | None = None

    def to_json(self) -> dict[str, Json]:
        """For the control channel."""
        return {
            "users": self.users,
            "roles": self.roles,
            "methods": {**self.methods},
            "unsalted": self.unsalted,
            "any_host": self.any_host,
            "users_file_sha256": self.users_file_sha256,
        }

    @classmethod
    def from_json(cls, value: Json) -> "AccessReport":
        """The reverse; raises ValueError."""
        fields = _object(value)
        digest = fields.get("users_file_sha256")
        if not (digest is None or isinstance(digest, str)):
            raise ValueError("not a digest")
        return cls(
            users=_count(fields.get("users")),
            roles=_count(fields.get("roles")),
            methods={kind: _count(count) for kind, count in _object(fields.get("methods")).items()},
            unsalted=_count(fields.get("unsalted")),
            any_host=_count(fields.get("any_host")),
            users_file_sha256=digest,
        )


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - bad input, not a bad call
    return value


def _count(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("not a count")
    return value


def access_report(catalogue: Catalogue) -> AccessReport:
    """What `catalogue` holds, in numbers, and the digest of the users file that is made of it."""
    users = catalogue.users.values()
    others = [user for user in users if user.name != OWNER]
    kinds = Counter(method.kind for user in users for method in user.methods)
    plain = [
        method for user in others for method in user.methods if method.kind == "sha256_password" and not method.salt
    ]
    return AccessReport(
        users=len(users),
        roles=len(catalogue.roles),
        methods={str(kind): count for kind, count in sorted(kinds.items())},
        unsalted=len(plain),
        any_host=sum("ANY" in user.hosts for user in others),
        users_file_sha256=hashlib.sha256(render(users_tree(catalogue))).hexdigest(),
    )
