"""A check that judges what a test tells it, looks at it, and people who decide."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from stronghouse.access import api_keys, people
from stronghouse.access.api_keys import KeyRequest
from stronghouse.access.roles.system import ADMIN
from stronghouse.audit import store as audit_store
from stronghouse.audit.event import SYSTEM, Actor, ActorType, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import FixedClock
from stronghouse.organizations import actions as organizations
from stronghouse.responsibility.actions import Look, Part, record_failure, record_look
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.findings import actions, dispositions, store
from stronghouse.responsibility.findings.model import (
    CHECK,
    Disposition,
    DispositionKind,
    Finding,
    FindingStatus,
    identity,
)
from stronghouse.responsibility.matrix import responsibility_matrix
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from tests.unit.responsibility.cases import facts

HERE = "region/local"
META = CheckMeta(
    id="rest_files_encrypted",
    title="Something holds",
    severity=Severity.MEDIUM,
    risk="It does not.",
    remediation="Mend it.",
    max_age=timedelta(days=400),
    collector="disk_encryption",
    controls=(),
    frameworks=(),
)
WORDS = {"P": ResultState.PASS, "F": ResultState.FAIL, "M": ResultState.MANUAL, "N": ResultState.NOT_APPLICABLE}
DAY = timedelta(days=1)


@dataclass
class Scene:
    """A log with an operator's and another organization in it, and a check to look with."""

    log: AuditLog
    clock: FixedClock
    operator: str
    other: str
    meta: CheckMeta = META
    reason: str = "It is so."

    @classmethod
    def start(cls, log: AuditLog, clock: FixedClock) -> "Scene":
        """Two organizations; the first operates the installation."""
        with log.unit_of_work(Context(SYSTEM)) as uow:
            operator = organizations.create_organization(uow, name="Operator", now=clock.now())
            other = organizations.create_organization(uow, name="Other", now=clock.now() + timedelta(seconds=1))
        return cls(log, clock, operator.id, other.id)

    def look(self, owner: str | None = None, /, **states: str) -> None:
        """A look that worked: by resource P, F, M or N."""
        self.look_at({owner: states})

    def look_at(self, seen: Mapping[str | None, Mapping[str, str]]) -> None:
        """A look that worked, with shares of several organizations."""
        now = self.clock.now()
        parts = []
        for owner, states in seen.items():
            resources = [{"id": name, "kind": "thing"} for name in states]
            results = [Result(name, WORDS[word], self.reason) for name, word in states.items()]
            seen_facts = facts(self.meta.collector, resources, collected_at=now)
            parts.append(Part(owner, seen_facts, {self.meta.id: results}))
        with self.log.unit_of_work(Context(SYSTEM)) as uow:
            record_look(uow, Look(HERE, now, [self.meta], parts, {}), now=now)

    def fail_to_look(self) -> None:
        """Nobody could look."""
        with self.log.unit_of_work(Context(SYSTEM)) as uow:
            record_failure(uow, self.meta, place=HERE, reason="No answer.", now=self.clock.now())

    def graver(self, severity: Severity) -> None:
        """From now on a failure is as bad as this."""
        self.meta = replace(self.meta, severity=severity)

    def id_of(self, resource: str, owner: str | None = None) -> str:
        """The finding's id."""
        return identity(owner, CHECK, self.meta.id, resource, HERE)

    def finding(self, resource: str, owner: str | None = None) -> Finding:
        """The finding about a resource."""
        with self.log.database.read() as connection:
            found = store.find(connection, self.id_of(resource, owner))
        assert found is not None
        return found

    def statuses(self) -> dict[str, FindingStatus]:
        """The status of every finding of the check, by resource."""
        with self.log.database.read() as connection:
            found = store.of_source(connection, source=CHECK, source_id=self.meta.id, place=HERE)
        return {one.resource: one.status for one in found}

    def person(self, email: str, organization_id: str | None = None) -> Context:
        """A member who acts."""
        organization_id = organization_id or self.operator
        with self.log.unit_of_work(Context(SYSTEM)) as uow:
            user = people.create_member(
                uow, organization_id=organization_id, email=email, name="A", role_ids=(ADMIN.id,), now=self.clock.now()
            )
        return Context(Actor(ActorType.USER, user.id, email))

    def key_of(self, maker: Context) -> Context:
        """A key that somebody made, acting."""
        with self.log.unit_of_work(maker) as uow:
            made = api_keys.create_key(
                uow, KeyRequest(name="key"), organization_id=self.operator, creator=None, now=self.clock.now()
            )
        return Context(Actor(ActorType.API_KEY, made.key.id, "key"))

    def ask(
        self,
        resource: str,
        who: Context,
        *,
        days: float = 30,
        kind: DispositionKind = DispositionKind.RISK_ACCEPTED,
        original: Finding | None = None,
        owner: str | None = None,
    ) -> Disposition:
        """Ask for a disposition."""
        now = self.clock.now()
        wanted = dispositions.DispositionRequest(
            kind=kind, reason="We know.", expires_at=now + timedelta(days=days), duplicate_of=original
        )
        organization_id = owner or self.operator
        with self.log.unit_of_work(who) as uow:
            found = actions.find_own(
                uow.connection, organization_id=organization_id, finding_id=self.id_of(resource, owner)
            )
            return dispositions.ask(uow, found, wanted, organization_id=organization_id, now=now)

    def approve(self, resource: str, asked: Disposition, who: Context) -> Disposition:
        """Approve a disposition."""
        with self.log.unit_of_work(who) as uow:
            found = self._own(uow.connection, resource)
            return dispositions.approve(uow, found, asked.id, organization_id=self.operator, now=self.clock.now())

    def withdraw(self, resource: str, asked: Disposition, who: Context) -> Disposition:
        """Withdraw a disposition."""
        with self.log.unit_of_work(who) as uow:
            return dispositions.withdraw(uow, self._own(uow.connection, resource), asked.id, now=self.clock.now())

    def _own(self, connection: Connection, resource: str) -> Finding:
        return actions.find_own(connection, organization_id=self.operator, finding_id=self.id_of(resource))

    def dispositions(self, resource: str) -> list[Disposition]:
        """The dispositions of a finding, newest first."""
        with self.log.database.read() as connection:
            return store.dispositions_of(connection, self.id_of(resource))

    def place(self, catalogue: Catalogue, organization_id: str | None = None) -> dict[str, Any]:
        """What the matrix says of the check here."""
        mine = replace(catalogue.checks[META.id], meta=self._listed(catalogue))
        with self.log.database.read() as connection:
            document: Any = responsibility_matrix(
                connection,
                catalogue=Catalogue(catalogue.responsibilities, {**catalogue.checks, META.id: mine}),
                organization_id=organization_id or self.operator,
                regions=["local"],
                now=self.clock.now(),
            )
        checks = [check for row in document["rows"] for control in row["controls"] for check in control["checks"]]
        (place,) = next(check["places"] for check in checks if check["id"] == META.id)
        return {**place, "document": document}

    def _listed(self, catalogue: Catalogue) -> CheckMeta:
        return replace(self.meta, controls=catalogue.checks[META.id].meta.controls)

    def codes(self) -> list[str]:
        """Codes of what was recorded about findings and dispositions."""
        with self.log.database.read() as connection:
            return [
                entry.code
                for entry in audit_store.entries(connection)
                if entry.code.startswith(("finding.", "disposition."))
            ]
