"""Cut off from the control plane, an agent takes API keys for an hour, and none that it has only on disk."""

import asyncio
import math
from pathlib import Path

from tests.integration.agent.agent_side import Notes, joined, linked
from tests.integration.agent.control_side import ControlSide


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
