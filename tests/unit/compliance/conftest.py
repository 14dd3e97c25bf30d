"""A control plane with some days of evidence, and a package of it."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from stronghouse.audit.checkpoint import verifier_key
from stronghouse.compliance import actions, store
from stronghouse.compliance.container import ContainerWriter
from stronghouse.compliance.model import Package, Sample
from stronghouse.compliance.verifier import Verified, read_container, verify
from stronghouse.kernel.errors import Unavailable
from stronghouse.responsibility.runner import CheckRunner
from tests.support.control_plane import CONTEXT, Plane, control_plane
from tests.unit.responsibility.conftest import ScriptedFacts

CHECKS = ("rest_files_encrypted", "plane_access_authenticated", "listening_loopback_only")


class OneOwner:
    """Service a1 is the first organization's, o1 another's."""

    def __init__(self, mine: str, theirs: str) -> None:
        self._owners = {"a1": mine, "o1": theirs}

    def organization_of(self, service_id: str, region: str | None) -> str | None:
        return self._owners.get(service_id)

    def expected_in(self, _region: str) -> frozenset[str]:
        return frozenset()


@dataclass
class Audited:
    """A plane whose checks ran for some time."""

    plane: Plane
    organization_id: str
    other_id: str
    sources: ScriptedFacts
    runner: CheckRunner

    @property
    def key(self) -> str:
        signer = self.plane.control.audit.signer
        return verifier_key(signer.origin, signer.public_key)

    def look(self, count: int, apart: timedelta = timedelta(hours=7)) -> None:
        for _ in range(count):
            for check in CHECKS:
                self.runner.run(check_id=check)
            self.plane.clock.advance(apart)

    def ask(self, sample: Sample = Sample.DAILY, organization_id: str | None = None, days: int = 30) -> Package:
        now = self.plane.clock.now()
        with self.plane.control.audit.unit_of_work(CONTEXT) as uow:
            return actions.request_package(
                uow,
                organization_id=organization_id or self.organization_id,
                start=now - timedelta(days=days),
                end=now,
                sample=sample,
                now=now,
            )

    def make(self, sample: Sample = Sample.DAILY, organization_id: str | None = None) -> Package:
        asked = self.ask(sample, organization_id)
        self.plane.control.packages.run_due()
        return self.found(asked)

    def found(self, package: Package) -> Package:
        with self.plane.control.database.read() as connection:
            again = store.find(connection, organization_id=package.organization_id, package_id=package.id)
        assert again is not None
        return again

    def content(self, package: Package) -> bytes:
        return self.plane.control.packages.path(package.id).read_bytes()


def audited_plane(directory: Path) -> Iterator[Audited]:
    with control_plane(directory) as plane:
        mine = plane.organization()
        plane.clock.advance(timedelta(seconds=1))  # the oldest organization is the operator's
        theirs = plane.organization("Other")
        sources = ScriptedFacts(plane.clock)
        runner = CheckRunner(
            plane.control.audit,
            sources=sources,
            ownership=OneOwner(mine, theirs),
            catalogue=plane.control.catalogue,
            clock=plane.clock,
        )
        yield Audited(plane, mine, theirs, sources, runner)


@pytest.fixture
def audited(tmp_path: Path) -> Iterator[Audited]:
    yield from audited_plane(tmp_path)


@dataclass(frozen=True)
class Built:
    """The bytes of a package, the key of its log."""

    content: bytes
    key: str

    def files(self) -> dict[str, bytes]:
        return unpacked(self.content)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    for audited in audited_plane(tmp_path_factory.mktemp("package")):
        audited.look(2)
        audited.sources.found["plane_access"] = Unavailable("Region local did not answer.")
        audited.look(1)
        package = audited.make()
        assert package.error is None
        yield Built(audited.content(package), audited.key)


def unpacked(content: bytes) -> dict[str, bytes]:
    found = read_container(io.BytesIO(content))
    return {name: content[entry.offset : entry.offset + entry.size] for name, entry in found.items()}


def packed(files: dict[str, bytes]) -> bytes:
    """A well-formed container of these files: what somebody who can build one would hand over."""
    target = io.BytesIO()
    writer = ContainerWriter(target)
    last = [name for name in ("manifest.json", "manifest.proof") if name in files]
    for name in [*sorted(files.keys() - set(last)), *last]:
        writer.add(name, files[name])
    writer.finish()
    return target.getvalue()


def checked(content: bytes, key: str | None) -> Verified:
    return verify(io.BytesIO(content), key)
