"""Clients that are not the owner: a reader, a writer and somebody with roles, each with what was granted, no more."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

from tests.integration.clients.clickhouse_connect_client import connected
from tests.integration.clients.curl import Curl
from tests.integration.clients.javascript import run_javascript

READER, WRITER, ACTOR = "reader's own word", "writer pass word", "actor pass word"
SETUP = """
CREATE DATABASE people
CREATE TABLE people.open (n UInt64, s String) ENGINE = MergeTree ORDER BY n
INSERT INTO people.open VALUES (1, 'a'), (2, 'b')
CREATE TABLE people.closed (n UInt64, s String) ENGINE = MergeTree ORDER BY n
INSERT INTO people.closed VALUES (3, 'c')
CREATE TABLE people.columns (name String, salary UInt64) ENGINE = MergeTree ORDER BY name
INSERT INTO people.columns VALUES ('Ada', 100)
CREATE TABLE people.rows (owner String, n UInt64) ENGINE = MergeTree ORDER BY n
INSERT INTO people.rows VALUES ('reader', 1), ('writer', 2), ('nobody', 3)
CREATE ROLE seer
GRANT SELECT ON people.closed TO seer
CREATE ROLE other_role
CREATE USER reader IDENTIFIED WITH sha256_password BY 'reader''s own word'
GRANT SELECT ON people.open TO reader
GRANT SELECT(name) ON people.columns TO reader
GRANT SELECT ON people.rows TO reader
CREATE ROW POLICY own_rows ON people.rows USING owner = 'reader' TO reader
CREATE USER writer IDENTIFIED WITH bcrypt_password BY 'writer pass word' DEFAULT DATABASE people
GRANT SELECT, INSERT, CREATE TABLE, DROP TABLE ON people.* TO writer
GRANT CREATE TEMPORARY TABLE ON *.* TO writer
CREATE USER actor IDENTIFIED WITH double_sha1_password BY 'actor pass word'
GRANT seer TO actor
ALTER USER actor DEFAULT ROLE NONE
"""

JAVASCRIPT = """
import { createClient } from "@clickhouse/client";
import { readFileSync } from "node:fs";
const client = createClient({
  url: `http://127.0.0.1:${process.argv[2]}`, username: "writer", password: readFileSync(0, "utf8"),
  compression: { request: true, response: true },
});
const rows = async (query) => (await client.query({ query, format: "JSONEachRow" })).json();
await client.insert({ table: "from_javascript", values: [{ n: 1, s: "a" }, { n: 2, s: "b" }], format: "JSONEachRow" });
const [{ count }] = await rows("SELECT toUInt32(count()) AS count FROM people.from_javascript");
const [{ user }] = await rows("SELECT currentUser() AS user");
const error = await client.command({ query: "TRUNCATE TABLE people.from_javascript" }).catch((caught) => caught);
await client.close();
console.log(JSON.stringify({ count, user, refused: [error.code, error.type] }));
"""


@pytest.fixture(scope="module")
def owner(port: int, tmp_path_factory: pytest.TempPathFactory) -> Curl:
    """The owner, who has made everything."""
    curl = Curl(port, tmp_path_factory.mktemp("owner"))
    for statement in SETUP.strip().splitlines():
        curl.run(statement)
    return curl


@pytest.fixture
def reader(owner: Curl) -> Curl:
    return owner.as_user("reader", READER)


@pytest.fixture
def writer(owner: Curl) -> Curl:
    return owner.as_user("writer", WRITER)


@pytest.fixture
def actor(owner: Curl) -> Curl:
    return owner.as_user("actor", ACTOR)


@contextlib.contextmanager
def passing_user(owner: Curl, name: str) -> Iterator[Curl]:
    """A user for one test."""
    owner.run(f"CREATE USER {name} IDENTIFIED WITH sha256_password BY 'only passing by'")
    try:
        yield owner.as_user(name, "only passing by")
    finally:
        owner.run(f"DROP USER IF EXISTS {name}")


def test_everybody_is_called_by_their_own_name(reader: Curl, writer: Curl) -> None:
    assert reader.run("SELECT currentUser()") == "reader\n"
    assert writer.run("SELECT user(), currentDatabase()") == "writer\tpeople\n"
    assert reader.as_user("writer", READER)("SELECT 1").code == 516


def test_a_reader_reads_what_was_granted_and_nothing_else(reader: Curl) -> None:
    assert reader.run("SELECT sum(n) FROM people.open") == "3\n"
    assert reader.run("SELECT name FROM people.columns") == "Ada\n"
    for sql in (
        "SELECT * FROM people.closed",
        "SELECT count() FROM people.closed",
        "SELECT * FROM people.columns",
        "SELECT sum(salary) FROM people.columns",
        "SELECT name FROM people.columns WHERE salary > 1",
        "INSERT INTO people.open VALUES (9, 'x')",
        "CREATE TABLE people.own (n UInt8) ENGINE = Memory",
        "DROP TABLE people.open",
        "ALTER TABLE people.open DELETE WHERE 1",
        "TRUNCATE TABLE people.open",
        "CREATE DATABASE own",
        "CREATE USER mine IDENTIFIED WITH sha256_password BY 'x'",
        "GRANT SELECT ON people.closed TO reader",
        "DROP ROW POLICY own_rows ON people.rows",
    ):
        reply = reader(sql)
        assert (reply.status, reply.code) == (403, 497), (sql, reply.text)
    assert reader.run("SELECT count() FROM people.open") == "2\n"


def test_a_row_policy_holds_in_every_client(reader: Curl, writer: Curl, owner: Curl, port: int) -> None:
    sql = "SELECT groupArray(n) FROM (SELECT n FROM people.rows ORDER BY n)"
    assert reader.run(sql) == "[1]\n"
    assert writer.run(sql) == "[]\n", "a table with a policy shows nothing to those whom none covers"
    with connected(port, user="reader", password=READER) as client:
        assert client.query("SELECT n FROM people.rows").result_rows == [(1,)]
        assert client.query_arrow("SELECT n FROM people.rows").num_rows == 1
        assert client.query_df("SELECT count() AS c FROM people.rows")["c"].tolist() == [1]


def test_only_what_may_be_used_is_listed(reader: Curl) -> None:
    assert reader.run("SELECT name FROM system.tables WHERE database = 'people' ORDER BY name") == (
        "columns\nopen\nrows\n"
    )
    assert "closed" not in reader.run("SHOW TABLES FROM people")
    assert reader.run("SELECT count() FROM system.columns WHERE database = 'people' AND name = 'salary'") == "0\n"
    assert "_stronghouse" not in reader.run("SHOW DATABASES")


def test_a_role_is_taken_on_for_one_query_or_one_session(actor: Curl) -> None:
    sql = "SELECT n FROM people.closed"
    assert actor(sql).code == 497
    assert actor.run(sql, role="seer") == "3\n"
    assert actor(sql).code == 497, "for that query only"
    unheld = actor(sql, role="other_role")
    assert (unheld.status, unheld.code) == (403, 512)
    unknown = actor(sql, role="no_such_role")
    assert (unknown.status, unknown.code) == (404, 511)
    actor.run("SET ROLE seer", session_id="acting")
    assert actor.run(sql, session_id="acting") == "3\n"
    actor.run("SET ROLE NONE", session_id="acting")
    assert actor(sql, session_id="acting").code == 497


def test_sessions_belong_to_their_user(writer: Curl, reader: Curl) -> None:
    writer.run("CREATE TEMPORARY TABLE own_rows (n UInt8)", session_id="shared-name")
    writer.run("INSERT INTO own_rows VALUES (7)", session_id="shared-name")
    assert writer.run("SELECT n FROM own_rows", session_id="shared-name") == "7\n"
    assert reader("SELECT n FROM own_rows", session_id="shared-name").code == 60


def test_a_table_comes_with_the_query_of_a_reader(reader: Curl, tmp_path: Path, port: int) -> None:
    ids = tmp_path / "ids.tsv"
    ids.write_text("1\n3\n")
    sql = "SELECT n FROM people.open WHERE n IN (SELECT id FROM ids)"
    assert reader(None, "--form", f"ids=@{ids}", query=sql, ids_structure="id UInt64").text == "1\n"
    external = ExternalData(file_name="ids", data=b"2\n", fmt="TSV", structure=["id UInt64"])
    with connected(port, user="reader", password=READER) as client:
        assert client.query(sql, external_data=external).result_rows == [(2,)]


def test_a_writer_writes_and_makes_tables(writer: Curl, port: int) -> None:
    with connected(port, user="writer", password=WRITER) as client:
        client.command("CREATE TABLE people.written (n Int64, s String) ENGINE = MergeTree ORDER BY n")
        client.insert("people.written", [[1, "a"], [2, "b"]], column_names=["n", "s"])
        client.command("INSERT INTO people.written SELECT n + 10, s FROM people.open")
        assert client.query("SELECT count(), sum(n) FROM people.written").first_row == (4, 26)
        with pytest.raises(DatabaseError, match="ACCESS_DENIED"):
            client.command("ALTER TABLE people.written ADD COLUMN x Int8")
        with pytest.raises(DatabaseError, match="ACCESS_DENIED"):
            client.command("CREATE TABLE default.written (n Int8) ENGINE = Memory")
        client.command("DROP TABLE people.written")
    assert writer.run("EXISTS people.written") == "0\n"


def test_a_writer_in_javascript(owner: Curl, port: int, tmp_path: Path) -> None:
    owner.run("CREATE TABLE people.from_javascript (n UInt32, s String) ENGINE = MergeTree ORDER BY n")
    seen = run_javascript(tmp_path, JAVASCRIPT, str(port), password=WRITER)
    assert seen == {"count": 2, "refused": ["497", "ACCESS_DENIED"], "user": "writer"}


def test_tables_are_reflected_as_far_as_they_may_be_seen(owner: Curl, port: int) -> None:
    engine = sa.create_engine(f"clickhousedb://reader:{quote(READER)}@127.0.0.1:{port}/people")
    assert set(sa.inspect(engine).get_table_names()) == {"columns", "open", "rows"}
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count() FROM open")).scalar_one() == 2
    engine.dispose()


def test_nobody_sees_or_ends_the_queries_of_others(owner: Curl, reader: Curl) -> None:
    million = "(SELECT arrayJoin(range(1000000)) AS n)"
    slow = f"SELECT count() FROM {million} AS a CROSS JOIN {million} AS b WHERE NOT ignore(sipHash64(a.n, b.n))"
    with owner.start(slow, query_id="owners-own") as running:
        until_running(owner, "owners-own")
        seen = reader("SELECT count() FROM system.processes WHERE query_id = 'owners-own'")
        assert (seen.text == "0\n") or seen.code == 497
        assert slow not in reader("SHOW PROCESSLIST").text
        reader("KILL QUERY WHERE query_id = 'owners-own' SYNC")
        reader("KILL QUERY WHERE 1 SYNC")
        assert running.poll() is None
        assert owner.run("SELECT count() FROM system.processes WHERE query_id = 'owners-own'") == "1\n"
    with reader.start(slow, query_id="readers-own") as running:
        until_running(owner, "readers-own")
        assert "readers-own" in reader.run("KILL QUERY WHERE query_id = 'readers-own' SYNC")
        assert b"Code: 394" in running.communicate(timeout=10)[0]


def until_running(curl: Curl, query_id: str) -> None:
    end = time.monotonic() + 10
    while curl.run(f"SELECT count() FROM system.processes WHERE query_id = '{query_id}'") != "1\n":
        assert time.monotonic() < end
        time.sleep(0.05)


def test_grants_are_told_as_they_were_given(reader: Curl, owner: Curl) -> None:
    told = reader.run("SHOW GRANTS")
    for line in ("GRANT SELECT ON people.open TO reader", "GRANT SELECT(name) ON people.columns TO reader"):
        assert line in told, told
    assert "GRANT seer TO actor" in owner.run("SHOW GRANTS FOR actor")
    created = owner.run("SHOW CREATE USER reader")
    assert created.startswith("CREATE USER reader IDENTIFIED WITH sha256_")
    assert READER not in created
    assert "reader" in owner.run("SHOW USERS").split()
    assert {"seer", "other_role"} <= set(owner.run("SHOW ROLES").split())


def test_a_grant_and_its_end_hold_from_the_next_query(owner: Curl) -> None:
    with passing_user(owner, "passing") as passing:
        sql = "SELECT sum(n) FROM people.open"
        assert passing(sql).code == 497
        owner.run("GRANT SELECT ON people.open TO passing")
        assert passing.run(sql) == "3\n"
        owner.run("REVOKE SELECT ON people.open FROM passing")
        assert passing(sql).code == 497
        owner.run("DROP USER passing")
        assert passing("SELECT 1").code == 516


def test_a_password_is_changed_by_its_user(owner: Curl) -> None:
    with passing_user(owner, "changing") as changing:
        changing.run("ALTER USER changing IDENTIFIED WITH sha256_password BY 'another word'")
        assert changing("SELECT 1").code == 516
        assert owner.as_user("changing", "another word").run("SELECT 1") == "1\n"


def test_passwords_that_could_be_read_or_guessed_are_refused(owner: Curl) -> None:
    refused = owner("CREATE USER plain IDENTIFIED WITH plaintext_password BY 'a secret word'")
    assert refused.status >= 400
    assert "a secret word" not in refused.text
    assert owner("EXECUTE AS reader SELECT 1").code == 497
    short = owner("CREATE USER plain IDENTIFIED WITH sha256_password BY 'short word'")
    assert short.code == 36, "at least twelve characters"
    assert "short word" not in short.text
    assert "plain" not in owner.run("SHOW USERS").split()
