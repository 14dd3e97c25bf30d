"""Errors of the database, with the codes and names that ClickHouse's clients know."""

import re

from stronghouse.kernel.errors import StronghouseError

UNKNOWN_EXCEPTION = 1002
MAX_MESSAGE = 20_000
"""Characters of an error's text that are kept: a statement can make the engine say as much as there is memory for."""
CUT = " [cut]"
"""What a text that was longer ends with."""
_PREFIX = "DB::Exception: "
_BEGIN = "Code: "
_VERSION = "version "
_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,99}")
_MAX_DIGITS = 9


class DatabaseError(StronghouseError):
    """A statement failed or was refused.

    Attributes:
        number: ClickHouse's error code.
        name: its name, as in `UNKNOWN_TABLE`.
        public: the sentence for the client. It may quote the statement, so it never goes to a log; `str()` of this
            error is code and name only.
    """

    kind = "invalid"

    def __init__(self, number: int, name: str, message: str) -> None:
        super().__init__(message, code=name.lower())
        self.number = number
        self.name = name

    def __str__(self) -> str:
        return f"ClickHouse error {self.number} ({self.name})"

    def wire(self, version: str) -> str:
        """The text as ClickHouse's HTTP interface sends it."""
        return f"Code: {self.number}. {_PREFIX}{self.public} ({self.name}) (version {version} (official build))\n"


def parse_error(text: str) -> DatabaseError:
    """The error that a text of the engine tells of: `Code: 47. DB::Exception: message (NAME) (version …)`.

    Clients say what stands in it, so it is read from both ends, in time that grows with its length only.
    """
    text = text.strip()
    code, separator, message = text.removeprefix(_BEGIN).partition(". ")
    known = text.startswith(_BEGIN) and separator and code.isascii() and code.isdigit() and len(code) <= _MAX_DIGITS
    if not known:
        return DatabaseError(UNKNOWN_EXCEPTION, "UNKNOWN_EXCEPTION", _cut(text))
    before, inside = _last_parentheses(message)
    if inside.startswith(_VERSION):
        message = before
        before, inside = _last_parentheses(message)
    name = "UNKNOWN_EXCEPTION"
    if _NAME.fullmatch(inside):
        message, name = before, inside
    message = message.removeprefix("DB::ErrnoException: ").removeprefix(_PREFIX)
    return DatabaseError(int(code), name, _cut(message))


def _last_parentheses(text: str) -> tuple[str, str]:
    """What stands before the parentheses that the text ends with, and in them; nothing for none."""
    if not text.endswith(")"):
        return text, ""
    before, _, inside = text[:-1].rpartition("(")
    return before.rstrip(), inside


def _cut(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else message[:MAX_MESSAGE] + CUT


def access_denied(message: str) -> DatabaseError:
    """The statement asks for something that this service does not let anybody do."""
    return DatabaseError(497, "ACCESS_DENIED", message)


def setting_violation(message: str) -> DatabaseError:
    """A setting that is fixed, or a value that it may not have."""
    return DatabaseError(452, "SETTING_CONSTRAINT_VIOLATION", message)


def syntax_error(message: str) -> DatabaseError:
    """A text that is no statement."""
    return DatabaseError(62, "SYNTAX_ERROR", message)


def not_utf8() -> DatabaseError:
    """A text that cannot be written as UTF-8, or was not."""
    return syntax_error("The statement, or what comes with it, is not valid UTF-8")


def not_implemented(message: str) -> DatabaseError:
    """Something that ClickHouse has and this service has not."""
    return DatabaseError(48, "NOT_IMPLEMENTED", message)


def cancelled() -> DatabaseError:
    """The query was ended from outside."""
    return DatabaseError(394, "QUERY_WAS_CANCELLED", "Query was cancelled")


def query_too_large() -> DatabaseError:
    """A statement beyond what is looked at."""
    return DatabaseError(229, "QUERY_IS_TOO_LARGE", "Query is too large")


def read_only() -> DatabaseError:
    """A change by a method that may not make any."""
    return DatabaseError(
        164,
        "READONLY",
        "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. "
        "You should use method POST for modifying queries",
    )
