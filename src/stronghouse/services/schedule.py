"""When a service's limits change by themselves: entries for hours of the week, in UTC.

Invariant: no two entries of a schedule share an hour, so that at each moment one or none is active.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stronghouse.kernel.errors import Invalid
from stronghouse.services.requests import check_idle_timeout, check_memory

MAX_ENTRIES = 50
MAX_ENTRY_NAME = 100
DAY, WEEK = 24, 7
"""Hours and days."""


@dataclass(frozen=True)
class ScheduleEntry:
    """Limits for some hours of some days; None leaves one as it is outside of them.

    Attributes:
        weekdays: on which it begins; 0 is Sunday.
        start_hour, end_hour: from the first to before the second, 0 to 23 and 1 to 24. It goes on into the next day
            where the second is less than the first.
    """

    id: str
    name: str
    weekdays: tuple[int, ...]
    start_hour: int
    end_hour: int
    memory_gb: int | None = None
    idle_scaling: bool | None = None
    idle_timeout_minutes: int | None = None

    @property
    def hours(self) -> frozenset[int]:
        """The hours of the week that it covers; 0 is the first of Sunday."""
        length = (self.end_hour - self.start_hour) % DAY or DAY
        firsts = (weekday * DAY + self.start_hour for weekday in self.weekdays)
        return frozenset((first + hour) % (WEEK * DAY) for first in firsts for hour in range(length))

    def check(self) -> None:
        """Raise Invalid with the first thing that is wrong."""
        if not 1 <= len(self.name.strip()) <= MAX_ENTRY_NAME or not self.name.isprintable():
            raise Invalid(f"The name of an entry has 1 to {MAX_ENTRY_NAME} printable characters.", code="name_invalid")
        if not self.weekdays or not all(0 <= weekday < WEEK for weekday in self.weekdays):
            raise Invalid("weekdays are one or more of 0 (Sunday) to 6 (Saturday).", code="schedule_invalid")
        if not (0 <= self.start_hour < DAY and 1 <= self.end_hour <= DAY and self.start_hour != self.end_hour):
            raise Invalid("startHourUtc is 0 to 23, endHourUtc another hour from 1 to 24.", code="schedule_invalid")
        if self.memory_gb is not None:
            check_memory(self.memory_gb)
        if self.idle_timeout_minutes is not None:
            check_idle_timeout(self.idle_timeout_minutes)


def check_schedule(entries: Sequence[ScheduleEntry]) -> None:
    """Raise Invalid unless each entry is right and no two share an hour."""
    if len(entries) > MAX_ENTRIES:
        raise Invalid(f"A schedule has at most {MAX_ENTRIES} entries.", code="schedule_invalid")
    taken: dict[int, str] = {}
    for entry in entries:
        entry.check()
        for hour in entry.hours:
            if hour in taken:
                raise Invalid(
                    f"The entries {taken[hour]!r} and {entry.name!r} share an hour; one of them has to give way.",
                    code="schedule_overlaps",
                )
        taken |= dict.fromkeys(entry.hours, entry.name)


def active_entry(entries: Sequence[ScheduleEntry], now: datetime) -> ScheduleEntry | None:
    """The entry for this moment."""
    hour = (now.weekday() + 1) % WEEK * DAY + now.hour
    return next((entry for entry in entries if hour in entry.hours), None)
