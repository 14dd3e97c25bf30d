"""Statements that nobody thought of, sent to a real worker: none gets past the boundary, ends it or holds it up.

30 seconds in the tests, 10 minutes with `make fuzz`.
"""

import random
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.integration.worker.clickbench.table import create, fill
from tests.integration.worker.mutation import mutated
from tests.integration.worker.service import KEY, PASSWORD, Service, temporary_service

THOROUGH = settings.get_current_profile_name() == "fuzz"
SECONDS = 600 if THOROUGH else 30
EXAMPLES = 100_000 if THOROUGH else 3_000
PER_EXAMPLE = 10
SECRET = "oystercatcher-6f1e20"
TABLES = (
    create(),
    fill(500),
    "CREATE TABLE t (a Int, b String, d Date) ENGINE = MergeTree ORDER BY a",
    "INSERT INTO t SELECT number, 'x', today() FROM numbers(100)",
    "CREATE TABLE kept (d Date, n Int, s String) ENGINE = MergeTree ORDER BY n",
)
LONGEST_ANSWER = 4 << 20
PATIENCE = 10.0
"""How long an answer may take. Every statement is told to end after a second; some lift that limit themselves."""


@dataclass
class Target:
    """A service under attack, with a file that no answer may hold and a port that nobody may reach."""

    service: Service
    secret: Path
    outside: Path
    listener: socket.socket
    ends: float
    sent: int = 0
    answered: int = 0
    codes: dict[str, int] = field(default_factory=dict)

    def attack(self, sql: str) -> None:
        """Send a statement; what comes back shows nothing, and something does come back."""
        connection = self.service.connection(PATIENCE)
        limits = urlencode({"max_execution_time": "1", "max_result_rows": "100000"})
        headers = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": PASSWORD}
        try:
            connection.request("POST", f"/?{limits}", body=sql.encode("utf-8", "replace"), headers=headers)
            response = connection.getresponse()
            answer = response.read(LONGEST_ANSWER)
            code = response.headers.get("X-ClickHouse-Exception-Code", "0")
            self.codes[code] = self.codes.get(code, 0) + 1
            self.answered += response.status == 200
        except TimeoutError:  # it lifted its limit; it must not hold up anybody else, and it ends with its client
            connection.close()
            self.check_alive()
            return
        finally:
            connection.close()
            self.sent += 1
        assert SECRET.encode() not in answer, sql
        assert KEY.hex().encode() not in answer.lower(), sql

    def check_alive(self) -> None:
        """The service answers, and no file and no connection was made."""
        assert self.service.run("SELECT 1") == "1\n"
        assert not self.outside.exists()
        with pytest.raises(BlockingIOError):
            self.listener.accept()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """A service whose own directory, which its worker may read, holds the file."""
    with temporary_service() as service, socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        secret = service.data / "engine" / "secret"
        secret.write_text(SECRET)
        secret.chmod(0o644)
        for sql in TABLES:
            service.run(sql)
        yield Target(service, secret, Path(f"{service.root}-outside"), listener, time.monotonic() + SECONDS)


@pytest.mark.slow  # it searches for as long as it is given
@pytest.mark.timeout(SECONDS + 90)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.generate],
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**64 - 1))
def test_no_statement_gets_past_the_boundary(target: Target, seed: int) -> None:
    chance = random.Random(seed)
    pid = target.service.running.pid
    for _ in range(PER_EXAMPLE):
        if time.monotonic() > target.ends:
            return
        places = {"path": str(target.secret), "outside": str(target.outside), "port": target.listener.getsockname()[1]}
        sql = mutated(chance)
        for name, value in places.items():
            sql = sql.replace(f"{{{name}}}", str(value))
        sql = sql.replace("{{", "{").replace("}}", "}")
        note(sql)
        target.attack(sql)
    target.check_alive()
    assert target.service.running.pid == pid


def test_the_secret_would_be_seen(target: Target) -> None:
    """The search is worth something only if a hole would show."""
    target.service.run("SELECT 1")
    with pytest.raises(AssertionError, match="SELECT"):
        target.attack(f"SELECT '{SECRET}'")
