"""Which entry of a schedule is active when, against a clock that goes through every hour of a week."""

from datetime import UTC, datetime, timedelta

import pytest

from stronghouse.kernel.errors import Invalid
from stronghouse.services.schedule import MAX_ENTRIES, ScheduleEntry, active_entry, check_schedule

SUNDAY = datetime(2026, 11, 22, tzinfo=UTC)


def entry(weekdays: tuple[int, ...], start: int, end: int, name: str = "a", **limits: int | None) -> ScheduleEntry:
    return ScheduleEntry(f"id of {name}", name, weekdays, start, end, memory_gb=limits.get("memory_gb", 12))


def active_hours(one: ScheduleEntry) -> set[tuple[int, int]]:
    """The days since Sunday and hours at which it is active, at the first and the last second of each."""
    found = set()
    for hour in range(7 * 24):
        moments = [SUNDAY + timedelta(hours=hour), SUNDAY + timedelta(hours=hour + 1, microseconds=-1)]
        actives = [active_entry([one], moment) is one for moment in moments]
        assert len(set(actives)) == 1
        if actives[0]:
            found.add(divmod(hour, 24))
    return found


def test_an_entry_is_active_from_its_first_hour_to_before_its_last() -> None:
    assert active_hours(entry((1, 3), 8, 10)) == {(1, 8), (1, 9), (3, 8), (3, 9)}
    assert active_hours(entry((0,), 23, 24)) == {(0, 23)}
    assert len(active_hours(entry((2,), 0, 24))) == 24


def test_an_entry_over_midnight_goes_on_into_the_next_day_and_the_next_week() -> None:
    assert active_hours(entry((1,), 22, 2)) == {(1, 22), (1, 23), (2, 0), (2, 1)}
    assert active_hours(entry((6,), 23, 1)) == {(6, 23), (0, 0)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (entry((1,), 8, 10), entry((1,), 9, 11, "b")),
        (entry((1,), 22, 2), entry((2,), 1, 3, "b")),
        (entry((6,), 20, 4), entry((0,), 3, 5, "b")),
    ],
)
def test_entries_that_share_an_hour_are_refused_by_both_names(one: ScheduleEntry, other: ScheduleEntry) -> None:
    with pytest.raises(Invalid, match="'a' and 'b' share an hour"):
        check_schedule([one, other])


def test_entries_that_touch_are_fine() -> None:
    check_schedule([entry((1,), 8, 10), entry((1,), 10, 12, "b"), entry((0,), 22, 8, "c")])


@pytest.mark.parametrize(
    "wrong",
    [
        entry((), 8, 10),
        entry((7,), 8, 10),
        entry((-1,), 8, 10),
        entry((1,), 8, 8),
        entry((1,), 24, 1),
        entry((1,), 8, 0),
        entry((1,), 8, 25),
        entry((1,), 8, 10, ""),
        entry((1,), 8, 10, "\x1b[31m"),
        entry((1,), 8, 10, memory_gb=9),
        entry((1,), 8, 10, memory_gb=4),
    ],
)
def test_what_is_no_entry_is_refused(wrong: ScheduleEntry) -> None:
    with pytest.raises(Invalid):
        check_schedule([wrong])


def test_a_schedule_is_bounded() -> None:
    many = [entry((number // 24,), number % 24, number % 24 + 1) for number in range(MAX_ENTRIES + 1)]
    check_schedule(many[:MAX_ENTRIES])
    with pytest.raises(Invalid, match="at most"):
        check_schedule(many)
