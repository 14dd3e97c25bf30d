"""Comparing an organization with a profile: reads only, and derives what became of each piece of advice."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection

from stronghouse.access import store as access
from stronghouse.access.roles.store import roles_of
from stronghouse.notifications import store as notifications
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.documents import store as documents
from stronghouse.responsibility.findings import store as findings
from stronghouse.responsibility.findings.model import TWO_PERSONS
from stronghouse.responsibility.guidance import store
from stronghouse.responsibility.guidance.model import (
    CONTROL_SETTING,
    AdviceState,
    Declined,
    Desired,
    Difference,
    Found,
    Profile,
    State,
    Task,
)
from stronghouse.responsibility.matrix import responsibility_matrix
from stronghouse.responsibility.model import RowState, Severity
from stronghouse.services import store as services

PROVEN = frozenset({RowState.PASS.value, RowState.NOT_APPLICABLE.value})
"""A required control is followed when it is proven, or when there is nothing that it applies to."""


@dataclass(frozen=True)
class Advice:
    """A difference and what became of it."""

    difference: Difference
    state: AdviceState
    declined: Declined | None
    task: Task | None
    due_at: datetime | None


@dataclass(frozen=True)
class Controls:
    """What required controls are judged by: the catalogue, and the regions that ought to be looked at."""

    catalogue: Catalogue
    regions: Sequence[str]


def read_state(connection: Connection, *, organization_id: str, catalogue: Catalogue, now: datetime) -> State:
    """An organization's settings as they are."""
    members = access.every_membership(connection, now=now)
    return State(
        organization_id=organization_id,
        now=now,
        services=tuple(services.find_all(connection, organization_id=organization_id)),
        keys=tuple(access.keys(connection, organization_id=organization_id)),
        members=tuple(member for member in members if member.organization_id == organization_id),
        roles=roles_of(connection, organization_id),
        rows=tuple(row.id for row in catalogue.responsibilities),
        accountable=findings.accountable_members(connection, organization_id),
        channels=tuple(notifications.of_organization(connection, organization_id)),
        hosted=frozenset(documents.hosting(connection)),
    )


def compare(
    connection: Connection, *, organization_id: str, profile: Profile, controls: Controls, now: datetime
) -> list[Difference]:
    """What differs from the profile, in the order of its settings and then of its required controls."""
    state = read_state(connection, organization_id=organization_id, catalogue=controls.catalogue, now=now)
    found = [one for desired in profile.settings.values() for one in differences_of(desired, state)]
    if profile.controls:
        found += _unproven(connection, state, profile.controls, controls)
    return found


def advise(
    connection: Connection, *, organization_id: str, profile: Profile, controls: Controls, now: datetime
) -> list[Advice]:
    """What differs from the profile, and for each difference whether it was declined or is a task."""
    differences = compare(connection, organization_id=organization_id, profile=profile, controls=controls, now=now)
    declined = store.declined_in_force(connection, organization_id=organization_id, profile=profile.id, now=now)
    tasks = {task.difference: task for task in store.find_tasks(connection, organization_id)}
    opened = findings.by_ids(connection, [task.finding_id for task in tasks.values()])
    due = {
        difference: opened[task.finding_id].due_at for difference, task in tasks.items() if task.finding_id in opened
    }
    for accepted in findings.pending_of(connection, opened):
        task = next(one for one in tasks.values() if one.finding_id == accepted.finding_id)
        if accepted.covers(opened[task.finding_id], now):
            due[task.difference] = max(due[task.difference], accepted.expires_at)
    return [_advice(one, declined, tasks.get(one.id), due.get(one.id), now) for one in differences]


def differences_of(desired: Desired, state: State) -> Iterator[Difference]:
    """What differs from one desired setting."""
    for found in desired.rule.find(state):
        yield Difference(
            setting=desired.setting.id,
            title=desired.setting.title,
            severity=desired.setting.severity,
            found=found,
            wanted=desired.rule.wanted,
            why=desired.why,
            costs=desired.costs,
        )


def _advice(
    difference: Difference, declined: Iterable[Declined], task: Task | None, due_at: datetime | None, now: datetime
) -> Advice:
    in_force = next((one for one in declined if one.covers(difference, now)), None)
    if in_force is not None and difference.severity not in TWO_PERSONS:
        return Advice(difference, AdviceState.DECLINED, in_force, task, due_at)
    if task is not None and due_at is not None:
        return Advice(difference, AdviceState.TASK if now < due_at else AdviceState.OVERDUE, None, task, due_at)
    return Advice(difference, AdviceState.OPEN, None, task, due_at)


def _unproven(
    connection: Connection, state: State, required: Mapping[str, str], controls: Controls
) -> Iterator[Difference]:
    document = cast(
        "dict[str, Any]",
        responsibility_matrix(
            connection,
            catalogue=controls.catalogue,
            organization_id=state.organization_id,
            regions=controls.regions,
            now=state.now,
        ),
    )
    shown = {control["id"]: control for row in document["rows"] for control in row["controls"]}
    for control_id, why in required.items():
        control = shown[control_id]
        if control["state"] not in PROVEN:
            yield _of_control(control, why)


def _of_control(control: dict[str, Any], why: str) -> Difference:
    unproven = [check for check in control["checks"] if check["state"] not in PROVEN]
    ranks = list(Severity)
    severity = min((Severity(check["severity"]) for check in unproven), key=ranks.index, default=Severity.MEDIUM)
    mend = unproven[0]["remediation"] if unproven else "No check proves this control in this version yet."
    is_now = f"It is {control['state'].replace('_', ' ')}: {control['reason']}"
    return Difference(
        setting=CONTROL_SETTING,
        title="A control that this profile needs is proven",
        severity=severity,
        found=Found(control["id"], control["title"], is_now, mend),
        wanted="The control is proven",
        why=why,
        costs="Whoever operates it has to mend it and keep it so.",
    )
