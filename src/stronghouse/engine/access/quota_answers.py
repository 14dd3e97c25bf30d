"""What SHOW QUOTA answers: the columns of `system.quota_usage`, and rows of what was used."""

from collections.abc import Callable, Iterable, Iterator

from stronghouse.engine.access.answers import Row, Value
from stronghouse.engine.access.catalogue import Catalogue
from stronghouse.engine.quotas import AMOUNTS, Usage


def _quota_columns() -> Iterator[tuple[str, str]]:
    yield from (("quota_name", "String"), ("quota_key", "String"))
    yield from (("start_time", "Nullable(DateTime)"), ("end_time", "Nullable(DateTime)"))
    yield "duration", "Nullable(UInt32)"
    for amount in (*AMOUNTS, "queries_per_normalized_hash"):
        kind = "Nullable(Float64)" if amount == "execution_time" else "Nullable(UInt64)"
        yield from ((amount, kind), (f"max_{amount}", kind))


QUOTA_COLUMNS = tuple(_quota_columns())
"""Those of `system.quota_usage`."""


def usage_rows(catalogue: Catalogue, usages: Iterable[Usage]) -> Iterator[Row]:
    """A row for each of `usages`, in these columns."""
    for usage in usages:
        quota = catalogue.quotas.get(usage.quota_id)
        if quota is None:
            continue
        if usage.interval is None:
            yield (quota.name, usage.key, *[None] * (len(QUOTA_COLUMNS) - 2))
            continue
        limits = dict(usage.interval.limits)
        amounts: list[Value] = []
        for amount in AMOUNTS:
            convert: Callable[[float], Value] = float if amount == "execution_time" else int
            limit = limits.get(amount)
            amounts += [convert(usage.used.get(amount, 0.0)), None if limit is None else convert(limit)]
        yield (quota.name, usage.key, usage.start, usage.end, usage.interval.seconds, *amounts, None, None)
