"""Who fails to sign in too often waits; nobody can make others wait."""

from datetime import UTC, datetime, timedelta

import pytest

from stronghouse.engine.errors import DatabaseError
from stronghouse.kernel.clock import FixedClock
from stronghouse.worker import attempts as module
from stronghouse.worker.attempts import FREE_FAILURES, LONGEST_WAIT, OF_ADDRESS, WINDOW, Attempts

NOW = datetime(2027, 1, 1, tzinfo=UTC)
HERE, THERE = "192.0.2.1", "192.0.2.2"


def refusal(attempts: Attempts, account: str = "bob", address: str = HERE) -> str | None:
    try:
        attempts.check(account, address)
    except DatabaseError as error:
        return error.public if (error.number, error.name) == (516, "AUTHENTICATION_FAILED") else repr(error)
    return None


def locked(clock: FixedClock, *, failures: int = FREE_FAILURES, address: str = HERE) -> Attempts:
    attempts = Attempts(clock)
    for _ in range(failures):
        attempts.failed("bob", address)
        clock.advance(timedelta(seconds=3))
    clock.advance(timedelta(seconds=-3))
    return attempts


def test_five_failures_bring_a_wait_and_four_none() -> None:
    assert refusal(locked(FixedClock(NOW), failures=FREE_FAILURES - 1)) is None
    refused = refusal(locked(FixedClock(NOW)))
    assert refused == "bob: Authentication failed too often from this address: try again in 1 s."


def test_the_wait_doubles_up_to_a_quarter_of_an_hour() -> None:
    clock = FixedClock(NOW)
    attempts = locked(clock)
    waits = []
    for _ in range(13):
        refused = refusal(attempts)
        assert refused is not None
        waits.append(int(refused.rsplit(" ", 2)[1]))
        clock.advance(timedelta(seconds=waits[-1]))
        assert refusal(attempts) is None
        attempts.failed("bob", HERE)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_nobody_is_locked_out_elsewhere_and_no_other_account_here() -> None:
    attempts = locked(FixedClock(NOW), failures=12)
    assert refusal(attempts) is not None
    assert refusal(attempts, address=THERE) is None
    assert refusal(attempts, account="eve") is None


def test_success_forgets() -> None:
    clock = FixedClock(NOW)
    attempts = locked(clock)
    clock.advance(timedelta(seconds=1))
    assert refusal(attempts) is None
    attempts.succeeded("bob", HERE)
    attempts.failed("bob", HERE)
    assert refusal(attempts) is None


def test_after_a_wait_one_attempt_is_let_through_at_a_time() -> None:
    clock = FixedClock(NOW)
    attempts = locked(clock, failures=9)
    clock.advance(timedelta(seconds=16))
    assert [refusal(attempts) is None for _ in range(3)] == [True, False, False]
    clock.advance(timedelta(seconds=module.LONGEST_ATTEMPT))  # it was broken off
    assert refusal(attempts) is None


def test_failures_are_forgotten_in_time() -> None:
    clock = FixedClock(NOW)
    attempts = locked(clock, failures=FREE_FAILURES - 1)
    clock.advance(timedelta(seconds=WINDOW + 1))
    attempts.failed("bob", HERE)
    assert refusal(attempts) is None

    attempts = locked(clock, failures=20)
    clock.advance(timedelta(seconds=LONGEST_WAIT + WINDOW + 1))
    assert [refusal(attempts) for _ in range(3)] == [None] * 3


def test_one_address_fails_with_so_many_accounts_a_minute() -> None:
    clock = FixedClock(NOW)
    attempts = Attempts(clock)
    for number in range(OF_ADDRESS - 1):
        attempts.failed(f"user{number}", HERE)
    assert refusal(attempts, "more") is None
    attempts.failed("more", HERE)
    clock.advance(timedelta(seconds=20))
    refused = refusal(attempts, "another")
    assert refused is not None
    assert refused.endswith("in 40 s.")
    assert refusal(attempts, "another", THERE) is None
    clock.advance(timedelta(seconds=40))
    assert refusal(attempts, "another") is None


def test_a_network_of_64_bits_is_one_address() -> None:
    attempts = locked(FixedClock(NOW), address="2001:db8::1")
    assert refusal(attempts, address="2001:db8::ffff:2") is not None
    assert refusal(attempts, address="2001:db8:0:1::1") is None
    mapped = locked(FixedClock(NOW), address="::ffff:192.0.2.1")
    assert refusal(mapped, address=HERE) is not None


def test_an_address_that_is_none_counts_as_itself() -> None:
    attempts = locked(FixedClock(NOW), address="")
    assert refusal(attempts, address="") is not None
    assert refusal(attempts) is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 10)
    attempts = Attempts(FixedClock(NOW))
    for number in range(50):
        attempts.failed("bob", f"192.0.2.{number}")
    assert (len(attempts._pairs), len(attempts._addresses)) == (10, 10)
    assert ("bob", "192.0.2.49") in attempts._pairs


def test_what_is_over_is_dropped() -> None:
    clock = FixedClock(NOW)
    attempts = locked(clock)
    clock.advance(timedelta(hours=1))
    attempts.failed("eve", THERE)
    assert (list(attempts._pairs), list(attempts._addresses)) == ([("eve", THERE)], [THERE])
