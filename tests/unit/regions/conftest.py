"""A log in a temporary database with one region in it, and the two authorities."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stronghouse.access.certificates import CertificateAuthority, Purpose
from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import FixedClock
from stronghouse.regions import actions
from tests.support.databases import new_database

REGION = "local"
CONTEXT = Context(SYSTEM)


@dataclass
class Ground:
    """What the tests of this area stand on."""

    audit: AuditLog
    clock: FixedClock
    agents_ca: CertificateAuthority
    edge_ca: CertificateAuthority


@pytest.fixture
def ground(back_end: str, tmp_path: Path) -> Iterator[Ground]:
    database = new_database(tmp_path / "log.db")
    clock = FixedClock(datetime(2026, 11, 23, tzinfo=UTC))
    audit = AuditLog(database, Ed25519Signer("test.log", bytes(range(32))), clock)
    with audit.unit_of_work(CONTEXT) as uow:
        actions.create_region(uow, region_id=REGION, cloud_provider="aws", cloud_region="us-east-1", now=clock.now())
    yield Ground(
        audit,
        clock,
        CertificateAuthority.create("agents", purpose=Purpose.CLIENT, clock=clock),
        CertificateAuthority.create("edge", purpose=Purpose.SERVER, clock=clock),
    )
    database.close()
