"""History: only changes are kept, `stale` is noticed without an event, the past is replayed by day and forgotten."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stronghouse.responsibility.history import store
from stronghouse.responsibility.history.notices import StateNotices
from stronghouse.responsibility.history.snapshots import forget_old, take_snapshots
from stronghouse.responsibility.history.trend import trend
from stronghouse.responsibility.runner import CheckRunner
from tests.support.control_plane import Plane, control_plane
from tests.unit.responsibility.conftest import Owners, ScriptedFacts

DAY = timedelta(days=1)
CHECK = "rest_files_encrypted@region/local"


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with control_plane(tmp_path) as plane:
        yield plane


@pytest.fixture
def organization_id(plane: Plane) -> str:
    return plane.organization()


def snapshot(plane: Plane) -> int:
    control = plane.control
    return take_snapshots(control.audit, catalogue=control.catalogue, regions=["local"], now=plane.clock.now())


def look(plane: Plane) -> None:
    CheckRunner(
        plane.control.audit,
        sources=ScriptedFacts(plane.clock),
        ownership=Owners(),
        catalogue=plane.control.catalogue,
        clock=plane.clock,
    ).run(check_id="rest_files_encrypted")


def of_check(plane: Plane, organization_id: str) -> list[str]:
    with plane.control.database.read() as connection:
        found = store.page(
            connection, organization_id=organization_id, row=None, since=None, until=None, before=None, limit=1000
        )
    return [change.state for change in reversed(found) if change.subject == CHECK]


def test_only_changes_are_kept_and_age_alone_makes_one(plane: Plane, organization_id: str) -> None:
    assert snapshot(plane) > 0
    assert snapshot(plane) == 0
    look(plane)
    snapshot(plane)
    plane.clock.advance(DAY)
    snapshot(plane)
    assert of_check(plane, organization_id)[-1] == "stale"
    assert len(of_check(plane, organization_id)) == 3
    assert "pass" not in of_check(plane, organization_id)[:1]


def test_notices_tell_of_stale_and_of_the_way_back(plane: Plane, organization_id: str) -> None:
    look(plane)
    snapshot(plane)
    began = plane.clock.now()
    plane.clock.advance(DAY)
    snapshot(plane)
    plane.clock.advance(timedelta(minutes=1))
    look(plane)
    snapshot(plane)
    with plane.control.database.read() as connection:
        notices = StateNotices(plane.control.catalogue).notices(connection, organization_id, began, plane.clock.now())
    own = [notice for notice in notices if notice.key == f"state/{CHECK}"]
    assert ["stale" in notice.title for notice in own] == [True, True]
    assert "again (was stale)" in own[1].title
    assert (own[0].fix != "", own[1].fix) == (True, "")


def test_trend_has_an_entry_for_each_day_since_the_first_snapshot(plane: Plane, organization_id: str) -> None:
    snapshot(plane)
    plane.clock.advance(3 * DAY)
    look(plane)
    snapshot(plane)
    with plane.control.database.read() as connection:
        days = trend(connection, organization_id=organization_id, days=90, now=plane.clock.now())
    assert [day["day"] for day in days] == ["2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26"]  # type: ignore[index, call-overload]
    assert sum(days[0]["rows"].values()) == len(plane.control.catalogue.responsibilities)  # type: ignore[index, call-overload, union-attr, arg-type]


def test_history_is_forgotten_after_400_days_but_for_the_last_state(plane: Plane, organization_id: str) -> None:
    snapshot(plane)
    look(plane)
    plane.clock.advance(timedelta(minutes=1))
    snapshot(plane)
    plane.clock.advance(401 * DAY)
    assert forget_old(plane.control.audit, now=plane.clock.now()) > 0
    assert len(of_check(plane, organization_id)) == 1
