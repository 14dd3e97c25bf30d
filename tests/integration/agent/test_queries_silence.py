"""Cut off from the control plane, an agent takes API keys for an hour, and none that it has only on disk."""

import asyncio
import math
from pathlib import Path

import pytest

from stronghouse.agent.region_agent import RegionAgent
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.secret import Secret
from tests.integration.agent.agent_side import Notes, joined, linked
from tests.integration.agent.control_side import ControlSide, until
from tests.integration.agent.test_query_users import endpoint
from tests.integration.agent.test_reconciling import ONE, document
from tests.integration.agent.test_region_agent import Site
from tests.unit.agent.test_queries_access import key


async def test_silence_begins_when_the_stream_ends_and_not_before(control: ControlSide, tmp_path: Path) -> None:
    identity = await joined(control, tmp_path / "identity")
    notes = Notes()
    async with linked(control, identity, notes) as link:
        await notes.desired.get()
        opened = link._opened_at
        await asyncio.sleep(0.1)
        assert link.silent_for(opened) == 0.0
        assert link.silent_for(opened - 1) >= 1.0
        await control.stop()
        async with asyncio.timeout(5):
            while link.silent_for(opened) == 0.0:
                await asyncio.sleep(0.01)
        assert link.silent_for(opened) < 5.0
        assert link.silent_for(-math.inf) == math.inf


def check(agent: RegionAgent) -> None:
    agent.queries._access.check(ONE, key_id="id1", key_secret=Secret("secret1"), address="192.0.2.7")


async def test_an_agent_that_starts_without_its_control_plane_takes_no_key_until_it_hears_of_it(
    control: ControlSide, tmp_path: Path
) -> None:
    site = Site(control, tmp_path / "state")
    site.directory.mkdir()
    agent = await site.start()
    control.publish(ONE, document(ONE))
    control.publish(ONE, endpoint(key(1)).document, kind="query_endpoint")
    await until(lambda: agent.reconciler.applied_version == 2, within=15)
    check(agent)
    await site.stop()
    port = control.hub.port
    await control.stop()
    agent = await site.start()
    try:
        await until(lambda: agent.queries._access.endpoints)
        with pytest.raises(Unavailable) as stale:
            check(agent)
        assert stale.value.code == "keys_stale"
        await control.start(port)
        await until(lambda: agent._silence() == 0.0, within=15)
        check(agent)
    finally:
        await site.stop()
