"""A catalogue, a log in a temporary database, and facts that tests make up."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock, FixedClock
from stronghouse.responsibility.catalogue import Catalogue, load_catalogue
from stronghouse.responsibility.runner import CheckRunner
from tests.support.databases import new_database
from tests.unit.responsibility.cases import facts, passing

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ACME, OTHER = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"


class ScriptedFacts:
    """Gives what tests put in: by collector the resources, or an error to raise. By default everything is well."""

    def __init__(self, clock: Clock, regions: Sequence[str] = ("local",)) -> None:
        self.clock = clock
        self.found: dict[str, list[dict[str, Json]] | Exception] = {}
        self.answers: dict[str, Json] = {}
        self.calls: list[tuple[str, str | None]] = []
        self._regions = regions

    def regions(self) -> Sequence[str]:
        """The regions."""
        return self._regions

    def collect(self, collector: str, region: str | None) -> Json:
        """Facts as scripted."""
        self.calls.append((collector, region))
        found = self.found.get(collector, passing(collector))
        if isinstance(found, Exception):
            raise found
        if collector in self.answers:
            return self.answers[collector]
        return facts(collector, found, collected_at=self.clock.now()).to_json()


class Owners:
    """Service a1 is Acme's, o1 is the other organization's."""

    owners: Mapping[str, str] = {"a1": ACME, "o1": OTHER}
    expected: frozenset[str] = frozenset()

    def organization_of(self, service_id: str, region: str | None) -> str | None:
        """The owner; no service lies in the region `elsewhere`."""
        return None if region == "elsewhere" else self.owners.get(service_id)

    def expected_in(self, _region: str) -> frozenset[str]:
        """What tests say."""
        return self.expected


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def log(back_end: str, tmp_path: Path, clock: FixedClock) -> Iterator[AuditLog]:
    database = new_database(tmp_path / "control.db")
    yield AuditLog(database, Ed25519Signer("test.log", bytes(range(32))), clock)
    database.close()


@pytest.fixture
def sources(clock: FixedClock) -> ScriptedFacts:
    return ScriptedFacts(clock)


@pytest.fixture
def runner(log: AuditLog, sources: ScriptedFacts, catalogue: Catalogue, clock: FixedClock) -> CheckRunner:
    return CheckRunner(log, sources=sources, ownership=Owners(), catalogue=catalogue, clock=clock)
