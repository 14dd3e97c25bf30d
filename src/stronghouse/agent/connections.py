"""Who is connected to a service now: the addresses at the edge, and how many connections each has."""

from stronghouse.edge.edge import Edge
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock, rfc3339

MAX_ADDRESSES = 1000


async def connections_to(edge: Edge, port: int, *, clock: Clock) -> Json:
    """The established connections to a port of the edge, grouped by client address, most connections first.

    At most 1,000 addresses are named; `complete` says whether those are all. Raises Unavailable when Envoy does not
    run.
    """
    taken_at = clock.now()
    found = await edge.clients(port)
    busiest = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_ADDRESSES]
    connections: list[Json] = [{"address": address, "connections": count} for address, count in busiest]
    return {"taken_at": rfc3339(taken_at), "connections": connections, "complete": len(found) <= MAX_ADDRESSES}
