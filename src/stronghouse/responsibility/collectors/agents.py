"""The agents as the control plane knows them: connected or not, their clocks, versions and certificates."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection

from stronghouse.kernel.clock import Clock, parse_rfc3339, rfc3339
from stronghouse.kernel.errors import Unavailable
from stronghouse.regions import store as regions
from stronghouse.regions.model import Agent, Region
from stronghouse.regions.protocol import SUPPORTED_PROTOCOLS
from stronghouse.responsibility.facts import Facts, Observation, Resource

VERSION = 1
METHOD = (
    "The control plane's table of agents: when it last heard of each, by how much the time in the agent's newest "
    "heartbeat differed from its own, the protocol and software that it spoke when it connected, and when the client "
    "certificate that it was last given ends."
)
POLL_SECONDS = 0.2
GRACE = timedelta(seconds=60)
"""An agent that was heard of within this time may only be connecting anew: it tries every 5 s, and a restart of its
process takes some more."""


def await_agents(look: Callable[[], Facts], *, seconds: float, stopping: threading.Event) -> Facts:
    """The facts of `look`, once every region is connected or too long away for a mere reconnect.

    Agents need a moment to come back after one of the two was away, which is no finding: `seconds` after a start,
    and `GRACE` after each was last heard of. Nothing is said before, neither that it holds nor that it fails.

    Raises:
        Unavailable: the control plane stops, so that nobody knows.
    """
    until = time.monotonic() + seconds
    while True:
        facts = look()
        away = [region for region in facts.of_kind("region") if not region.flag("connected")]
        starting = bool(away) and time.monotonic() < until
        if not starting and not any(_heard_of_lately(region, facts) for region in away):
            return facts
        if stopping.wait(POLL_SECONDS):
            raise Unavailable("The control plane is stopping.")


def _heard_of_lately(region: Observation, facts: Facts) -> bool:
    seen = region.optional_text("last_seen_at")
    return seen is not None and facts.collected_at - parse_rfc3339(seen) < GRACE


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
