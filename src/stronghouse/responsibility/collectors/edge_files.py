"""The files that an edge reads, beside what its owner wrote."""

import time

from stronghouse.edge.edge import Edge
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock
from stronghouse.responsibility.facts import Facts, Resource

VERSION = 1
METHOD = "Every configuration file of the edge is compared byte by byte with what would be written now."
PAUSE_SECONDS = 1.0


def edge_resource(edge: Edge, *, place: str) -> dict[str, Json]:
    """What of an edge's files is not as written. A file that is just being replaced is looked at again."""
    altered = set(edge.altered_files())
    if altered:
        time.sleep(PAUSE_SECONDS)
        altered &= set(edge.altered_files())
    return {"id": f"edge/{place}", "kind": "edge", "running": edge.pid is not None, "altered": [*sorted(altered)]}


def collect_edge_files(edge: Edge, *, place: str, target: str, clock: Clock) -> Facts:
    """Facts about the control plane's own edge."""
    collected_at = clock.now()
    return Facts(
        collector="rendered_configuration",
        version=VERSION,
        method=METHOD,
        target=target,
        collected_at=collected_at,
        resources=(Resource(edge_resource(edge, place=place)),),
    )
