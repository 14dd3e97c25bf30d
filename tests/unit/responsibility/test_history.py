"""History: only changes are kept, `stale` is noticed without an event, the past is replayed by day and forgotten."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stronghouse.kernel.canonical import Json
from stronghouse.responsibility.catalogue import load_catalogue
from stronghouse.responsibility.history import store
from stronghouse.responsibility.history.notices import StateNotices
from stronghouse.responsibility.history.snapshots import forget_old, take_snapshots
from stronghouse.responsibility.history.trend import trend
from stronghouse.responsibility.runner import CheckRunner
from tests.support.control_plane import Plane, control_plane
from tests.unit.responsibility.cases import passing
from tests.unit.responsibility.conftest import Owners, ScriptedFacts

DAY = timedelta(days=1)
CHECK = "rest_files_encrypted@region/local"
CONTROLS_OF_CHECK = load_catalogue().checks["rest_files_encrypted"].meta.controls[:1]


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


def look(plane: Plane, found: list[dict[str, Json]] | None = None, owners: Owners | None = None) -> None:
    sources = ScriptedFacts(plane.clock)
    if found is not None:
        sources.found["disk_encryption"] = found
    CheckRunner(
        plane.control.audit,
        sources=sources,
        ownership=owners or Owners(),
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
    assert "was not looked at for too long" in own[0].title
    assert "does not apply any more" in own[1].title
    assert "was stale" not in str(own)
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


def spilled(service: str, number: int, path: str = "tmp/spill.bin") -> dict[str, Json]:
    """A service with a file in plain text."""
    (sound,) = passing("disk_encryption")
    identity: dict[str, Json] = {"id": f"service/{service}-{number}", "service_id": service}
    return {**sound, **identity, "plaintext": 1, "plaintext_paths": [path]}


def reasons(plane: Plane, organization_id: str) -> dict[str, str]:
    """Why each subject is as it is, as history tells it."""
    with plane.control.database.read() as connection:
        found = store.page(
            connection, organization_id=organization_id, row=None, since=None, until=None, before=None, limit=1000
        )
    return {change.subject: change.reason for change in reversed(found)}


def test_history_and_notices_name_what_fails_and_nothing_of_another_organization(
    plane: Plane, organization_id: str
) -> None:
    other = plane.organization("Other")
    owners = Owners()
    owners.owners = {"mine": organization_id, "theirs": other}
    began = plane.clock.now() - timedelta(seconds=1)
    found = [*(spilled("mine", number) for number in range(5)), spilled("theirs", 0, "their/secret-name")]
    look(plane, found, owners)
    snapshot(plane)
    own = reasons(plane, organization_id)
    (control,) = [one for one in own if one in CONTROLS_OF_CHECK]
    assert "service/mine-0: 1 files are not encrypted: tmp/spill.bin" in own[CHECK]
    assert own[CHECK].endswith("and 2 more")
    assert "service/mine-0: 1 files" in own[control]
    assert "service/mine-1" not in own[control]
    assert "service/mine-0: 1 files" in own[control.rsplit(".", 1)[0]]
    with plane.control.database.read() as connection:
        told = StateNotices(plane.control.catalogue).notices(connection, organization_id, began, plane.clock.now())
    (notice,) = [notice for notice in told if notice.key == f"state/{CHECK}"]
    assert "service/mine-2" in notice.reason
    assert notice.fix == plane.control.catalogue.checks["rest_files_encrypted"].meta.remediation
    assert "their" not in f"{own}{told}".replace("their own", "")
    assert "their/secret-name" in reasons(plane, other)[CHECK]
    assert "mine" not in reasons(plane, other)[CHECK]


def test_reason_with_long_names_stays_within_its_bound_and_keeps_the_count(plane: Plane, organization_id: str) -> None:
    owners = Owners()
    owners.owners = {"mine": organization_id}
    look(plane, [spilled("mine", number, "x" * 400) for number in range(9)], owners)
    snapshot(plane)
    reason = reasons(plane, organization_id)[CHECK]
    assert len(reason) <= store.MAX_REASON
    assert reason.startswith("9 of 9 fail")
    assert reason.endswith("and 6 more")
