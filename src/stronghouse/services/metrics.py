"""Metrics of services in Prometheus' text format: what the control plane knows, and the counters of their engines.

Invariants:
- Asking wakes no service: of one that does not run, and of one whose region is silent, there is only the first part.
- What a region answers is checked like any input from outside; names and numbers pass, nothing else does.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import StronghouseError
from stronghouse.services.model import Service, ServiceState
from stronghouse.services.ports import Jobs

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
KIND = "metrics"
ANSWER_SECONDS = 3.0
MAX_METRICS = 5000
MAX_NUMBER = 1 << 63
GIBIBYTE = 1 << 30
OUT_OF_REACH = frozenset({"region_silent", "listener_stopped", "jobs_exhausted"})
"""Codes of errors that are about the region, not about one service."""
_NAME = re.compile(r"ClickHouse(ProfileEvents|Metrics)_[A-Za-z][A-Za-z0-9_]{0,127}", re.ASCII)
FILTERED = frozenset(
    (
        *(f"ClickHouseMetrics_{name}" for name in ("MemoryTracking", "Query", "PartsActive", "Merge", "MaxPartSize")),
        *(
            f"ClickHouseProfileEvents_{name}"
            for name in (
                *("Query", "SelectQuery", "InsertQuery", "FailedQuery", "FailedSelectQuery", "FailedInsertQuery"),
                *("InsertedRows", "InsertedBytes", "SelectedRows", "SelectedBytes", "OSCPUVirtualTimeMicroseconds"),
                *("QueryTimeMicroseconds", "MergedRows", "MergeTotalMilliseconds"),
            )
        ),
    )
)
"""What is left with `filtered_metrics`: how busy an engine is, and whether it fails."""

Counters = Mapping[str, int]


def find_counters(jobs: Jobs, services: Sequence[Service]) -> dict[str, Counters]:
    """The counters of the engines that run, by the services' ids. A region that is silent once is asked no further."""
    found: dict[str, Counters] = {}
    silent: set[str] = set()
    for service in services:
        if service.state is not ServiceState.RUNNING or service.region in silent:
            continue
        try:
            answer = jobs.call(service.region, KIND, {"service_id": service.id}, timeout=ANSWER_SECONDS)
            found[service.id] = _checked(answer)
        except (StronghouseError, ValueError) as error:
            if getattr(error, "code", None) in OUT_OF_REACH:
                silent.add(service.region)
    return found


def _checked(answer: Json) -> Counters:
    if not isinstance(answer, dict) or len(answer) > MAX_METRICS:
        raise ValueError("not a number of metrics")
    checked: dict[str, int] = {}
    for name, value in answer.items():
        number = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER
        if not _NAME.fullmatch(name) or not isinstance(value, int) or not number:
            raise ValueError("not a metric")
        checked[name] = value
    return checked


def render(services: Iterable[Service], counters: Mapping[str, Counters], *, filtered: bool) -> str:
    """The text; empty without services. Lines of one metric stand together, as the format asks."""
    families: dict[str, list[str]] = {}
    for service in services:
        for name, labels, value in _lines(service, counters.get(service.id)):
            if not filtered or name in FILTERED or not _NAME.fullmatch(name):
                families.setdefault(name, []).append(f"{name}{{{labels}}} {value}\n")
    return "".join(f"# TYPE {name} {_type(name)}\n{''.join(lines)}" for name, lines in families.items())


def _lines(service: Service, counters: Counters | None) -> Iterator[tuple[str, str, int]]:
    """Name, labels and value of each metric of a service."""
    own = _labels(
        clickhouse_org=service.organization_id,
        clickhouse_service=service.id,
        clickhouse_service_name=service.name,
    )
    info = _labels(
        clickhouse_cluster_status=service.state.value,
        clickhouse_version=service.engine_version or "",
        scrape="basic" if counters is None else "full",
    )
    yield "ClickHouse_ServiceInfo", f"{own},{info}", 1
    yield "ClickHouse_ServiceMemoryLimitBytes", own, service.memory_gb * GIBIBYTE
    for name, value in (counters or {}).items():
        yield name, own, value


def _type(name: str) -> str:
    return "counter" if name.startswith("ClickHouseProfileEvents_") else "gauge"


def _labels(**values: str) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
