"""A real PostgreSQL: Debian's programs, run by an unprivileged user in a directory of its own, on a Unix socket.

It does without fsync, since no test cuts the power; all else is as it comes.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from stronghouse.kernel.secret import Secret
from stronghouse.storage.address import PostgresAddress

OWNER, ROLE = "postgres", "stronghouse"
QUICK = (
    "listen_addresses=",
    "fsync=off",
    "full_page_writes=off",
    "autovacuum=off",
    "max_connections=100",
    "shared_buffers=64MB",
)
START_SECONDS = 30
LIBC, PR_SET_PDEATHSIG = ctypes.CDLL(None), 1


def die_with_parent() -> None:
    """So that no server is left of tests that were killed."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def programs() -> Path:
    """Where the newest PostgreSQL's programs are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        pytest.fail("PostgreSQL is missing: run the tests with `make test`, or apt-get install postgresql")
    return found[-1].parent


@dataclass
class Server:
    """A server that tests may stop, kill and start again."""

    directory: Path
    options: Sequence[str] = ()
    port: int = 5432
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = [f"-c{setting}" for setting in (*QUICK, *self.options)]
        place = f"-D {self.directory}/data -k {self.directory} -p {self.port}"
        command = [f"{programs()}/postgres", *place.split(), *settings]
        with (self.directory / "log").open("ab") as log:
            self.process = process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd="/",
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one call of the kernel
                **_unprivileged(),
            )
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError:
                assert process.poll() is None, (self.directory / "log").read_text()
                assert time.monotonic() < until, (self.directory / "log").read_text()
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Stop it at once, as a crash would: its next start recovers what was committed."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)  # an immediate shutdown, which takes its children along
            self.process.wait(20)
            self.process = None

    def execute(self, statement: str, database: str = "postgres", user: str = OWNER) -> list[tuple[object, ...]]:
        """Run a statement outside of any transaction; its rows."""
        place = {"host": str(self.directory), "user": user, "dbname": database, "port": self.port}
        with psycopg.connect(**place, autocommit=True) as connection:  # type: ignore[arg-type]
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def create(self, name: str, *, template: str = "template0", locale: str = "C") -> PostgresAddress:
        """Make a database of our role; its address."""
        made = f"CREATE DATABASE {name} OWNER {ROLE} TEMPLATE {template}"
        self.execute(made if template != "template0" else f"{made} ENCODING 'UTF8' LOCALE '{locale}'")
        return self.address(name)

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def address(self, name: str, *, user: str = ROLE, password: Secret | None = None) -> PostgresAddress:
        """A database's address."""
        return PostgresAddress(host=str(self.directory), port=self.port, user=user, database=name, password=password)


@contextmanager
def running_server(*options: str, rules: str = "") -> Iterator[Server]:
    """A new server with nothing in it but our role; `rules` go before those that let everybody on the socket in."""
    directory = Path(tempfile.mkdtemp(prefix="shpg-", dir="/tmp"))
    server = Server(directory, options)
    try:
        user = _unprivileged()
        if user:
            os.chown(directory, pwd.getpwnam(OWNER).pw_uid, pwd.getpwnam(OWNER).pw_gid)
        initdb = f"{programs()}/initdb -D {directory}/data -U {OWNER} -A trust -N --locale=C -E UTF8"
        subprocess.run(initdb.split(), check=True, capture_output=True, cwd="/", **user)
        access = directory / "data" / "pg_hba.conf"
        access.write_text(rules + access.read_text())
        server.start()
        server.execute(f"CREATE ROLE {ROLE} LOGIN")
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    owner = pwd.getpwnam(OWNER)
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
