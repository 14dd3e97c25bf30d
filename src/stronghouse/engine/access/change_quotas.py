"""CREATE and ALTER of quotas."""

from dataclasses import replace

from stronghouse.engine.access.catalogue import Quota, QuotaInterval
from stronghouse.engine.access.change import Change
from stronghouse.engine.access.change_references import forget
from stronghouse.engine.access.methods import bad_arguments
from stronghouse.engine.access.refusals import unknown
from stronghouse.engine.access.statements import AlterQuota, CreateQuota, NewInterval

MOST_INTERVALS = 32
LONGEST_INTERVAL = 100 * 366 * 86_400
"""In seconds."""


def create_quotas(statement: CreateQuota, change: Change) -> None:
    """Carry out CREATE QUOTA."""
    change.need("CREATE QUOTA")
    intervals = _intervals((), statement.intervals)
    taken = {quota.name: quota.id for quota in change.quotas.values()}
    for name in statement.names:
        if change.free("QUOTA", name, taken, statement.existing):
            forget(change, [taken[name]] if name in taken else [])
            quota = Quota(change.around.new_id(), name, statement.key or "none", intervals)
            if statement.to is not None:
                quota = replace(quota, targets=change.targets(statement.to))
            taken[name] = quota.id
            change.quotas[quota.id] = quota


def alter_quotas(statement: AlterQuota, change: Change) -> None:
    """Carry out ALTER QUOTA."""
    change.need("ALTER QUOTA")
    if statement.new_name is not None and len(statement.names) > 1:
        raise bad_arguments("Several quotas cannot be renamed to one name.")
    for name in statement.names:
        quota = next((quota for quota in change.quotas.values() if quota.name == name), None)
        if quota is None:
            if not statement.if_exists:
                raise unknown("QUOTA", name)
            continue
        quota = replace(quota, intervals=_intervals(quota.intervals, statement.intervals))
        if statement.key is not None:
            quota = replace(quota, key=statement.key)
        if statement.to is not None:
            quota = replace(quota, targets=change.targets(statement.to))
        if statement.new_name not in {None, name}:
            new_name = str(statement.new_name)
            change.free("QUOTA", new_name, (other.name for other in change.quotas.values()))
            quota = replace(quota, name=new_name)
        change.quotas[quota.id] = quota


def _intervals(old: tuple[QuotaInterval, ...], new: tuple[NewInterval, ...]) -> tuple[QuotaInterval, ...]:
    """Intervals by their length: a new one takes the place of one as long, or takes it away (NO LIMITS)."""
    intervals = {interval.seconds: interval for interval in old}
    for interval in new:
        if not 0 < interval.seconds <= LONGEST_INTERVAL:
            raise bad_arguments("A quota's interval should be longer than nothing and at most 100 years.")
        if interval.limits is None:
            intervals.pop(interval.seconds, None)
            continue
        limits = tuple((name, _number(text)) for name, text in interval.limits)
        intervals[interval.seconds] = QuotaInterval(interval.seconds, interval.randomized, limits)
    if len(intervals) > MOST_INTERVALS:
        raise bad_arguments(f"A quota can have at most {MOST_INTERVALS} intervals in this service.")
    return tuple(intervals[seconds] for seconds in sorted(intervals))


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1 << 64:
        raise bad_arguments(f"{text[:32]} is no limit of a quota.")
    return number
