"""Lists of services: paging, search and counts, at the size where they matter."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from stronghouse.access.model import Source
from stronghouse.access.roles.policies import ServiceSet
from stronghouse.kernel.ids import new_id
from stronghouse.services import store
from stronghouse.services.model import Service, ServiceState
from stronghouse.storage.database import Database
from tests.support.databases import migrated_database
from tests.unit.services.test_connections import SERVICE

MINE = SERVICE.organization_id
EVERY = ServiceSet(others=True)


@pytest.fixture
def database(back_end: str, tmp_path: Path) -> Iterator[Database]:
    made = migrated_database(tmp_path / "control.db")
    yield made
    made.close()


def fill(database: Database, *names: str, **fields: object) -> list[Service]:
    """Services of these names; as many regions as their slots take."""
    with database.write() as connection:
        made = []
        for number, name in enumerate(names):
            place = {"id": new_id(), "region": f"{new_id()[:8]}-{number // 20}", "slot": number % 20, "name": name}
            made.append(dataclasses.replace(SERVICE, **{**place, **fields}))  # type: ignore[arg-type]
            store.insert_service(connection, made[-1])
    return made


def names(database: Database, limit: int = 100, **filters: object) -> list[str]:
    with database.read() as connection:
        found = store.page(connection, organization_id=MINE, among=EVERY, limit=limit, **filters)  # type: ignore[arg-type]
    return [service.name for service in found]


def test_pages_follow_the_names_whatever_their_case_and_leave_none_out(database: Database) -> None:
    wanted = [f"{'Service' if number % 2 else 'service'} {number:03}" for number in range(250)] + ["twin"] * 8
    fill(database, *reversed(wanted), ip_access=(Source("127.0.0.1", "here"),))
    seen: list[Service] = []
    with database.read() as connection:
        while page := store.page(
            connection, organization_id=MINE, among=EVERY, limit=7, after=(seen[-1].name, seen[-1].id) if seen else None
        ):
            seen += page
    assert [service.name for service in seen] == wanted
    assert len({service.id for service in seen}) == len(wanted)
    assert seen[0].ip_access == (Source("127.0.0.1", "here"),)


def test_search_takes_a_part_of_a_name_and_no_character_as_a_wildcard(database: Database) -> None:
    fill(database, "100% sure", "100 pure", "a_b", "aXb", r"back\slash", "it's")
    assert names(database, text="100%") == ["100% sure"]
    assert names(database, text="A_B") == ["a_b"]
    assert names(database, text="\\") == [r"back\slash"]
    assert names(database, text="'") == ["it's"]
    assert names(database, text="URE") == ["100 pure", "100% sure"]
    assert names(database, text="none") == []


def test_search_tells_upper_and_lower_case_apart_beyond_ascii(database: Database) -> None:
    fill(database, "Ärger")
    assert names(database, text="ÄRGER") == ["Ärger"]
    assert names(database, text="ärger") == []  # as docs/limits.md says


def test_search_finds_a_service_by_its_whole_id(database: Database) -> None:
    first, _ = fill(database, "first", "second")
    assert names(database, text=first.id.upper()) == ["first"]


def test_filters_narrow_together(database: Database) -> None:
    fill(database, "idle", state=ServiceState.IDLE, region="north")
    fill(database, "elsewhere", state=ServiceState.IDLE, region="south")
    fill(database, "running", region="west")
    assert names(database, state=ServiceState.IDLE) == ["elsewhere", "idle"]
    assert names(database, state=ServiceState.IDLE, region="north") == ["idle"]
    assert names(database, text="r", region="west", state=ServiceState.IDLE) == []


def test_other_organizations_services_are_neither_listed_nor_counted(database: Database) -> None:
    (foreign,) = fill(database, "theirs", organization_id=new_id())
    fill(database, "mine")
    assert names(database) == ["mine"]
    assert names(database, text=foreign.id) == []
    with database.read() as connection:
        assert store.counts_by_state(connection, MINE, among=EVERY) == {ServiceState.RUNNING: 1}


def test_states_are_counted(database: Database) -> None:
    fill(database, "a", "b")
    fill(database, "c", state=ServiceState.FAILED)
    with database.read() as connection:
        assert store.counts_by_state(connection, MINE, among=EVERY) == {ServiceState.RUNNING: 2, ServiceState.FAILED: 1}
        assert store.counts_by_state(connection, new_id(), among=EVERY) == {}
