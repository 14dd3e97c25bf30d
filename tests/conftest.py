"""Rules that hold for every test: unit tests open no network sockets and take little processor time."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import pytest

from tests.support import databases

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


@pytest.fixture(scope="module", params=[databases.SQLITE, databases.POSTGRESQL])
def back_end(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs whoever asks for it on both back ends. Each process of tests has a PostgreSQL of its own."""
    databases.Chosen.back_end = request.param
    yield request.param
    if request.param == databases.POSTGRESQL:
        databases.postgres().take_back(set())
    databases.Chosen.back_end = databases.SQLITE


@pytest.fixture(autouse=True)
def databases_taken_back(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test made of databases is gone for the next one; who does not ask for a back end has SQLite."""
    if "back_end" not in request.fixturenames:
        monkeypatch.setattr(databases.Chosen, "back_end", databases.SQLITE)
    with databases.taken_back():
        yield


def pytest_sessionfinish() -> None:
    databases.stop_postgres()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    began = time.process_time()
    yield
    used = time.process_time() - began
    if is_unit(item) and used > UNIT_SECONDS and item.get_closest_marker("slow") is None:
        pytest.fail(f"a unit test took {used:.1f} s of processor time: make it smaller, or mark it slow and say why")


def refuse() -> NoReturn:
    raise RuntimeError("unit tests open no network sockets; this one belongs to tests/integration")
