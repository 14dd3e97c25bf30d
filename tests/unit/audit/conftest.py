"""A log in a temporary database, and an event to put in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest

from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.event import AuditEvent
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.secret import Secret
from tests.support.databases import new_database


@dataclass(frozen=True, kw_only=True)
class DoorOpened(AuditEvent):
    """A door was opened."""

    code: ClassVar[str] = "door.open"
    door: str | Secret | float

    def summary(self) -> str:
        """One sentence."""
        return f"Door {self.door} was opened."


@pytest.fixture
def log(back_end: str, tmp_path: Path) -> Iterator[AuditLog]:
    database = new_database(tmp_path / "log.db")
    clock = FixedClock(datetime(2026, 11, 23, tzinfo=UTC))
    yield AuditLog(database, Ed25519Signer("test.log", bytes(range(32))), clock)
    database.close()
