"""An agent that only connects anew makes no error; one that stays away does."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from stronghouse.app.fact_source import RECONNECT_SECONDS, FactSource
from stronghouse.kernel.errors import Unavailable
from stronghouse.regions.hub import Hub
from tests.support.control_plane import control_plane


@dataclass
class Away:
    """A region whose agent is away since `seconds`, for so many more questions."""

    seconds: float | None
    questions: int

    def is_connected(self, _region: str) -> bool:
        """Whether it came back."""
        self.questions -= 1
        return self.questions < 0

    def seconds_away(self, _region: str) -> float | None:
        """As scripted."""
        return self.seconds

    def call(self, _region: str, kind: str, _arguments: object, *, timeout: float) -> str:
        """What the job answers."""
        return f"{kind} within {timeout:.0f}"


@pytest.mark.parametrize(("seconds", "waits"), [(2.0, True), (RECONNECT_SECONDS + 1, False), (None, False)])
def test_look_waits_for_an_agent_that_left_lately(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float | None, waits: bool
) -> None:
    monkeypatch.setattr("stronghouse.app.fact_source.FIRST_CONNECTION_SECONDS", -1.0)
    with control_plane(tmp_path) as plane:
        hub = cast("Hub", Away(seconds, 3))
        source = FactSource(database=plane.control.database, hub=hub, collectors={}, stopping=threading.Event())
        if waits:
            assert source.collect("data_keys", "local") == "collect within 60"
        else:
            with pytest.raises(Unavailable):
                source.collect("data_keys", "local")
