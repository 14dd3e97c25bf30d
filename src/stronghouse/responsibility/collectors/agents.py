"""The agents as the control plane knows them: connected or not, their clocks, versions and certificates."""

import time
from collections.abc import Callable

from sqlalchemy import Connection

from stronghouse.kernel.clock import Clock, rfc3339
from stronghouse.regions import store as regions
from stronghouse.regions.model import Agent, Region
from stronghouse.regions.protocol import SUPPORTED_PROTOCOLS
from stronghouse.responsibility.facts import Facts, Resource

VERSION = 1
METHOD = (
    "The control plane's table of agents: when it last heard of each, by how much the time in the agent's newest "
    "heartbeat differed from its own, the protocol and software that it spoke when it connected, and when the client "
    "certificate that it was last given ends."
)
POLL_SECONDS = 0.2


def await_agents(look: Callable[[], Facts], *, seconds: float) -> Facts:
    """The facts of `look`, once the agent of every joined region is connected or `seconds` are over.

    Agents need a moment to come back after a restart, theirs or the control plane's, which is no finding.
    """
    until = time.monotonic() + seconds
    while True:
        facts = look()
        if time.monotonic() >= until or not any(map(_is_away, facts.of_kind("region"))):
            return facts
        time.sleep(POLL_SECONDS)


def _is_away(region: Resource) -> bool:
    return region.flag("joined") and not region.flag("connected")


def collect_agents(connection: Connection, *, clock: Clock) -> Facts:
    """Facts about each region and its agent."""
    now = clock.now()
    agents = {agent.region_id: agent for agent in regions.find_agents(connection)}
    return Facts(
        collector="agents",
        version=VERSION,
        method=METHOD,
        target="agents of all regions",
        collected_at=now,
        resources=tuple(_region(one, agents.get(one.id), clock) for one in regions.find_regions(connection)),
    )


def _region(region: Region, agent: Agent | None, clock: Clock) -> Resource:
    now = clock.now()
    seen = None if agent is None or agent.last_seen_at is None else rfc3339(agent.last_seen_at)
    return Resource(
        {
            "id": f"region/{region.id}",
            "kind": "region",
            "joined": agent is not None,
            "connected": agent is not None and agent.is_connected(now),
            "last_seen_at": seen,
            "clock_skew_ms": None if agent is None else agent.clock_skew_ms,
            "protocol": None if agent is None else agent.protocol,
            "protocol_spoken": agent is not None and agent.protocol in SUPPORTED_PROTOCOLS,
            "software": None if agent is None else agent.software,
            "certificate_expires_at": None if agent is None else rfc3339(agent.certificate_expires_at),
        }
    )
