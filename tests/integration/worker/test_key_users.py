"""Database users of API keys: just their role, out of SQL's reach, seen in the log, gone when not wanted any more."""

import hashlib
import threading

import pytest

from stronghouse.kernel.errors import Unavailable
from stronghouse.worker import process
from stronghouse.worker.specification import KeyUsers
from tests.integration.worker.service import Service

READER, WRITER, OTHER = (f"sh:key:{digit * 8}-0000-4000-8000-000000000000" for digit in "abc")
SECRET, SALT = "only the agent knows this", "00ff"
DENIED, READONLY, READONLY_STORAGE, NOT_SIGNED_IN, CANCELLED = 497, 164, 495, 516, 394


def key_users(**roles: str) -> KeyUsers:
    digest = hashlib.sha256(f"{SECRET}{SALT}".encode()).hexdigest()
    names = {"reader": READER, "writer": WRITER, "other": OTHER}
    return KeyUsers({names[name]: frozenset({f"sql_console_{role}"}) for name, role in roles.items()}, SALT, digest)


def have(service: Service, **roles: str) -> None:
    service.do(service.running.set_key_users(key_users(**roles)))


@pytest.fixture
def both(service: Service) -> Service:
    """A service with a table, and a key of each role."""
    service.run("CREATE TABLE IF NOT EXISTS orders (n UInt8) ENGINE = MergeTree ORDER BY n")
    have(service, reader="read_only", writer="admin")
    return service


def code(service: Service, user: str, sql: str, **url: str) -> int:
    answer = service.ask(sql, user=user, password=SECRET, url=url)
    return 0 if answer.status == 200 else answer.code


def test_reader_reads(both: Service) -> None:
    assert code(both, READER, "SELECT count() FROM orders") == 0
    assert code(both, READER, "SHOW TABLES") == 0
    assert code(both, READER, "SELECT n FROM orders SETTINGS max_threads = 1") == 0


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO orders VALUES (1)",
        "CREATE TABLE mine (n UInt8) ENGINE = Memory",
        "ALTER TABLE orders DELETE WHERE 1",
        "DELETE FROM orders WHERE 1",
        "TRUNCATE TABLE orders",
        "DROP TABLE orders",
        "CREATE VIEW seen AS SELECT 1",
        "CREATE USER eve IDENTIFIED BY 'a long enough password'",
        "GRANT SELECT ON *.* TO CURRENT_USER WITH GRANT OPTION",
        "ALTER USER CURRENT_USER IDENTIFIED BY 'a long enough password'",
        "SET ROLE ALL; INSERT INTO orders VALUES (1)",
        "SELECT 1 SETTINGS readonly = 0",
        "SET readonly = 0",
        "KILL QUERY WHERE user = 'default'; DROP TABLE orders",
        'SET ROLE "sh:sql_console_admin"',
        "SELECT * FROM url('http://127.0.0.1/', CSV, 'a String')",
        "SELECT * FROM file('/etc/passwd', LineAsString)",
        "SYSTEM RELOAD CONFIG",
    ],
)
def test_reader_does_nothing_else(both: Service, sql: str) -> None:
    rows = both.run("SELECT count() FROM orders")
    assert code(both, READER, sql) != 0
    assert both.run("SELECT count() FROM orders") == rows
    assert both.run("SELECT count() FROM system.users WHERE name = 'eve'") == "0\n"


def test_reader_cannot_take_the_others_role_by_a_parameter(both: Service) -> None:
    assert code(both, READER, "INSERT INTO orders VALUES (1)", role="sh:sql_console_admin") != 0
    assert code(both, READER, "INSERT INTO orders VALUES (1)", readonly="0") != 0


def test_writer_may_what_the_owner_may_and_does_not_touch_what_is_the_consoles(both: Service) -> None:
    assert code(both, WRITER, "INSERT INTO orders VALUES (1)") == 0
    assert code(both, WRITER, "CREATE USER OR REPLACE ann IDENTIFIED BY 'a long enough password'") == 0
    assert code(both, WRITER, "GRANT SELECT ON orders TO ann") == 0
    for sql in (
        "ALTER USER default IDENTIFIED BY 'a long enough password'",
        f"ALTER USER \"{READER}\" IDENTIFIED BY 'a long enough password'",
        f'DROP USER "{READER}"',
        f'GRANT INSERT ON *.* TO "{READER}"',
        'GRANT INSERT ON *.* TO "sh:sql_console_read_only"',
        'DROP ROLE "sh:sql_console_read_only"',
        "CREATE USER \"sh:key:eve\" IDENTIFIED BY 'a long enough password'",
    ):
        assert code(both, WRITER, sql) == READONLY_STORAGE, sql


def test_log_tells_which_key_it_was(both: Service) -> None:
    assert code(both, READER, "SELECT 1", query_id="who was it") == 0
    both.run("SYSTEM FLUSH LOGS")
    told = both.run("SELECT DISTINCT user, roles FROM system.query_log WHERE query_id = 'who was it'")
    assert told == f"{READER}\t['sh:sql_console_read_only']\n"


def test_password_is_needed_and_is_not_the_owners(both: Service) -> None:
    assert both.ask("SELECT 1", user=READER, password="guess").code == NOT_SIGNED_IN
    assert both.ask("SELECT 1", user="default", password=SECRET).code == NOT_SIGNED_IN


def test_key_that_is_wanted_no_more_is_out_at_once_and_its_queries_end(both: Service) -> None:
    codes: list[int] = []
    have(both, reader="read_only", writer="admin", other="read_only")
    running = threading.Thread(
        target=lambda: codes.append(
            code(both, OTHER, "SELECT sum(sleepEachRow(1)) FROM numbers(60)", max_block_size="1")
        )
    )
    running.start()
    while both.run("SELECT count() FROM system.processes WHERE query LIKE 'SELECT sum(sleep%'") != "1\n":
        pass
    have(both, reader="read_only", writer="admin")
    running.join(15)
    assert codes == [CANCELLED]
    assert code(both, OTHER, "SELECT 1") == NOT_SIGNED_IN
    assert code(both, READER, "SELECT 1") == 0


def test_role_that_changes_is_in_force_for_the_next_statement(both: Service) -> None:
    have(both, reader="admin", writer="read_only")
    assert code(both, READER, "INSERT INTO orders VALUES (1)") == 0
    assert code(both, WRITER, "INSERT INTO orders VALUES (1)") != 0


def test_same_users_again_open_nothing_anew(both: Service) -> None:
    before = both.log.read_text().count("reopened")
    have(both, reader="read_only", writer="admin")
    assert both.log.read_text().count("reopened") == before


def test_row_policies_can_name_the_role(both: Service) -> None:
    both.run("CREATE TABLE rows (n UInt8) ENGINE = MergeTree ORDER BY n")
    both.run("INSERT INTO rows VALUES (1), (2)")
    both.run('CREATE ROW POLICY two ON rows USING n = 2 TO "sh:sql_console_read_only"')
    answer = both.ask("SELECT n FROM rows", user=READER, password=SECRET)
    assert answer.text == "2\n"


def test_nonsense_changes_nothing(both: Service) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    for roles in ({"default": frozenset({"sql_console_admin"})}, {READER: frozenset({"root"})}):
        with pytest.raises(Unavailable):
            both.do(_soon(both, KeyUsers(roles, SALT, digest)))
    assert code(both, READER, "SELECT 1") == 0
    assert both.run("SELECT 1") == "1\n"


async def _soon(service: Service, wanted: KeyUsers) -> None:
    process.ACCESS_SECONDS, kept = 0.5, process.ACCESS_SECONDS
    try:
        await service.running.set_key_users(wanted)
    finally:
        process.ACCESS_SECONDS = kept
