"""Changes of who may do what, on a service that is being used: when they count, and what becomes of everybody else."""

import http.client
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from stronghouse.kernel.errors import Unavailable
from stronghouse.worker.process import WorkerProcess
from tests.integration.worker.leaking import leaking_worker
from tests.integration.worker.service import KEY, PASSWORD, Answer, Service, in_threads

SLOW = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"
LOCKED_OUT, DENIED, CANCELLED = 516, 497, 394


def create_user(service: Service, name: str, *, grants: str = "") -> None:
    service.run(f"CREATE USER {name} IDENTIFIED BY '{name} password'")
    if grants:
        service.run(f"GRANT {grants} TO {name}")


def ask(service: Service, name: str, sql: str, **parameters: str) -> Answer:
    return service.ask(sql, user=name, password=f"{name} password", url=parameters)


def code_on(connection: http.client.HTTPConnection, name: str, sql: str) -> int:
    """The error code on a connection that stays open."""
    headers = {"X-ClickHouse-User": name, "X-ClickHouse-Key": f"{name} password"}
    connection.request("POST", "/", body=sql, headers=headers)
    response = connection.getresponse()
    response.read()
    return int(response.headers.get("X-ClickHouse-Exception-Code", "0"))


def reopenings(service: Service) -> int:
    return service.log.read_text().count('"event": "reopened"')


@contextmanager
def running_query(
    service: Service, sql: str, *, user: str = "default", password: str = PASSWORD
) -> Iterator[list[int]]:
    """A query that goes on meanwhile; its code is in the list once it has ended."""
    codes: list[int] = []

    def run() -> None:
        codes.append(service.ask(sql, user=user, password=password, query_id="meanwhile").code)

    def count() -> str:
        sql = "SELECT count() FROM system.processes WHERE query_id = 'meanwhile'"
        return service.ask(sql, user=user, password=password).text

    asking = threading.Thread(target=run)
    asking.start()
    deadline = time.monotonic() + 10
    while count() != "1\n":
        assert time.monotonic() < deadline, codes
        assert codes == []
        time.sleep(0.02)
    yield codes
    asking.join(20)


def start_with(service: Service, provide: Callable[[], Awaitable[bytes]]) -> None:
    """Start the service's worker with another provider of its data key."""
    service.worker = service.do(
        WorkerProcess.start(
            service.spec,
            listener=service.listener,
            data_key=KEY,
            log=service.log,
            data_key_provider=provide,
        )
    )


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("dropped", "DROP USER dropped", LOCKED_OUT),
        ("expired", "ALTER USER expired VALID UNTIL '2020-01-01 00:00:00'", LOCKED_OUT),
        ("moved", "ALTER USER moved HOST IP '192.0.2.1'", LOCKED_OUT),
        ("renewed", "ALTER USER renewed IDENTIFIED BY 'another password'", LOCKED_OUT),
        ("deprived", "REVOKE SELECT ON offered FROM deprived", DENIED),
    ],
)
def test_what_was_taken_away_is_refused_from_the_next_request_on(
    service: Service, name: str, change: str, code: int
) -> None:
    service.run("CREATE TABLE IF NOT EXISTS offered (n UInt64) ENGINE = MergeTree ORDER BY n")
    create_user(service, name, grants="SELECT ON offered")
    sql = "SELECT count() FROM offered"
    with closing(service.connection()) as kept:
        assert code_on(kept, name, sql) == 0
        assert ask(service, name, sql, session_id=name).code == 0
        service.run(change)
        assert code_on(kept, name, sql) == code
        assert ask(service, name, sql, session_id=name).code == code
        assert ask(service, name, sql).code == code


def test_the_queries_of_who_is_dropped_end_at_once(service: Service) -> None:
    create_user(service, "busy", grants="CREATE TEMPORARY TABLE ON *.*")
    with running_query(service, SLOW, user="busy", password="busy password") as codes:
        began = time.monotonic()
        service.run("DROP USER busy")
    assert codes == [CANCELLED]
    assert time.monotonic() - began < 4.5, "it got the time that others' queries get"


def test_a_change_is_in_force_within_a_second(service: Service) -> None:
    """The quickest of some: the machine does other things too."""
    service.run("CREATE TABLE IF NOT EXISTS wanted (n UInt64) ENGINE = MergeTree ORDER BY n")
    create_user(service, "waiting")
    took = []
    for change, code in [
        ("GRANT SELECT ON wanted TO waiting", 0),
        ("REVOKE SELECT ON wanted FROM waiting", DENIED),
    ] * 3:
        began = time.monotonic()
        service.run(change)
        assert ask(service, "waiting", "SELECT count() FROM wanted").code == code
        took.append(time.monotonic() - began)
    assert min(took) < 1.0, took


def test_running_queries_get_five_seconds_and_then_code_394(service: Service) -> None:
    create_user(service, "patient")
    with running_query(service, SLOW) as codes:
        short: list[int] = []
        other = threading.Thread(target=lambda: short.append(service.ask("SELECT sleep(2)").code))
        other.start()
        time.sleep(0.3)
        began = time.monotonic()
        service.run("GRANT SELECT ON default.* TO patient")
        took = time.monotonic() - began
        other.join(10)
    assert codes == [CANCELLED]
    assert short == [0]
    assert 4.5 < took < 8.0
    assert ask(service, "patient", "SELECT count() FROM system.one").code == 0


def test_requests_that_come_while_rights_change_wait_and_succeed(service: Service) -> None:
    """Fifty a second, of the owner and of one whose own rights change, on old connections and on new ones."""
    create_user(service, "asking")
    service.run("CREATE TABLE IF NOT EXISTS busy (n UInt64) ENGINE = MergeTree ORDER BY n")
    service.run("GRANT SELECT, INSERT ON busy TO asking")
    before = reopenings(service)
    stop = threading.Event()
    wrong: list[object] = []
    asked = [0] * 5
    began = time.monotonic()

    def keep_asking(number: int) -> None:
        with closing(service.connection()) as kept:
            while not stop.wait(max(0.0, began + asked[number] * 0.1 - time.monotonic())):
                asked[number] += 1
                code = (
                    code_on(kept, "asking", f"INSERT INTO busy VALUES ({number})")
                    if number % 2
                    else ask(service, "asking", "SELECT count() FROM busy").code
                )
                if code:
                    wrong.append((number, code))

    threads = [threading.Thread(target=keep_asking, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for number in range(5):
        service.run(f"GRANT SELECT ON default.other{number} TO asking")
    took = time.monotonic() - began
    stop.set()
    for thread in threads:
        thread.join(20)
    assert wrong == []
    assert sum(asked) > 35 * took
    assert reopenings(service) - before == 5
    assert service.run("SELECT count() FROM busy") == f"{asked[1] + asked[3]}\n"


def test_sessions_end_when_the_engine_is_opened_anew(service: Service) -> None:
    service.run("CREATE TEMPORARY TABLE mine (n Int8)", session_id="s")
    assert service.run("SELECT count() FROM mine", session_id="s", session_check="1") == "0\n"
    create_user(service, "reason", grants="SELECT ON default.*")
    checked = service.ask("SELECT count() FROM mine", url={"session_id": "s", "session_check": "1"})
    assert checked.code == 372, checked.text
    unchecked = service.ask("SELECT count() FROM mine", url={"session_id": "s"})
    assert unchecked.code == 60


def test_changes_at_the_same_time_all_succeed_in_few_reopenings(service: Service) -> None:
    create_user(service, "many")
    before = reopenings(service)
    codes = in_threads(20, lambda number: service.ask(f"GRANT SELECT ON default.of{number} TO many").code)
    assert codes == [0] * 20
    assert service.run("SELECT count() FROM system.grants WHERE user_name = 'many' AND table LIKE 'of%'") == "20\n"
    assert 1 <= reopenings(service) - before <= 5


def test_one_name_is_given_once(service: Service) -> None:
    codes = in_threads(8, lambda number: service.ask("CREATE USER twin IDENTIFIED BY 'the same secret'").code)
    assert sorted(codes) == [0] + [493] * 7
    assert service.run("SELECT count() FROM system.users WHERE name = 'twin'") == "1\n"


def test_a_change_that_the_engine_refuses_takes_no_other_down(service: Service) -> None:
    """While the first is made the others gather, and are made together."""
    create_user(service, "sound")
    statements = [f"GRANT SELECT ON default.sound{number} TO sound" for number in range(6)]
    statements.insert(3, "CREATE SETTINGS PROFILE unsound SETTINGS max_execution_time = 'long'")

    def make(number: int) -> int:
        time.sleep(0.1 if number else 0.0)
        return service.ask(statements[number]).code

    codes = in_threads(len(statements), make)
    assert codes == [0, 0, 0, 72, 0, 0, 0]
    assert service.run("SHOW GRANTS FOR sound").count("default.sound") == 6
    assert "unsound" not in service.run("SHOW PROFILES")


def test_without_the_data_key_nothing_changes(fresh: Service) -> None:
    available = True

    async def provide() -> bytes:
        if not available:
            raise Unavailable("The key service is away.", code="kms_unavailable")
        return KEY

    start_with(fresh, provide)
    fresh.run("CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n")
    create_user(fresh, "same", grants="SELECT ON kept")
    shown = fresh.run("SHOW GRANTS FOR same")
    available = False
    for change in ("REVOKE SELECT ON kept FROM same", "GRANT INSERT ON kept TO same", "CREATE ROLE lost"):
        refused = fresh.ask(change)
        assert refused.status == 500
        assert "The key service is away" in refused.text
    assert fresh.run("SHOW GRANTS FOR same") == shown
    assert fresh.run("SELECT count() FROM system.roles") == "0\n"
    assert ask(fresh, "same", "SELECT count() FROM kept").code == 0
    assert ask(fresh, "same", "INSERT INTO kept VALUES (1)").code == DENIED
    fresh.run("ALTER USER same IDENTIFIED BY 'something else'")  # the engine need not be opened anew for it
    assert ask(fresh, "same", "SELECT 1").code == LOCKED_OUT
    available = True
    fresh.run("REVOKE SELECT ON kept FROM same")
    assert fresh.run("SHOW GRANTS FOR same") == ""


def test_a_change_that_waits_for_the_key_is_not_made_when_the_agent_goes(fresh: Service) -> None:
    asked = threading.Event()
    given = True

    async def provide() -> bytes:
        if given:
            return KEY
        asked.set()
        raise Unavailable("Too late.")

    start_with(fresh, provide)
    create_user(fresh, "same", grants="SELECT ON default.*")
    given = False
    worker = fresh.running
    fresh.do(_deafen(worker))
    outcome: list[object] = []

    def change() -> None:
        try:
            outcome.append(fresh.ask("REVOKE SELECT ON default.* FROM same").status)
        except OSError as error:
            outcome.append(type(error))

    changing = threading.Thread(target=change)
    changing.start()
    time.sleep(1.5)
    assert outcome == []
    fresh.do(_hang_up(worker))
    changing.join(20)
    assert outcome, "the client still waits"
    assert outcome != [200]
    fresh.do(worker.wait())
    fresh.start()
    assert "SELECT" in fresh.run("SHOW GRANTS FOR same")


async def _deafen(worker: WorkerProcess) -> None:
    """The agent takes nothing more from the channel."""
    worker._listening.cancel()


async def _hang_up(worker: WorkerProcess) -> None:
    worker._channel.close()


@pytest.mark.parametrize(("fault", "reason"), [("file", "engine_kept_configuration"), ("connection", "engine_unsound")])
def test_an_engine_that_keeps_its_old_rights_lets_nobody_in(fresh: Service, fault: str, reason: str) -> None:
    with leaking_worker(fresh) as worker:
        create_user(fresh, "old")
        fresh.run("CREATE TABLE secret (n UInt64) ENGINE = MergeTree ORDER BY n")
        fresh.run("GRANT SELECT ON secret TO old")
        assert ask(fresh, "old", "SELECT count() FROM secret").code == 0
        worker.fail(fault)
        outcomes: list[object] = []
        stop = threading.Event()

        def keep_asking(_: int) -> None:
            while not stop.is_set():
                try:
                    outcomes.append(ask(fresh, "old", "SELECT count() FROM secret").status)
                except OSError:
                    return
                time.sleep(0.01)

        threads = [threading.Thread(target=keep_asking, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        with pytest.raises(OSError):
            fresh.ask("REVOKE SELECT ON secret FROM old")
        assert worker.wait() == 3
        stop.set()
        after = len(outcomes)
    fresh.start()
    for thread in threads:
        thread.join(30)
    assert 200 not in outcomes[after:], "somebody was let in with old rights"
    assert ask(fresh, "old", "SELECT count() FROM secret").code == DENIED
    assert fresh.run("SHOW GRANTS FOR old") == ""
    assert reason in fresh.log.read_text()
