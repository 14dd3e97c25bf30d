"""A scene for findings."""

import pytest

from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import FixedClock
from tests.unit.responsibility.findings.looks import Scene


@pytest.fixture
def scene(log: AuditLog, clock: FixedClock) -> Scene:
    return Scene.start(log, clock)
