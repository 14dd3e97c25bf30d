"""A listening control plane, and an agent's link to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.agent.control_side import ControlSide


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[ControlSide]:
    """A control plane whose listener is up."""
    side = ControlSide(tmp_path)
    await side.start()
    yield side
    await side.stop()
    side.database.close()
