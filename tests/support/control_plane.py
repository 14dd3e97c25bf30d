"""A control plane without processes: real SQLite, real API, a clock that tests move, and jobs that are only noted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient
from tests.support.databases import migrated_database

from stronghouse.access import api_keys
from stronghouse.access.api_keys import KeyRequest
from stronghouse.access.factors.passkeys import RelyingParty
from stronghouse.access.factors.proving import FORM as FACTORS_FORM
from stronghouse.access.factors.proving import SecondFactors
from stronghouse.access.model import Source
from stronghouse.access.roles.policies import Role
from stronghouse.access.roles.system import ADMIN
from stronghouse.api.application import create_api
from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.throttle import Throttle
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.compliance.builder import PackageBuilder
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.errors import StronghouseError, Unavailable
from stronghouse.kernel.secret import Secret
from stronghouse.keys.sealing import Sealer
from stronghouse.notifications.actions import FORM, Channels
from stronghouse.organizations import actions as organizations
from stronghouse.plane.parts import ControlPlane
from stronghouse.regions import actions as regions
from stronghouse.responsibility.catalogue import load_catalogue
from stronghouse.responsibility.documents.actions import DocumentLibrary
from stronghouse.responsibility.documents.files import SealedFiles
from stronghouse.responsibility.documents.requests import load_requests
from stronghouse.responsibility.guidance.loading import load_profiles
from stronghouse.responsibility.runner import CheckRunner
from stronghouse.responsibility.runs import CheckRuns

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HERE = "127.0.0.1"
CONSOLE_URL = "https://localhost:8441"
CONTEXT = Context(SYSTEM)


@dataclass
class NotedJobs:
    """Jobs that reach nobody and remember what was asked; `answers` says what a kind of job is answered.

    An error there is raised. A kind without an answer meets a silent region.
    """

    notified: list[str] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    called: list[tuple[str, str, dict[str, Json]]] = field(default_factory=list)
    answers: dict[str, Json | StronghouseError] = field(default_factory=dict)

    def notify(self, region_id: str) -> None:
        """Note a change."""
        self.notified.append(region_id)

    def wake(self, _region_id: str, service_id: str) -> None:
        """Note a wake."""
        self.woken.append(service_id)

    def call(self, region_id: str, kind: str, arguments: dict[str, Json], *, timeout: float) -> Json:
        """Note a job and answer as the test says."""
        self.called.append((region_id, kind, arguments))
        silent = Unavailable(f"Region {region_id} did not answer within {timeout:g} s.", code="region_silent")
        answer = self.answers.get(kind, silent)
        if isinstance(answer, StronghouseError):
            raise answer
        return answer


@dataclass
class NotedMessages:
    """A sender that reaches nobody: it remembers messages, and fails with the sentence that a test puts in."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    inside: list[bool] = field(default_factory=list)
    problem: str | None = None

    def check(self, _url: Secret) -> None:
        """Every URL will do."""

    def send(self, url: Secret, *, title: str, body: str, inside: bool) -> None:
        """Remember a message, and whether it might go to networks beside the public ones."""
        self.inside.append(inside)
        if self.problem is not None:
            raise Unavailable(self.problem)
        self.sent.append((url.reveal(), title, body))


class NothingAnswers:
    """Facts of nobody: each look fails."""

    def regions(self) -> list[str]:
        """The region that there is."""
        return ["local"]

    def collect(self, _collector: str, _region: str | None) -> None:
        """Fail."""
        raise Unavailable("Nothing answers here.")

    def organization_of(self, _service_id: str, _region: str | None) -> None:
        """Nobody's."""

    def expected_in(self, _region: str) -> frozenset[str]:
        """Nothing."""
        return frozenset()


@dataclass
class Plane:
    """The parts under test and shortcuts to use them."""

    control: ControlPlane
    clock: FixedClock
    jobs: NotedJobs
    http: TestClient
    messages: NotedMessages

    def organization(self, name: str = "Example") -> str:
        """A new organization's id."""
        with self.control.audit.unit_of_work(CONTEXT) as uow:
            return organizations.create_organization(uow, name=name, now=self.clock.now()).id

    def key(self, organization_id: str, *roles: Role, **request: Any) -> tuple[str, str]:
        """Key id and secret of a new key, which may be used from here."""
        wanted = KeyRequest(name="test", role_ids=tuple(role.id for role in roles), ip_access=(Source("127.0.0.0/8"),))
        with self.control.audit.unit_of_work(CONTEXT) as uow:
            new = api_keys.create_key(
                uow,
                KeyRequest(**{**wanted.__dict__, **request}),
                organization_id=organization_id,
                creator=None,
                now=self.clock.now(),
            )
        assert new.key_id is not None
        assert new.key_secret is not None
        return new.key_id.reveal(), new.key_secret.reveal()

    def admin(self, organization_id: str) -> tuple[str, str]:
        """Key id and secret of a key that may do everything."""
        return self.key(organization_id, ADMIN)

    def call(self, method: str, path: str, auth: tuple[str, str] | None, *, address: str = HERE, **options: Any) -> Any:
        """One request as the edge would pass it on."""
        headers = {"x-sh-client-ip": address, **options.pop("headers", {})}
        return self.http.request(method, f"/v1{path}", auth=auth, headers=headers, **options)


def second_factors(console_url: str) -> SecondFactors:
    """The second factors of a console at this address."""
    return SecondFactors(Sealer(FACTORS_FORM, [bytes(32)]), RelyingParty.of(console_url))


@contextmanager
def control_plane(directory: Path) -> Iterator[Plane]:
    """A migrated, empty control plane with one region called `local`."""
    clock, jobs = FixedClock(NOW), NotedJobs()
    database = migrated_database(directory / "control.db")
    audit = AuditLog(database, Ed25519Signer("test.log", bytes(range(32))), clock)
    with audit.unit_of_work(CONTEXT) as uow:
        regions.create_region(uow, region_id="local", cloud_provider="aws", cloud_region="us-east-1", now=clock.now())
    catalogue = load_catalogue()
    nothing, messages = NothingAnswers(), NotedMessages()
    checks = CheckRunner(audit, sources=nothing, ownership=nothing, catalogue=catalogue, clock=clock)
    sealer = Sealer(FORM, [bytes(32)])
    control = ControlPlane(
        database=database,
        audit=audit,
        clock=clock,
        jobs=jobs,
        service_port=lambda slot: 8444 + slot,
        host="localhost",
        api_url="https://localhost:8440",
        console_url=CONSOLE_URL,
        queries_url="https://localhost:8442",
        ca_file=directory / "ca.pem",
        refusals=Throttle(clock),
        catalogue=catalogue,
        check_runs=CheckRuns(checks, audit, clock),
        channels=Channels(audit, sealer=sealer, sender=messages, throttle=Throttle(clock)),
        factors=second_factors(CONSOLE_URL),
        documents=DocumentLibrary(
            load_requests(catalogue.responsibilities), SealedFiles(directory / "documents", directory / "control.key")
        ),
        packages=PackageBuilder(audit, directory=directory / "packages", catalogue=catalogue, clock=clock),
        profiles=load_profiles(catalogue),
        sends_mail=True,
    )
    with TestClient(create_api(control), base_url="https://localhost", raise_server_exceptions=False) as http:
        yield Plane(control, clock, jobs, http, messages)
    database.close()
