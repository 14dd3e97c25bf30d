"""A log of an older version gets the columns that filters need, and still verifies."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from stronghouse.audit import store, tree
from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.query import AuditQuery, export
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.audit.verification import verify_log
from stronghouse.kernel.canonical import Json, canonical_json
from stronghouse.kernel.clock import FixedClock, rfc3339
from stronghouse.storage.columns import EPOCH, MICROSECOND
from stronghouse.storage.database import Database
from stronghouse.storage.migrate import SCRIPTS, migrate
from tests.support.databases import empty_database
from tests.unit.audit.conftest import DoorOpened

ORGANIZATION = "0b7e7b7e-0000-4000-8000-000000000001"
START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def old(back_end: str, tmp_path: Path) -> Database:
    """A database of the schema before, with its entries; before the fourth the clock ran back."""
    database = empty_database(tmp_path / "control.db")
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0008")
        for index, minutes in enumerate([0, 5, 5, 2, 9]):
            add(connection, index, START + timedelta(minutes=minutes), address=None if index == 1 else "192.0.2.7")
    return database


def add(connection: Connection, index: int, moment: datetime, *, address: str | None) -> None:
    event: dict[str, Json] = {
        "version": 1,
        "id": f"event-{index}",
        "time": rfc3339(moment),
        "code": "door.open",
        "activity": None,
        "outcome": "denied" if index == 2 else "success",
        "summary": "A door.",
        "organization_id": ORGANIZATION,
        "service_id": None,
        "actor": {"type": "user", "id": f"actor-{index % 2}", "details": ""},
        "address": address,
        "data": {},
    }
    body = canonical_json(event)
    leaf = tree.leaf_hash(body)
    row = {
        "index": index,
        "id": f"event-{index}",
        "at": (moment - EPOCH) // MICROSECOND,
        "organization": ORGANIZATION,
        "body": body.decode(),
        "leaf": leaf,
    }
    connection.execute(
        text(
            'INSERT INTO audit_entry ("index", event_id, created_at, organization_id, code, body, leaf_hash) '
            "VALUES (:index, :id, :at, :organization, 'door.open', :body, :leaf)"
        ),
        row,
    )
    for level, place, value in tree.append(index, leaf, store.nodes(connection)):
        connection.execute(store.audit_node.insert().values(level=level, index=place, hash=value))


def test_old_entries_can_be_filtered_and_verified(old: Database) -> None:
    migrate(old)
    log = AuditLog(old, Ed25519Signer("test.log", bytes(range(32))), FixedClock(START + timedelta(hours=1)))
    with log.unit_of_work(Context(SYSTEM)) as uow:  # signs a head over everything
        uow.record(DoorOpened(organization_id=ORGANIZATION, door="new"))
    with old.read() as connection:
        assert store.clock_steps(connection) == [3]
        verify_log(connection, origin=log.signer.origin, public_key=log.signer.public_key)
        found = {
            "actor": [e.index for e in export(connection, AuditQuery(organization_id=ORGANIZATION, actor="actor-1"))],
            "address": [
                e.index for e in export(connection, AuditQuery(organization_id=ORGANIZATION, address="192.0.2.7"))
            ],
            "time": [
                e.index
                for e in export(
                    connection, AuditQuery(organization_id=ORGANIZATION, until=START + timedelta(minutes=3))
                )
            ],
        }
    assert found == {"actor": [1, 3], "address": [0, 2, 3, 4], "time": [0, 3]}
    old.close()


@pytest.mark.parametrize("body", ["", "{", "[]", "null", json.dumps({"actor": "x"}), json.dumps({"outcome": None})])
def test_damaged_entry_stops_no_migration_and_is_named_afterwards(old: Database, body: str) -> None:
    damaged = random.Random(body).randrange(5)
    with old.write() as connection:
        connection.execute(
            text('UPDATE audit_entry SET body = :body WHERE "index" = :index'), {"body": body, "index": damaged}
        )
    migrate(old)
    with old.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM audit_entry WHERE actor_id = ''")).scalar_one() == 1
    old.close()
