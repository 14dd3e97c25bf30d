"""The one error tree. Areas raise these; only `api` and `console` map a kind to an HTTP status.

    StronghouseError
    ├── Invalid           the request is malformed or asks for something impossible
    ├── Unauthenticated   no valid credential
    ├── Denied            a valid credential without the right
    ├── NotFound          absent, or not visible to the caller (never told apart)
    ├── Conflict          the current state does not allow it
    ├── TooMany           a limit or quota
    ├── Unavailable       a part that is needed does not answer; try again
    └── Internal          a broken invariant of our own

`public` is one clear sentence that may reach a client. `detail` may hold addresses, paths and causes; it goes to
the log only. Neither may hold a secret.
"""

from typing import ClassVar


class StronghouseError(Exception):
    """Base of every error raised on purpose.

    Args:
        public: one sentence for the caller: what failed, why, and what to do next.
        code: stable machine-readable name of the case, lower_snake_case; defaults to the kind.
        detail: private context for the log.
    """

    kind: ClassVar[str] = "internal"

    def __init__(self, public: str, *, code: str | None = None, detail: str | None = None) -> None:
        super().__init__(public)
        self.public = public
        self.code = code or self.kind
        self.detail = detail

    def __str__(self) -> str:
        return self.public


class Invalid(StronghouseError):
    """The request is malformed or asks for something impossible."""

    kind = "invalid"


class Unauthenticated(StronghouseError):
    """No credential, or one that does not hold."""

    kind = "unauthenticated"


class Denied(StronghouseError):
    """A valid credential without the right."""

    kind = "denied"


class NotFound(StronghouseError):
    """Absent or not visible: callers cannot tell which."""

    kind = "not_found"


class Conflict(StronghouseError):
    """The current state does not allow the change."""

    kind = "conflict"


class TooMany(StronghouseError):
    """A limit or a quota is reached."""

    kind = "too_many"


class Unavailable(StronghouseError):
    """A part that is needed does not answer; trying again may help."""

    kind = "unavailable"


class Internal(StronghouseError):
    """A broken invariant of our own."""

    kind = "internal"
