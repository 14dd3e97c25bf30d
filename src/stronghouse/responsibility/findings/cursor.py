"""Where a list of findings goes on: the place of the last one shown, as text that fits into an address."""

from datetime import UTC, datetime, timedelta

from stronghouse.kernel.errors import Invalid
from stronghouse.responsibility.findings.model import RANK, Finding

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cursor_after(last: Finding) -> str:
    """The text that leads to what comes after this finding."""
    return f"{RANK[last.severity]}.{(last.due_at - EPOCH) // timedelta(microseconds=1)}.{last.id}"


def parse_cursor(text: str) -> tuple[int, datetime, str]:
    """What `store.Query` goes on after; raises Invalid for a text that no list led to."""
    try:
        rank, micros, finding_id = text.split(".")
        cursor = int(rank), EPOCH + timedelta(microseconds=int(micros)), finding_id
    except (ValueError, OverflowError):
        cursor = None
    if cursor is None or cursor[0] not in RANK.values():  # a number that the database cannot take is no rank either
        raise Invalid("This cursor did not come from here.", code="cursor_invalid")
    return cursor
