"""The engine's own counters as metrics: names and numbers, never a name, a text or a row of anybody's."""

from stronghouse.engine.connection import Connection
from stronghouse.kernel.canonical import MAX_EXACT_INTEGER, Json

_COUNTERS = """
SELECT concat('ClickHouseProfileEvents_', event), toString(value) FROM system.events
UNION ALL
SELECT concat('ClickHouseMetrics_', metric), toString(value) FROM system.metrics
"""


def engine_metrics(connection: Connection) -> dict[str, Json]:
    """What the engine counted since this process began, and how things stand in it now; raises DatabaseError."""
    lines = (line.split("\t") for line in connection.value(_COUNTERS).splitlines())
    return {name: max(-MAX_EXACT_INTEGER, min(int(value), MAX_EXACT_INTEGER)) for name, value in lines}
