"""How often a password may be tried."""

from datetime import timedelta

import pytest

from stronghouse.access.attempts import OF_ACCOUNT, OF_ADDRESS, OF_CODES, WINDOW, Attempts, neighbourhood
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.errors import TooMany
from tests.support.control_plane import NOW

HERE, THERE = "192.0.2.1", "192.0.2.2"


def refused(attempts: Attempts, address: str, account: str) -> bool:
    try:
        attempts.note(address=address, account=account)
    except TooMany:
        return True
    return False


def test_an_account_can_be_tried_so_often_from_one_address_and_goes_on_from_another() -> None:
    attempts = Attempts(FixedClock(NOW))
    assert [refused(attempts, HERE, "Ada@Example.com ") for _ in range(OF_ACCOUNT + 1)][-2:] == [False, True]
    assert refused(attempts, HERE, "ada@example.com")
    assert not refused(attempts, THERE, "ada@example.com")
    assert not refused(attempts, HERE, "bob@example.com")


def test_an_address_can_try_so_many_accounts() -> None:
    attempts = Attempts(FixedClock(NOW))
    found = [refused(attempts, HERE, f"{number}@example.com") for number in range(OF_ADDRESS + 1)]
    assert found.index(True) == OF_ADDRESS
    assert not refused(attempts, THERE, "0@example.com")


def test_time_passes() -> None:
    clock = FixedClock(NOW)
    attempts = Attempts(clock)
    for _ in range(OF_ACCOUNT):
        attempts.note(address=HERE, account="ada")
    clock.advance(WINDOW - timedelta(seconds=1))
    with pytest.raises(TooMany):
        attempts.note(address=HERE, account="ada")
    clock.advance(timedelta(seconds=1))
    attempts.note(address=HERE, account="ada")


def test_what_strangers_try_is_not_counted_against_who_is_signed_in() -> None:
    attempts = Attempts(FixedClock(NOW))
    for number in range(OF_ADDRESS):
        attempts.note(address=HERE, account=f"{number}@example.com")
    for _ in range(OF_ACCOUNT):
        attempts.note_known("ada's id")
    with pytest.raises(TooMany):
        attempts.note_known("ada's id")
    attempts.note_known("bob's id")


def test_a_refused_attempt_uses_up_nothing_of_the_address() -> None:
    attempts = Attempts(FixedClock(NOW))
    assert sum(refused(attempts, HERE, "ada@example.com") for _ in range(OF_ADDRESS * 2)) == OF_ADDRESS * 2 - OF_ACCOUNT
    assert not refused(attempts, HERE, "bob@example.com")


def test_another_address_of_the_same_network_is_the_same_neighbour() -> None:
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:1") == "2001:db8::/64"
    assert neighbourhood("2001:db8:0:1::1") != neighbourhood("2001:db8::1")
    assert neighbourhood("::ffff:192.0.2.1") == neighbourhood("192.0.2.1") == "192.0.2.1"
    assert neighbourhood("192.0.2.2") != neighbourhood("192.0.2.1")
    assert (neighbourhood(None), neighbourhood("nonsense")) == (None, "nonsense")


def test_memory_is_bounded() -> None:
    attempts = Attempts(FixedClock(NOW), limit=10)
    for number in range(100):
        attempts.note(address=f"192.0.2.{number}", account="ada")
    assert len(attempts._made) == 10


def test_no_flood_of_strangers_makes_codes_forgotten_or_is_kept() -> None:
    attempts = Attempts(FixedClock(NOW), limit=10)
    for _ in range(OF_CODES):
        attempts.note_code("ada")
    for number in range(10 * OF_ADDRESS):
        refused(attempts, HERE, f"{number}@example.com")
        attempts.note(address=f"192.0.2.{number % 256}", account=f"{number}")
    assert len(attempts._made) == 10
    with pytest.raises(TooMany, match="in an hour"):
        attempts.note_code("ada")
