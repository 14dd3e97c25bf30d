import dataclasses
import time

import pytest

from stronghouse.engine.errors import DatabaseError
from stronghouse.kernel.clock import SystemClock
from stronghouse.worker.accounts import Accounts
from stronghouse.worker.attempts import Attempts
from stronghouse.worker.authentication import Credentials
from tests.unit.worker.people import PASSWORD, READER_ID, alice, caller, catalogue, method

RIGHT = Credentials("alice", PASSWORD, given=True)
HERE = "192.0.2.1"


def accounts(**changes: object) -> Accounts:
    return Accounts(catalogue(alice(**changes)), Attempts(SystemClock()))


def refused(known: Accounts, credentials: Credentials = RIGHT, address: str = HERE) -> DatabaseError:
    with pytest.raises(DatabaseError) as error:
        known.authenticate(credentials, address)
    assert error.value.number == 516
    return error.value


def test_a_user_comes_in_with_the_default_roles() -> None:
    found = accounts().authenticate(RIGHT, HERE)
    assert (found.user.name, found.current, found.method) == ("alice", frozenset({READER_ID}), "sha256_password")


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials("alice", "correct horse batter", given=True),
        Credentials("Alice", PASSWORD, given=True),
        Credentials("nobody", PASSWORD, given=True),
        Credentials("default", PASSWORD, given=True),
        Credentials("alice", "", given=True),
        Credentials("default", "", given=False),
    ],
)
def test_wrong_names_and_passwords_are_told_the_same(credentials: Credentials) -> None:
    words = refused(accounts(), credentials).public
    assert words.endswith("password is incorrect, or there is no user with such name.")


def test_a_password_that_was_right_is_not_right_after_the_catalogue_changed() -> None:
    known = accounts()
    known.authenticate(RIGHT, HERE)
    known.replace(catalogue(alice(methods=(method("another password"),)), generation=2))
    refused(known)


@pytest.mark.parametrize("change", [{"locked": True}, {"methods": ()}, {"methods": (method(valid_until=1),)}])
def test_who_is_locked_has_no_method_or_an_old_one_stays_out(change: dict[str, object]) -> None:
    refused(accounts(**change))


def test_a_method_ends_even_for_a_password_that_is_remembered() -> None:
    known = accounts(methods=(method(valid_until=int(time.time()) + 1),))
    known.authenticate(RIGHT, HERE)
    time.sleep(1.1)
    refused(known)


@pytest.mark.parametrize(
    ("hosts", "address", "allowed"),
    [
        (("ANY",), "", True),
        (("LOCAL",), "127.0.0.1", True),
        (("LOCAL",), "::ffff:127.0.0.1", True),
        (("LOCAL",), "192.0.2.1", False),
        (("192.0.2.0/24",), "192.0.2.9", True),
        (("192.0.2.0/24",), "198.51.100.1", False),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("192.0.2.0/24",), "", False),
        ((), "127.0.0.1", False),
    ],
)
def test_an_address_has_to_be_among_the_hosts(hosts: tuple[str, ...], address: str, allowed: bool) -> None:
    known = accounts(hosts=hosts)
    if allowed:
        known.authenticate(RIGHT, address)
        known.authenticate(RIGHT, address)
    else:
        refused(known, address=address)


def test_hosts_count_for_a_password_that_is_remembered_too() -> None:
    known = accounts(hosts=("192.0.2.0/24",))
    known.authenticate(RIGHT, "192.0.2.1")
    refused(known, address="198.51.100.1")


def test_who_is_under_way_is_looked_up_again() -> None:
    known, under_way = accounts(), caller()
    assert known.still(under_way).catalogue is known.catalogue
    known.replace(catalogue(alice(roles=(), methods=under_way.user.methods), generation=2))
    assert known.still(under_way).current == frozenset()
    for change in ({"locked": True}, {"methods": (method("another password"),)}):
        known.replace(catalogue(alice(**change), generation=3))
        with pytest.raises(DatabaseError):
            known.still(under_way)
    without = catalogue()
    known.replace(dataclasses.replace(without, users={}))
    with pytest.raises(DatabaseError):
        known.still(under_way)


def test_many_failures_make_that_address_wait_and_no_other() -> None:
    known = accounts()
    wrong = Credentials("alice", "wrong password", given=True)
    for _ in range(5):
        refused(known, wrong)
    assert "try again" in refused(known).public
    known.authenticate(RIGHT, "198.51.100.7")
