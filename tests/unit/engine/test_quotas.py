"""Quotas stop who used up what they may, at ClickHouse's intervals and with its words."""

import contextlib
import dataclasses
import threading
import time
import timeit
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stronghouse.engine import quotas as module
from stronghouse.engine.access.catalogue import Catalogue, Quota, QuotaInterval, QuotaKey, Targets, User
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.quotas import Consumer, Kind, QuotaKeeper, _Counter
from stronghouse.kernel.clock import FixedClock

NOW = datetime(2027, 1, 1, 10, 20, 30, tzinfo=UTC)
BOB = Consumer("b", "bob", frozenset({"r"}), "192.0.2.1", "k1")
EVE = Consumer("e", "eve", frozenset(), "192.0.2.1", "k2")


def catalogue(*quotas: Quota) -> Catalogue:
    return Catalogue(users={"b": User("b", "bob")}, quotas={quota.id: quota for quota in quotas})


def limited(name: str, limit: float) -> Quota:
    return Quota("q1", "hourly", "none", (QuotaInterval(3600, limits=((name, limit),)),), Targets(everybody=True))


def quota(key: QuotaKey = "user_name", targets: Targets | None = None, seconds: int = 3600, **limits: float) -> Quota:
    interval = QuotaInterval(seconds, limits=tuple(limits.items()))
    return Quota("q1", "hourly", key, (interval,), targets or Targets(everybody=True))


def refusal(act: Callable[[], None]) -> str | None:
    try:
        act()
    except DatabaseError as error:
        return error.public if (error.number, error.name) == (201, "QUOTA_EXCEEDED") else repr(error)
    return None


class Case:
    """A keeper with a clock and one catalogue."""

    def __init__(self, *quotas: Quota) -> None:
        self.clock = FixedClock(NOW)
        self.keeper = QuotaKeeper(self.clock)
        self.catalogue = catalogue(*quotas)

    def ask(self, consumer: Consumer = BOB, kind: Kind = "select") -> str | None:
        return refusal(lambda: self.keeper.check(self.catalogue, consumer, kind))

    def spend(self, amounts: Mapping[str, float]) -> None:
        self.keeper.charge(self.catalogue, BOB, amounts)

    def sign_in(self, consumer: Consumer = BOB) -> str | None:
        return refusal(lambda: self.keeper.check_sign_in(self.catalogue, consumer))


def test_as_many_queries_as_allowed_and_no_more() -> None:
    case = Case(quota(queries=2))
    assert [case.ask(), case.ask()] == [None, None]
    assert case.ask() == (
        "Quota for user `bob` for 3600s has been exceeded: queries = 3/2. "
        "Interval will end at 2027-01-01 11:00:00. Name of quota template: `hourly`"
    )


def test_an_interval_begins_at_a_multiple_of_its_length() -> None:
    case = Case(quota(queries=1))
    assert case.ask() is None
    case.clock.advance(timedelta(minutes=39, seconds=29))
    assert case.ask() is not None
    case.clock.advance(timedelta(seconds=1))
    assert case.ask() is None


def test_a_randomized_interval_is_moved_and_as_long() -> None:
    intervals = (QuotaInterval(3600, randomized=True, limits=(("queries", 1),)),)
    ends = set()
    for _ in range(8):
        case = Case(Quota("q1", "hourly", "none", intervals, Targets(everybody=True)))
        assert case.ask() is None
        (usage,) = case.keeper.usage(case.catalogue)
        assert usage.start <= NOW.timestamp() < usage.end == usage.start + 3600
        ends.add(usage.end)
    assert len(ends) > 1


def test_kinds_of_statements_are_counted_apart() -> None:
    case = Case(quota(query_inserts=1, query_selects=2))
    assert [case.ask(kind="insert"), case.ask(kind="other"), case.ask(), case.ask()] == [None] * 4
    refused = case.ask(kind="insert")
    assert refused is not None
    assert "query_inserts = 2/1" in refused


@pytest.mark.parametrize("name", [name for name in module.AMOUNTS if not name.startswith(("quer", "failed"))])
def test_what_went_past_its_limit_stops_the_next_statement(name: str) -> None:
    case = Case(limited(name, 10))
    case.spend({name: 10})
    assert case.ask() is None
    case.spend({name: 0.5})
    refused = case.ask()
    assert refused is not None
    assert f"{name} = 10.5/10." in refused


def test_a_quota_reaches_only_whom_it_is_for() -> None:
    case = Case(quota(targets=Targets(frozenset({"r"})), queries=0))
    assert case.ask(BOB) is not None
    assert case.ask(EVE) is None
    assert case.ask(Consumer("b", "bob")) is None, "without the role in force"
    case = Case(quota(targets=Targets(everybody=True, excluded=frozenset({"b"})), queries=0))
    assert case.ask(BOB) is None
    assert case.ask(EVE) is not None


@pytest.mark.parametrize(
    ("key", "shared"),
    [("none", True), ("user_name", False), ("ip_address", True), ("forwarded_ip_address", True), ("client_key", False)],
)
def test_what_is_counted_together_is_what_the_key_says(key: QuotaKey, shared: bool) -> None:
    case = Case(quota(key, queries=1))
    assert case.ask(BOB) is None
    assert (case.ask(EVE) is not None) == shared


def test_a_quota_by_client_key_needs_one() -> None:
    case = Case(quota("client_key", queries=1))
    with pytest.raises(DatabaseError) as raised:
        case.keeper.check(case.catalogue, Consumer("b", "bob"), "select")
    assert raised.value.number == 496


def test_all_quotas_that_apply_limit() -> None:
    other = Quota("q2", "daily", "none", (QuotaInterval(86400, limits=(("queries", 1),)),), Targets(everybody=True))
    for order in ((quota(queries=5), other), (other, quota(queries=5))):
        case = Case(*order)
        assert case.ask() is None
        refused = case.ask()
        assert refused is not None
        assert refused.endswith("`daily`")


def test_failures_in_a_row_stop_signing_in_until_one_succeeds() -> None:
    case = Case(quota(failed_sequential_authentications=2))
    for _ in range(2):
        case.keeper.signed_in(case.catalogue, BOB, success=False)
    assert case.sign_in() is None
    case.keeper.signed_in(case.catalogue, BOB, success=True)
    for _ in range(3):
        assert case.sign_in() is None
        case.keeper.signed_in(case.catalogue, BOB, success=False)
    refused = case.sign_in()
    assert refused is not None
    assert "failed_sequential_authentications = 3/2" in refused
    assert case.sign_in(EVE) is None
    assert case.ask() is None, "who is signed in goes on"


def test_usage_tells_what_was_used() -> None:
    case = Case(quota(queries=5), Quota("q2", "counted", "none", (), Targets(frozenset({"r"}))))
    case.ask()
    case.spend({"read_rows": 7})
    case.ask(EVE)
    bob, eve, counted = case.keeper.usage(case.catalogue)
    assert (bob.key, bob.used) == ("bob", {"queries": 1, "query_selects": 1, "read_rows": 7})
    assert (bob.users, eve.users) == (frozenset("b"), frozenset("e"))
    assert (eve.key, counted.quota_id, counted.interval) == ("eve", "q2", None)
    assert [usage.key for usage in case.keeper.usage(case.catalogue, EVE)] == ["eve"]
    assert [usage.quota_id for usage in case.keeper.usage(case.catalogue, BOB)] == ["q1", "q2"]
    case.clock.advance(timedelta(hours=1))
    assert case.keeper.usage(case.catalogue)[0].used == {}


def test_another_catalogue_keeps_the_counts_of_what_is_the_same() -> None:
    case = Case(quota(queries=2))
    case.ask()
    case.catalogue = catalogue(quota(queries=1))
    refused = case.ask()
    assert refused is not None
    assert "queries = 2/1" in refused
    case.catalogue = catalogue(quota(seconds=60, queries=1))
    assert case.ask() is None
    assert len(case.keeper._counters) == 1


def test_counts_from_many_threads_are_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    renew = _Counter.renew

    def slow(counter: _Counter, now: float) -> None:
        renew(counter, now)
        time.sleep(0.0001)  # others run here, if they may

    monkeypatch.setattr(_Counter, "renew", slow)
    case = Case(quota(queries=10_000))

    def run() -> None:
        for _ in range(50):
            case.ask()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert case.keeper.usage(case.catalogue)[0].used["queries"] == 200


def test_memory_is_bounded_and_what_is_over_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_COUNTED", 10)
    case = Case(quota("client_key", queries=1))
    for number in range(9):
        case.ask(Consumer("b", "bob", client_key=f"old{number}"))
    case.clock.advance(timedelta(hours=1))
    for number in range(5):
        case.ask(Consumer("b", "bob", client_key=f"new{number}"))
    assert [place[1] for place in case.keeper._counters] == [f"new{number}" for number in range(5)]
    for number in range(50):
        case.ask(Consumer("b", "bob", client_key=f"newer{number}"))
    assert 8 <= len(case.keeper._counters) <= 10


def test_keys_that_somebody_makes_up_push_out_nobody_elses_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_COUNTED", 20)
    by_key = quota("client_key", queries=1000)
    by_user = dataclasses.replace(quota("user_name", queries=1), id="other", name="other")
    case = Case(by_key, by_user)
    case.ask(Consumer("b", "bob", client_key="his"))
    for number in range(100):
        with contextlib.suppress(DatabaseError):
            case.ask(Consumer("b", "ann", client_key=f"made up {number}"))
    assert (by_user.id, "bob") in {place[:2] for place in case.keeper._counters}


def test_a_catalogue_without_quotas_costs_next_to_nothing() -> None:
    keeper, empty = QuotaKeeper(FixedClock(NOW)), Catalogue()
    act: Any = lambda: keeper.check(empty, BOB, "select")  # noqa: E731 - what is timed
    assert min(timeit.repeat(act, number=1000, repeat=5)) / 1000 < 5e-6
