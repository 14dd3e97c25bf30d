"""PostgreSQL itself: what is refused, one control plane at a time, outages that pass, TLS, and no secret anywhere."""

import contextlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from stronghouse.kernel.errors import Conflict, Invalid, Unavailable
from stronghouse.kernel.secret import Secret
from stronghouse.storage import postgresql
from stronghouse.storage.address import PostgresAddress, parse_address
from stronghouse.storage.database import Database
from tests.support.postgres import OWNER, Server, running_server

PASSWORD = "walrus onyx fable"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server(rules="local all guarded scram-sha-256\n") as running:
        running.execute(f"CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD}'")
        yield running


@pytest.fixture
def address(server: Server) -> Iterator[PostgresAddress]:
    server.drop("one")
    yield server.create("one")
    server.drop("one")


@pytest.fixture
def database(address: PostgresAddress) -> Iterator[Database]:
    opened = Database(address)
    with opened.write() as connection:
        connection.execute(text("CREATE TABLE t (id integer, name text)"))
    yield opened
    opened.close()


def add(database: Database, number: int = 1) -> None:
    with database.write() as connection:
        connection.execute(text("INSERT INTO t (id) VALUES (:id)"), {"id": number})


def count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM t")).scalar_one())


def count_again(database: Database) -> int:
    """What readers see after an outage; the first one within half a second may be who finds out about it."""
    with contextlib.suppress(Unavailable):
        count(database)
    return count(database)


def test_a_database_that_sorts_in_another_way_is_refused_with_the_remedy(server: Server) -> None:
    server.drop("sorted")
    opened = Database(server.create("sorted", locale="C.UTF-8"))
    with pytest.raises(Conflict, match="LOCALE 'C'"):
        opened.check()
    opened.close()
    server.drop("sorted")


def test_an_old_server_is_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    database.check()
    assert database.version().startswith("PostgreSQL 1")
    monkeypatch.setattr(postgresql, "OLDEST", 99)
    with pytest.raises(Conflict, match="PostgreSQL 99 or newer"):
        database.check()


def test_what_cannot_be_stored_is_the_callers_error(database: Database) -> None:
    with pytest.raises(Invalid, match="NUL"), database.read() as connection:
        connection.execute(text("SELECT count(*) FROM t WHERE name = :value"), {"value": "a\0b"})
    with pytest.raises(Invalid, match="number"), database.write() as connection:
        connection.execute(text("INSERT INTO t (id) VALUES (CAST(:value AS bigint))"), {"value": 2**40})


def test_a_second_control_plane_is_refused_and_a_tool_of_the_first_is_not(
    database: Database, address: PostgresAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "CLAIM_SECONDS", 0.3)
    database.claim()
    second, tool = Database(address), Database(address)
    with pytest.raises(Unavailable, match="Another control plane"):
        second.claim()
    with pytest.raises(Unavailable, match="Another control plane"):
        add(second)  # it never writes, not even later
    add(tool)
    add(database)
    assert count(second) == 2
    database.close()
    second.claim()
    add(second)
    with pytest.raises(Unavailable, match="Another control plane"):
        add(database)  # whoever lost its lock does not write on
    for one in (second, tool):
        one.close()


def test_who_loses_the_connection_gets_its_lock_back_by_itself(server: Server, database: Database) -> None:
    database.claim()
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'one'"
    for number in range(3):
        server.execute(others)
        add(database, number)
    assert count_again(database) == 3


def test_a_writer_that_waits_too_long_says_so(
    address: PostgresAddress, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = postgresql.LINK["options"].replace("lock_timeout=10s", "lock_timeout=200ms")
    monkeypatch.setitem(postgresql.LINK, "options", options)
    other = Database(address)
    with database.write(), pytest.raises(Unavailable, match="Another process") as refusal, other.write():
        pass
    assert refusal.value.code == "database_busy"
    other.close()


@pytest.mark.slow  # a server stops and starts
def test_an_outage_is_told_and_passes_without_a_restart(server: Server, database: Database) -> None:
    database.claim()
    add(database)
    assert count(database) == 1
    server.stop()
    for _ in range(2):
        with pytest.raises(Unavailable, match="does not answer"):
            count(database)
        with pytest.raises(Unavailable, match="does not answer"):
            add(database)
    server.start()
    add(database, 2)
    assert count(database) == 2


@pytest.mark.slow  # a server stops and starts
def test_an_outage_within_a_transaction_leaves_nothing_of_it(server: Server, database: Database) -> None:
    with pytest.raises(Unavailable), database.write() as connection:
        connection.execute(text("INSERT INTO t (id) VALUES (1)"))
        server.stop()
        connection.execute(text("INSERT INTO t (id) VALUES (2)"))
    server.start()
    assert count_again(database) == 0
    with pytest.raises(Unavailable), database.write() as connection:
        connection.execute(text("INSERT INTO t (id) VALUES (1)"))
        server.stop()  # and then the commit fails
    server.start()
    assert count_again(database) == 0


def test_writers_of_two_processes_take_turns_while_readers_go_on(address: PostgresAddress, database: Database) -> None:
    other, writing, done = Database(address), threading.Event(), threading.Event()

    def hold() -> None:
        with database.write() as connection:
            connection.execute(text("INSERT INTO t (id) VALUES (1)"))
            writing.set()
            time.sleep(0.5)
            done.set()

    thread = threading.Thread(target=hold)
    thread.start()
    writing.wait(10)
    assert count(other) == 0
    with other.write() as connection:
        assert done.is_set()
        assert connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 1
    thread.join()
    other.close()


def test_a_wrong_password_is_told_without_it(server: Server, address: PostgresAddress) -> None:
    server.execute("GRANT ALL ON DATABASE one TO guarded")
    opened = Database(replace(address, user="guarded", password=Secret(PASSWORD)))
    opened.check()
    opened.close()
    wrong = Database(replace(address, user="guarded", password=Secret("some other text")))
    with pytest.raises(Unavailable) as refusal:
        wrong.check()
    told: BaseException | None = refusal.value
    while told is not None:
        assert "some other text" not in f"{told!r} {told.__dict__}"
        told = told.__cause__
    assert "password authentication failed" in (refusal.value.detail or "")
    assert "some other text" not in repr(wrong._writes.url) + repr(wrong._back_end.__dict__)
    wrong.close()


def openssl(*arguments: str, where: Path) -> None:
    subprocess.run(["/usr/bin/openssl", *arguments], cwd=where, check=True, capture_output=True)


@pytest.mark.slow  # a server with certificates of its own
def test_over_tls_the_servers_name_and_authority_are_checked(tmp_path: Path) -> None:
    """`server` speaks for localhost; 127.0.0.1 is the same machine under a name that its certificate does not have."""
    for name in ("ca", "other"):
        made = (
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            f"/CN={name}",
        )
        openssl(*made, "-keyout", f"{name}.key", "-out", f"{name}.pem", where=tmp_path)
    request = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost")
    openssl(*request, "-keyout", "server.key", "-out", "server.csr", where=tmp_path)
    (tmp_path / "names").write_text("subjectAltName=DNS:localhost")
    sign = ("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-extfile", "names")
    openssl(*sign, "-out", "server.pem", where=tmp_path)
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    with running_server() as server:
        for name in ("server.key", "server.pem"):
            target = server.directory / "data" / name
            target.write_bytes((tmp_path / name).read_bytes())
            target.chmod(0o600)
            status = (server.directory / "data").stat()
            os.chown(target, status.st_uid, status.st_gid)
        server.stop()
        server.port = port
        server.options = ("ssl=on", "ssl_cert_file=server.pem", "ssl_key_file=server.key", "listen_addresses=localhost")
        server.start()
        server.create("one")
        url = f"postgresql://{OWNER}@{{}}:{port}/one?sslrootcert={tmp_path}/{{}}.pem"
        good = Database(parse_address(url.format("localhost", "ca")))
        assert "over TLS" in good.version()
        with good.read() as connection:
            assert connection.execute(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")).scalar_one()
        good.close()
        for host, authority in (("127.0.0.1", "ca"), ("localhost", "other")):
            bad = Database(parse_address(url.format(host, authority)))
            with pytest.raises(Unavailable) as refusal:
                bad.version()
            assert "certificate" in (refusal.value.detail or "")
            bad.close()
