"""Dates and times as they are typed, checked before they are sent."""

from datetime import date, datetime

from stronghouse.kernel.errors import Invalid


def checked_day(option: str, text: str | None) -> str | None:
    """A day as 2026-01-31; raises Invalid for other text."""
    try:
        return None if text is None else date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise Invalid(f"{option} takes a date, as in 2026-01-31.", code="date_invalid") from None


def checked_moment(option: str, text: str | None) -> str | None:
    """A moment in RFC 3339, which may be typed as a day alone; without a zone it is UTC. Raises Invalid."""
    try:
        return None if text is None else datetime.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise Invalid(
            f"{option} takes a time or a date, as in 2027-01-31T00:00:00Z or 2027-01-31.", code="date_invalid"
        ) from None
