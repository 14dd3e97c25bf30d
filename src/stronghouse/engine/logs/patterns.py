"""The operator's own rules for what is masked: regular expressions, run by the engine.

They are RE2's, which needs time in proportion to the text whatever the expression is, so no rule and no statement can
make the service wait. A statement costs about a millisecond more with rules than without.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Final

from stronghouse.engine.connection import Connection
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.logs.masking import HIDDEN
from stronghouse.kernel.errors import Invalid

MAX_PATTERNS: Final = 64
MAX_LENGTH: Final = 1_000
SECONDS: Final = 2
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"})


class Patterns:
    """Rules, and the connection that they run on between `resume` and `suspend`. Safe to use from many threads."""

    def __init__(self, expressions: Sequence[str]) -> None:
        """Raises Invalid for too many, or for one that is too long."""
        if len(expressions) > MAX_PATTERNS or any(len(each) > MAX_LENGTH for each in expressions):
            raise Invalid(
                f"At most {MAX_PATTERNS} patterns with at most {MAX_LENGTH} characters each can mask the query log.",
                code="mask_patterns_too_many",
            )
        self._parameters = {f"p{place}": _escaped(each) for place, each in enumerate(expressions)}
        self._replacement = "{text:String}"
        for name in self._parameters:
            self._replacement = f"replaceRegexpAll({self._replacement}, {{{name}:String}}, '{HIDDEN}')"
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def resume(self, connect: Callable[[], Connection]) -> None:
        """Check the rules, and use them from now on.

        Raises:
            Invalid: one is no regular expression of RE2, or matches the empty text, and so everywhere.
        """
        if not self._parameters:
            return
        connection = connect()
        try:
            connection.query(f"SET max_execution_time = {SECONDS}")
            for place, (name, expression) in enumerate(self._parameters.items()):
                _check(connection, place + 1, {name: expression}, f"SELECT match('', {{{name}:String}})")
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._connection = connection

    def suspend(self) -> None:
        """Give the connection back. Until `resume`, texts are masked as a whole."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def apply(self, text: str) -> str:
        """`text` with what the rules match masked; masked as a whole if they cannot be applied."""
        if not self._parameters:
            return text
        parameters = {**self._parameters, "text": _escaped(text)}
        with self._lock:
            if self._connection is None:
                return HIDDEN
            try:
                return self._connection.value(f"SELECT {self._replacement}", parameters=parameters)
            except (DatabaseError, UnicodeDecodeError):
                return HIDDEN


def _check(connection: Connection, number: int, parameters: dict[str, str], sql: str) -> None:
    try:
        matches_nothing = connection.value(sql, parameters=parameters) == "1"
    except DatabaseError as error:
        raise Invalid(
            f"Pattern {number} that masks the query log is no regular expression of RE2.",
            code="mask_pattern_invalid",
            detail=error.public,
        ) from None
    if matches_nothing:
        raise Invalid(
            f"Pattern {number} that masks the query log matches the empty text, and so everywhere.",
            code="mask_pattern_invalid",
        )


def _escaped(text: str) -> str:
    return text.encode("utf-8", "replace").decode().translate(_ESCAPES)
