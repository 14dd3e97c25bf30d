"""Signing in: ways to prove who somebody is, until when and from where, and who may change that."""

import hashlib
import threading
import time
from datetime import UTC, datetime, timedelta

import bcrypt
import pytest

from stronghouse.worker.attempts import FREE_FAILURES
from tests.integration.worker.service import Service, in_threads
from tests.integration.worker.users import (
    DENIED,
    NOT_SIGNED_IN,
    QUOTA,
    READONLY_ACCOUNT,
    SECRET,
    UNKNOWN_ROLE,
    UNKNOWN_USER,
    create,
    refused,
    send,
    told,
)

BAD_ARGUMENTS, EXISTS = 36, 493
WORDS = ("first long password", "second long password", "third long password")


def _double_sha1(password: str) -> str:
    once = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return hashlib.sha1(once, usedforsecurity=False).hexdigest()


METHODS = {
    "default": f"IDENTIFIED BY '{WORDS[0]}'",
    "sha256": f"IDENTIFIED WITH sha256_password BY '{WORDS[0]}'",
    "sha256_hash": f"IDENTIFIED WITH sha256_hash BY '{hashlib.sha256(WORDS[0].encode()).hexdigest()}'",
    "salted_hash": "IDENTIFIED WITH sha256_hash BY "
    f"'{hashlib.sha256((WORDS[0] + 'grains').encode()).hexdigest()}' SALT 'grains'",
    "double_sha1": f"IDENTIFIED WITH double_sha1_password BY '{WORDS[0]}'",
    "double_sha1_hash": f"IDENTIFIED WITH double_sha1_hash BY '{_double_sha1(WORDS[0])}'",
    "bcrypt": f"IDENTIFIED WITH bcrypt_password BY '{WORDS[0]}'",
    "bcrypt_hash": f"IDENTIFIED WITH bcrypt_hash BY '{bcrypt.hashpw(WORDS[0].encode(), bcrypt.gensalt(8)).decode()}'",
}


@pytest.fixture(scope="module")
def people(service: Service) -> Service:
    """A service with a few users of no rights."""
    create(service, "alice", "bob", "carol")
    return service


@pytest.mark.parametrize("form", METHODS)
def test_each_way_to_give_a_password_lets_its_user_in_and_no_other_password_does(service: Service, form: str) -> None:
    service.run(f"CREATE USER `by {form}` {METHODS[form]}")
    assert send(service, f"by {form}", "SELECT currentUser()", password=WORDS[0]).text == f"by {form}\n"
    assert send(service, f"by {form}", "SELECT 1", password=WORDS[1]).code == NOT_SIGNED_IN


@pytest.mark.parametrize(
    "how",
    [
        "",
        "NOT IDENTIFIED",
        "IDENTIFIED WITH no_password",
        f"IDENTIFIED WITH plaintext_password BY '{WORDS[0]}'",
        "IDENTIFIED BY 'short'",
        "IDENTIFIED BY ''",
        "IDENTIFIED WITH sha256_hash BY 'abc'",
        "IDENTIFIED WITH ssl_certificate CN 'somebody'",
        "IDENTIFIED WITH ldap SERVER 'directory'",
        "IDENTIFIED WITH kerberos",
        "IDENTIFIED WITH ssh_key BY KEY 'AAAA' TYPE 'ssh-ed25519'",
        "IDENTIFIED WITH http SERVER 'x'",
    ],
)
def test_no_user_is_made_without_a_sound_password(service: Service, how: str) -> None:
    answer = send(service, "default", f"CREATE USER lax {how}")
    assert answer.code in {BAD_ARGUMENTS, 48}, answer.text
    assert WORDS[0] not in answer.text
    assert told(service, "default", "SELECT count() FROM system.users WHERE name = 'lax'") == "0"


def test_a_user_may_have_several_ways_and_loses_them_one_by_one(service: Service) -> None:
    first, second, third = WORDS
    service.run(f"CREATE USER many IDENTIFIED WITH sha256_password BY '{first}', double_sha1_password BY '{second}'")
    service.run(f"ALTER USER many ADD IDENTIFIED WITH bcrypt_password BY '{third}'")
    assert [send(service, "many", "SELECT 1", password=word).code for word in WORDS] == [0, 0, 0]
    shown = told(service, "default", "SHOW CREATE USER many")
    assert shown == "CREATE USER many IDENTIFIED WITH sha256_password, double_sha1_password, bcrypt_password"
    service.run("ALTER USER many RESET AUTHENTICATION METHODS TO NEW")
    assert [send(service, "many", "SELECT 1", password=word).code for word in WORDS] == [516, 516, 0]


def test_a_password_counts_until_it_ends(service: Service) -> None:
    now = datetime.now(UTC)
    past, future = ((now + timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S") for days in (-1, 1))
    service.run(f"CREATE USER ended IDENTIFIED BY '{SECRET}' VALID UNTIL '{past}'")
    assert send(service, "ended", "SELECT 1").code == NOT_SIGNED_IN
    service.run(f"ALTER USER ended VALID UNTIL '{future}'")
    assert told(service, "ended", "SELECT 1") == "1"
    service.run(f"ALTER USER ended VALID UNTIL '{past}'")
    assert send(service, "ended", "SELECT 1").code == NOT_SIGNED_IN, "the password that was right is not remembered"
    service.run("ALTER USER ended VALID UNTIL 'infinity'")
    assert told(service, "ended", "SELECT 1") == "1"


@pytest.mark.parametrize(
    ("host", "let_in", "kept_out"),
    [
        ("IP '192.0.2.0/24'", ("192.0.2.7", "::ffff:192.0.2.9"), ("192.0.3.1", "::1", "", "not an address")),
        ("IP '2001:db8::/32', IP '192.0.2.1'", ("2001:db8::5", "192.0.2.1"), ("2001:db9::1", "192.0.2.2")),
        ("LOCAL", ("127.0.0.1", "::1"), ("192.0.2.1", "")),
        ("ANY", ("192.0.2.1", "::1"), ()),
        ("NONE", (), ("127.0.0.1", "192.0.2.1")),
    ],
)
def test_a_user_comes_from_the_hosts_that_were_given(
    service: Service, host: str, let_in: tuple[str, ...], kept_out: tuple[str, ...]
) -> None:
    service.run(f"CREATE USER OR REPLACE placed IDENTIFIED BY '{SECRET}' HOST {host}")
    assert [send(service, "placed", "SELECT 1", address=address).code for address in let_in] == [0] * len(let_in)
    codes = [send(service, "placed", "SELECT 1", address=address).code for address in kept_out]
    assert codes == [NOT_SIGNED_IN] * len(kept_out)


@pytest.mark.parametrize("host", ["NAME 'example.org'", "REGEXP 'host[0-9]'", "LIKE '%.org'"])
def test_hosts_that_only_a_name_service_knows_are_refused(service: Service, host: str) -> None:
    refused(service, "default", f"CREATE USER lax IDENTIFIED BY '{SECRET}' HOST {host}", 48)


def test_everybody_changes_the_own_password_and_is_asked_for_the_new_one_at_once(people: Service) -> None:
    told(people, "alice", f"ALTER USER alice IDENTIFIED BY '{WORDS[0]}'")
    assert send(people, "alice", "SELECT 1").code == NOT_SIGNED_IN
    assert send(people, "alice", f"ALTER USER CURRENT_USER IDENTIFIED BY '{SECRET}'", password=WORDS[0]).code == 0
    assert told(people, "alice", "SELECT 1") == "1"


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER USER alice HOST ANY",
        "ALTER USER alice VALID UNTIL 'infinity'",
        "ALTER USER alice DEFAULT ROLE ALL",
        "ALTER USER alice SETTINGS max_threads = 1",
        "ALTER USER alice GRANTEES ANY",
        "ALTER USER alice DEFAULT DATABASE system",
        "ALTER USER alice RENAME TO someone",
        f"ALTER USER alice ADD IDENTIFIED BY '{WORDS[1]}'",
        f"ALTER USER alice IDENTIFIED BY '{WORDS[1]}' HOST ANY",
        f"ALTER USER alice, bob IDENTIFIED BY '{WORDS[1]}'",
        f"ALTER USER bob IDENTIFIED BY '{WORDS[1]}'",
        f"CREATE USER OR REPLACE alice IDENTIFIED BY '{WORDS[1]}'",
        "DROP USER alice",
        "SHOW CREATE USER bob",
    ],
)
def test_nobody_changes_anything_else_of_themselves_or_of_others(people: Service, sql: str) -> None:
    message = refused(people, "alice", sql, DENIED)
    assert "alice: Not enough privileges" in message
    assert WORDS[1] not in message


@pytest.mark.parametrize(
    "sql",
    [
        f"ALTER USER default IDENTIFIED BY '{WORDS[0]}'",
        f"CREATE USER OR REPLACE default IDENTIFIED BY '{WORDS[0]}'",
        "ALTER USER default HOST NONE",
        "ALTER USER default RENAME TO other",
        "ALTER USER default SETTINGS readonly = 1",
        "SET DEFAULT ROLE NONE TO default",
        "DROP USER default",
        "DROP USER IF EXISTS default",
        "REVOKE ALL ON *.* FROM default",
        "GRANT SELECT ON *.* TO default",
        f"CREATE USER `sh:someone` IDENTIFIED BY '{WORDS[0]}'",
        "DROP USER `sh:someone`",
        "CREATE ROLE `sh:someone`",
        "ALTER USER bob RENAME TO `sh:someone`",
        "ALTER USER bob RENAME TO default",
    ],
)
def test_the_owner_and_names_of_the_console_cannot_be_changed_by_sql(people: Service, sql: str) -> None:
    assert "changed in the console" in send(people, "default", sql).text
    assert send(people, "default", sql).code == READONLY_ACCOUNT
    assert told(people, "default", "SELECT currentUser()") == "default"


def test_taking_everything_from_everybody_leaves_the_owner(people: Service) -> None:
    told(people, "default", "REVOKE ALL ON *.* FROM ALL")
    told(people, "default", "GRANT SHOW ROLES ON *.* TO carol")
    assert told(people, "carol", "SHOW GRANTS") == "GRANT SHOW ROLES ON *.* TO carol"


def test_who_was_dropped_is_refused_from_the_next_request_on_and_a_namesake_inherits_nothing(service: Service) -> None:
    create(service, "heir", then=("CREATE ROLE estate", "GRANT estate TO heir", "GRANT SELECT ON system.* TO heir"))
    service.run("CREATE QUOTA heirs FOR INTERVAL 1 day MAX queries = 100 TO heir")
    told(service, "heir", "SET max_threads = 2", session_id="kept")
    service.run("DROP USER heir")
    assert send(service, "heir", "SELECT 1").code == NOT_SIGNED_IN
    refused(service, "default", "GRANT SELECT ON system.* TO heir", UNKNOWN_ROLE)
    refused(service, "default", "SHOW GRANTS FOR heir", UNKNOWN_ROLE)
    refused(service, "default", "ALTER USER heir HOST ANY", UNKNOWN_USER)
    create(service, "heir")
    assert told(service, "heir", "SHOW GRANTS") == ""
    assert told(service, "heir", "SELECT currentRoles()") == "[]"
    assert told(service, "default", "SHOW CREATE QUOTA heirs") == (
        "CREATE QUOTA heirs FOR INTERVAL 1 day MAX queries = 100"
    )
    assert send(service, "heir", "SELECT 1", session_id="kept", session_check="1").code == 372


def test_the_queries_of_who_is_dropped_end(service: Service) -> None:
    create(service, "leaver")
    ended: list[int] = []

    def ask() -> None:
        ended.append(
            send(service, "leaver", "SELECT sleepEachRow(0.3) FROM numbers(90) SETTINGS max_block_size = 1").code
        )

    running = threading.Thread(target=ask)
    running.start()
    deadline = time.monotonic() + 10
    while told(service, "leaver", "SELECT count() FROM system.processes") != "2" and time.monotonic() < deadline:
        time.sleep(0.05)
    service.run("DROP USER leaver")
    running.join(10)
    assert ended == [394]


def test_changes_made_at_once_are_made_one_after_the_other(service: Service) -> None:
    create(service, *(f"worker{number}" for number in range(4)))
    service.run("GRANT CREATE ROLE ON *.* TO worker0, worker1, worker2, worker3")

    def act(number: int) -> int:
        if number == 4:
            return send(service, "default", "DROP USER worker0").code
        return send(service, f"worker{number}", f"CREATE ROLE made{number}").code

    codes = in_threads(5, act)
    assert codes[1:] == [0, 0, 0, 0]
    assert codes[0] in {0, NOT_SIGNED_IN}
    made = {"made1", "made2", "made3", *(("made0",) if codes[0] == 0 else ())}
    assert {name for name in told(service, "default", "SHOW ROLES").split("\n") if name.startswith("made")} == made


def test_a_failing_guesser_waits_and_nobody_else_does(people: Service) -> None:
    for _ in range(FREE_FAILURES):
        assert send(people, "bob", "SELECT 1", password="wrong", address="192.0.2.66").code == NOT_SIGNED_IN
    locked = send(people, "bob", "SELECT 1", address="192.0.2.66")
    assert locked.code == NOT_SIGNED_IN
    assert "too often from this address" in locked.text
    assert send(people, "bob", "SELECT 1", address="192.0.2.67").code == 0
    assert send(people, "carol", "SELECT 1", address="192.0.2.66").code == 0
    for _ in range(FREE_FAILURES):
        assert send(people, "nobody", "SELECT 1", password="wrong", address="192.0.2.66").code == NOT_SIGNED_IN
    missing = send(people, "nobody", "SELECT 1", address="192.0.2.66")
    assert "too often from this address" in missing.text, "whether there is such a user makes no difference"


def test_a_quota_of_failures_in_a_row_ends_with_a_success_or_a_refusal(people: Service) -> None:
    people.run(
        "CREATE QUOTA patience KEYED BY user_name FOR INTERVAL 100 year "
        "MAX failed_sequential_authentications = 2 TO ALL EXCEPT bob"
    )

    def fail(count: int, user: str = "carol") -> None:
        for place in range(count):
            address = f"198.51.100.{place}"
            assert send(people, user, "SELECT 1", password="wrong", address=address).code == NOT_SIGNED_IN

    fail(2)
    assert told(people, "carol", "SELECT 1") == "1"
    fail(3)
    assert send(people, "carol", "SELECT 1").code == QUOTA
    assert "failed_sequential_authentications = 3/2" in send(people, "carol", "SELECT 1").text
    fail(4, "bob")
    assert told(people, "bob", "SELECT 1") == "1"
    fail(4, "default")
    assert told(people, "default", "SELECT 1") == "1", "nobody locks the owner out"
    people.run("DROP QUOTA patience")
    assert told(people, "carol", "SELECT 1") == "1"
