"""What may be done with guidance: choose a profile, decline advice, apply acts, open tasks for people."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from stronghouse.access import authorization
from stronghouse.access.permissions import Permission
from stronghouse.audit.event import Context
from stronghouse.audit.unit_of_work import AuditLog, UnitOfWork
from stronghouse.kernel.errors import Conflict, Denied, Invalid, NotFound
from stronghouse.kernel.ids import new_id
from stronghouse.responsibility.findings import actions as findings
from stronghouse.responsibility.findings import store as finding_store
from stronghouse.responsibility.findings.model import TWO_PERSONS, FindingReport
from stronghouse.responsibility.guidance import store
from stronghouse.responsibility.guidance.comparison import Advice, Controls, advise, compare, differences_of, read_state
from stronghouse.responsibility.guidance.events import (
    AdviceApplied,
    AdviceDeclined,
    ProfileChosen,
    TaskClosed,
    TaskOpened,
)
from stronghouse.responsibility.guidance.model import (
    CONTROL_SETTING,
    LONGEST_DECLINED,
    AdviceState,
    Caller,
    Change,
    Choice,
    Declined,
    Difference,
    Profile,
    Task,
    state_hash,
)

SOURCE = "guidance"
PLACE = "control"
MAX_REASON = 1000
MIN_REASON = 10


@dataclass(frozen=True)
class Act:
    """An act that someone saw in a plan: the difference's id, and the hash of the state that it was planned for."""

    id: str
    before: str


@dataclass(frozen=True)
class Done:
    """What became of an act; `changed` is False where there was nothing left to do."""

    id: str
    changed: bool
    region: str | None


@dataclass(frozen=True)
class Order:
    """Acts of a profile to be carried out for an organization, and who wants them."""

    organization_id: str
    profile: Profile
    acts: Sequence[Act]
    caller: Caller


def find_profile(profiles: Mapping[str, Profile], profile_id: str) -> Profile:
    """A profile by its id; raises NotFound with the ids that there are."""
    profile = profiles.get(profile_id)
    if profile is None:
        raise NotFound(f"There is no profile {profile_id[:64]!r}; choose one of {', '.join(profiles)}.")
    return profile


def choose_profile(uow: UnitOfWork, profile: Profile, *, organization_id: str, now: datetime) -> Choice:
    """Adopt a profile; adopting the same again changes nothing. Tasks of another profile are closed."""
    former = store.find_choice(uow.connection, organization_id)
    if former is not None and former.profile == profile.id:
        return former
    actor = uow.context.actor
    chosen = Choice(organization_id, profile.id, now, actor.type.value, actor.id, actor.details)
    store.put_choice(uow.connection, chosen)
    before = former.profile if former else None
    uow.record(ProfileChosen(organization_id=organization_id, before=before, after=profile.id))
    for task in store.find_tasks(uow.connection, organization_id):
        if task.profile != profile.id:
            _close(uow, task, reason=f"The profile {profile.id} was chosen instead.", now=now)
    return chosen


def decline_advice(
    uow: UnitOfWork, profile: Profile, *, organization_id: str, advice: str, reason: str, until: datetime, now: datetime
) -> Declined:
    """Decline a setting's advice, or that for one resource (`SETTING/RESOURCE`), until a date. Its tasks are closed.

    What is grave takes two persons: its task is a finding, which one asks to accept and another approves. So a decline
    of all required controls does not count for those of which a grave check is not proven.

    Raises:
        Denied: the advice is of high or critical severity.
        Invalid: the profile gives no such advice, the reason is missing, or the date is past or over 365 days ahead.
    """
    _require_declinable(profile, advice)
    text = reason.strip()
    if not MIN_REASON <= len(text) <= MAX_REASON or not text.isprintable():
        raise Invalid(f"A reason has {MIN_REASON} to {MAX_REASON} printable characters.", code="reason_invalid")
    if not now < until <= now + LONGEST_DECLINED:
        raise Invalid(f"Advice can be declined until a date within {LONGEST_DECLINED.days} days.", code="until_invalid")
    actor = uow.context.actor
    declined = Declined(
        id=new_id(),
        organization_id=organization_id,
        profile=profile.id,
        advice=advice,
        reason=text,
        declined_at=now,
        until=until,
        actor_type=actor.type.value,
        actor_id=actor.id,
        actor_details=actor.details,
    )
    store.insert_declined(uow.connection, declined)
    uow.record(
        AdviceDeclined(organization_id=organization_id, profile=profile.id, advice=advice, reason=text, until=until)
    )
    for task in store.find_tasks(uow.connection, organization_id):
        if task.profile == profile.id and advice in {task.difference, task.difference.partition("/")[0]}:
            _close(uow, task, reason="The advice was declined.", now=now)
    return declined


def _require_declinable(profile: Profile, advice: str) -> None:
    setting, _, resource = advice.partition("/")
    known = {*profile.settings, *([CONTROL_SETTING] if profile.controls else [])}
    if setting not in known or (setting == CONTROL_SETTING and resource and resource not in profile.controls):
        raise Invalid(f"The profile {profile.id} gives no advice {advice[:100]!r}.", code="advice_unknown")
    desired = profile.settings.get(setting)
    if desired is not None and desired.setting.severity in TWO_PERSONS:
        raise Denied(
            f"This advice is of {desired.setting.severity.value} severity, which nobody declines alone: open its task "
            "and have the task's finding accepted, which a second person approves.",
            code="two_persons",
        )
    if len(advice) > 400:  # noqa: PLR2004 - the column's length
        raise Invalid("The advice's id is too long.", code="advice_unknown")


def refusal(change: Change, caller: Caller, organization_id: str) -> str | None:
    """Why this caller cannot have a change made; None if they can."""
    if not caller.principal.may(change.permission, organization_id, change.service_id):
        return f"it needs the permission {change.permission.value}"
    return change.lock_out(caller)


def shown_to(advice: Iterable[Advice], caller: Caller, organization_id: str) -> list[Advice]:
    """What a caller may see of advice: what is about one service or one key takes seeing that."""
    rights = caller.principal.rights_in(organization_id)
    services, keys = rights.services_with(Permission.SERVICE_VIEW), rights.may(Permission.API_KEYS_VIEW)

    def sees(resource: str) -> bool:
        kind, _, resource_id = resource.partition("/")
        return {"service": resource_id in services, "key": keys}.get(kind, True)

    return [one for one in advice if sees(one.difference.found.resource)]


def apply_acts(
    audit: AuditLog,
    context: Context,
    order: Order,
    *,
    controls: Controls,
    now: Callable[[], datetime],
    changed: Callable[[str], None],
) -> list[Done]:
    """Carry out acts, each in a transaction of its own; what is so already is left as it is.

    All of them are examined first: if one would be refused, none is begun. `changed` is told of a region as soon as a
    change of one of its services is committed, whatever becomes of the acts after it.

    Raises:
        Conflict: the state is not the one that an act was planned for, or the caller would lock themselves out.
        Denied: the caller may not make this change by hand either.
        Invalid: an act is for people to do, or is named twice.
    """
    if len({act.id for act in order.acts}) != len(order.acts):
        raise Invalid("An act is named twice.", code="act_repeated")
    left: dict[str, str] = {}  # what our own acts left behind, by aspect
    with audit.database.read() as connection:
        for act in order.acts:
            _examine(connection, order, act, left, controls, now())
    done: list[Done] = []
    for act in order.acts:
        with audit.unit_of_work(context) as uow:
            done.append(_carry_out(uow, order, act, left, controls, now()))
        region = done[-1].region
        if region is not None:
            changed(region)
    return done


def open_tasks(
    uow: UnitOfWork, profile: Profile, *, organization_id: str, controls: Controls, caller: Caller, now: datetime
) -> list[Task]:
    """Open a task for each difference that the caller cannot end by an act, unless it was declined or is one."""
    opened = []
    for advice in advise(uow.connection, organization_id=organization_id, profile=profile, controls=controls, now=now):
        change = advice.difference.found.change
        applicable = change is not None and refusal(change, caller, organization_id) is None
        if advice.state is AdviceState.OPEN and advice.task is None and not applicable:
            opened.append(_open(uow, advice.difference, profile, organization_id, now))
    return opened


def close_ended(
    uow: UnitOfWork, profiles: Mapping[str, Profile], *, organization_id: str, controls: Controls, now: datetime
) -> int:
    """Close the tasks whose difference a fresh comparison no longer finds; how many."""
    tasks = store.find_tasks(uow.connection, organization_id)
    ended = ended_tasks(uow.connection, tasks, profiles, controls=controls, now=now)
    for task in ended:
        _close(uow, task, reason="The setting is as the profile wants it.", now=now)
    return len(ended)


def close_everywhere(
    audit: AuditLog, context: Context, profiles: Mapping[str, Profile], *, controls: Controls, now: datetime
) -> int:
    """Close the ended tasks of every organization; how many. Writes only where there is something to close."""
    with audit.database.read() as connection:
        tasks = store.every_task(connection)
        ended = ended_tasks(connection, tasks, profiles, controls=controls, now=now)
    closed = 0
    for organization_id in sorted({task.organization_id for task in ended}):
        with audit.unit_of_work(context) as uow:
            closed += close_ended(uow, profiles, organization_id=organization_id, controls=controls, now=now)
    return closed


def ended_tasks(
    connection: Connection,
    tasks: Iterable[Task],
    profiles: Mapping[str, Profile],
    *,
    controls: Controls,
    now: datetime,
) -> list[Task]:
    """The tasks whose difference is gone, or whose profile is not in this version any more."""
    found: dict[tuple[str, str], set[str]] = {}
    ended = []
    for task in tasks:
        key = (task.organization_id, task.profile)
        profile = profiles.get(task.profile)
        if profile is not None and key not in found:
            differences = compare(
                connection, organization_id=task.organization_id, profile=profile, controls=controls, now=now
            )
            found[key] = {difference.id for difference in differences}
        if task.difference not in found.get(key, set()):
            ended.append(task)
    return ended


def _difference(connection: Connection, order: Order, act: Act, controls: Controls, now: datetime) -> Difference | None:
    """The difference that an act is to end, as it is now; None if it is gone."""
    setting = act.id.partition("/")[0]
    desired = order.profile.settings.get(setting)
    if desired is None:
        raise Invalid(f"{act.id[:100]!r} is no act of the profile {order.profile.id}.", code="act_unknown")
    state = read_state(connection, organization_id=order.organization_id, catalogue=controls.catalogue, now=now)
    return next((one for one in differences_of(desired, state) if one.id == act.id), None)


def _examine(
    connection: Connection, order: Order, act: Act, left: Mapping[str, str], controls: Controls, now: datetime
) -> Change | None:
    difference = _difference(connection, order, act, controls, now)
    if difference is None:
        return None
    change = difference.found.change
    if change is None:
        raise Invalid(f"{act.id} is for people: {difference.found.remediation}", code="act_for_people")
    if state_hash(change.before()) != left.get(change.aspect, act.before):
        raise Conflict(
            f"{act.id} changed since its plan was shown; look at the plan again before it is applied.",
            code="plan_stale",
        )
    authorization.require(
        order.caller.principal,
        change.permission,
        organization_id=order.organization_id,
        service_id=change.service_id,
    )
    reason = change.lock_out(order.caller)
    if reason is not None:
        raise Conflict(f"{act.id} is refused: {reason}.", code="would_lock_out")
    return change


def _carry_out(
    uow: UnitOfWork, order: Order, act: Act, left: dict[str, str], controls: Controls, now: datetime
) -> Done:
    change = _examine(uow.connection, order, act, left, controls, now)
    if change is None:
        return Done(act.id, changed=False, region=None)
    region = change.carry_out(uow, order.caller, now=now)
    left[change.aspect] = state_hash(change.after())
    uow.record(AdviceApplied(organization_id=order.organization_id, profile=order.profile.id, advice=act.id))
    return Done(act.id, changed=True, region=region)


def _open(uow: UnitOfWork, difference: Difference, profile: Profile, organization_id: str, now: datetime) -> Task:
    found = difference.found
    report = FindingReport(
        organization_id=organization_id,
        source=SOURCE,
        source_id=difference.setting,
        resource=found.resource,
        place=PLACE,
        severity=difference.severity,
        title=f"{difference.title} (profile {profile.id})",
        reason=f"{found.name}: {found.is_now} Wanted: {difference.wanted}.",
        remediation=found.remediation,
    )
    finding_id = findings.report(uow, report, now=now)
    task = Task(organization_id, difference.id, profile.id, finding_id, now)
    store.put_task(uow.connection, task)
    uow.record(
        TaskOpened(
            organization_id=organization_id,
            profile=profile.id,
            advice=difference.id,
            finding=finding_id,
            due_at=finding_store.by_ids(uow.connection, [finding_id])[finding_id].due_at,
        )
    )
    return task


def _close(uow: UnitOfWork, task: Task, *, reason: str, now: datetime) -> None:
    findings.close(uow, task.finding_id, reason=reason, now=now)
    store.delete_task(uow.connection, task)
    uow.record(
        TaskClosed(
            organization_id=task.organization_id,
            profile=task.profile,
            advice=task.difference,
            finding=task.finding_id,
            reason=reason,
        )
    )
