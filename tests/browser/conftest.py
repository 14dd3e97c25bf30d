"""A browser for all tests of a module, and a console in this process to look at."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.chromium import Window, chromium, window
from tests.support.console_server import ConsoleServer, OtherPort, console_server, other_port
from tests.support.control_plane import Plane, control_plane
from tests.unit.responsibility.findings.looks import Scene

Open = Callable[..., Window]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for longer than a module: while it runs, so does an event loop, and no asynchronous test can."""
    with chromium() as running:
        yield running


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with control_plane(tmp_path) as ready:
        yield ready


@pytest.fixture
def scene(plane: Plane) -> Scene:
    return Scene.start(plane.control.audit, plane.clock)


@pytest.fixture
def console(plane: Plane, tmp_path: Path) -> Iterator[ConsoleServer]:
    with console_server(plane, tmp_path) as serving:
        yield serving


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[OtherPort]:
    """Somebody else's program on another port of this host."""
    with other_port(tmp_path) as serving:
        yield serving


@pytest.fixture
def open_window(browser: Browser, console: ConsoleServer, hostile: OtherPort) -> Iterator[Open]:
    """Open windows; at the end none of them may have met an error or a breach of its policy.

    They are closed before the servers are, which wait for open connections.
    """
    del console, hostile
    with ExitStack() as stack:
        opened: list[Window] = []

        def start(**options: Any) -> Window:
            opened.append(stack.enter_context(window(browser, **options)))
            return opened[-1]

        yield start
        assert [problem for one in opened for problem in one.problems] == []
