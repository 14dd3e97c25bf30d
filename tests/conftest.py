"""Rules that hold for every test: unit tests open no network sockets and take little processor time."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import pytest

hypothesis.settings.register_profile("fuzz", max_examples=20_000, deadline=None)  # what `make fuzz` chooses
UNIT = Path(__file__).parent / "unit"
UNIT_SECONDS = 3.0  # the aim is one; machines differ, and so does what else they do
NETWORK = (socket.AF_INET, socket.AF_INET6)


def is_unit(item: pytest.Item) -> bool:
    return item.path.is_relative_to(UNIT)


@pytest.fixture(autouse=True)
def no_network_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not is_unit(request.node):
        return
    for name in ("bind", "connect", "connect_ex", "sendto"):
        allowed = getattr(socket.socket, name)

        def guarded(self: socket.socket, *arguments: Any, _allowed: Any = allowed) -> Any:
            return refuse() if self.family in NETWORK else _allowed(self, *arguments)

        monkeypatch.setattr(socket.socket, name, guarded)


@pytest.fixture(autouse=True)
def own_user_directories(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No test reads or writes the configuration and state of whoever runs it."""
    home = tmp_path_factory.mktemp("home") if is_unit(request.node) else None
    if home is not None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    for name in ("STRONGHOUSE_API_URL", "STRONGHOUSE_KEY_ID", "STRONGHOUSE_KEY_SECRET", "STRONGHOUSE_CA_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    began = time.process_time()
    yield
    used = time.process_time() - began
    if is_unit(item) and used > UNIT_SECONDS and item.get_closest_marker("slow") is None:
        pytest.fail(f"a unit test took {used:.1f} s of processor time: make it smaller, or mark it slow and say why")


def refuse() -> NoReturn:
    raise RuntimeError("unit tests open no network sockets; this one belongs to tests/integration")
