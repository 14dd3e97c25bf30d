import dataclasses
import threading

import pytest

from stronghouse.engine.access.catalogue import Catalogue
from stronghouse.engine.errors import DatabaseError, access_denied
from stronghouse.kernel.errors import Unavailable
from stronghouse.worker.changing import Change, Changes


def next_of(catalogue: Catalogue) -> Catalogue:
    return dataclasses.replace(catalogue, generation=catalogue.generation + 1)


class Kept:
    def __init__(self) -> None:
        self.catalogue = Catalogue()
        self.puts = 0
        self.hold = threading.Event()
        self.hold.set()

    def put(self, catalogue: Catalogue) -> None:
        self.puts += 1
        self.hold.wait(2.0)
        self.catalogue = catalogue


def test_a_change_is_in_force_when_it_returns() -> None:
    kept = Kept()
    Changes(lambda: kept.catalogue, kept.put).make(next_of)
    assert kept.catalogue.generation == 2


def test_what_changes_nothing_is_not_put() -> None:
    kept = Kept()
    Changes(lambda: kept.catalogue, kept.put).make(lambda catalogue: catalogue)
    assert kept.puts == 0


def test_changes_that_wait_become_one_and_a_refused_one_spoils_none() -> None:
    kept = Kept()
    changes = Changes(lambda: kept.catalogue, kept.put)
    refused: list[DatabaseError] = []

    def refuse(_: Catalogue) -> Catalogue:
        raise access_denied("no")

    def make_refused() -> None:
        try:
            changes.make(refuse)
        except DatabaseError as error:
            refused.append(error)

    kept.hold.clear()
    first = threading.Thread(target=changes.make, args=(next_of,))
    first.start()
    while not kept.puts:
        pass
    others = [threading.Thread(target=changes.make, args=(next_of,)) for _ in range(4)]
    others.append(threading.Thread(target=make_refused))
    for thread in others:
        thread.start()
    while sum(thread.is_alive() for thread in others) < len(others):
        pass
    kept.hold.set()
    for thread in (first, *others):
        thread.join(2.0)
    assert kept.catalogue.generation == 6
    assert kept.puts <= 5
    assert [error.number for error in refused] == [497]


def test_what_cannot_be_put_is_told_to_who_asked_and_changes_nothing() -> None:
    kept = Kept()

    def fail(_: Catalogue) -> None:
        raise Unavailable("no key", code="data_key_unavailable")

    with pytest.raises(Unavailable):
        Changes(lambda: kept.catalogue, fail).make(next_of)
    assert kept.catalogue.generation == 1
    Changes(lambda: kept.catalogue, kept.put).make(next_of)
    assert kept.catalogue.generation == 2


def test_an_error_that_nobody_foresaw_is_told_to_who_asked_and_not_to_the_others() -> None:
    kept = Kept()
    changes = Changes(lambda: kept.catalogue, kept.put)
    outcomes: list[str] = []

    def stumble(_: Catalogue) -> Catalogue:
        raise KeyError("a defect")

    def make(change: Change) -> None:
        try:
            changes.make(change)
            outcomes.append("made")
        except KeyError:
            outcomes.append("failed")

    kept.hold.clear()
    first = threading.Thread(target=make, args=(next_of,))
    first.start()
    while not kept.puts:
        pass
    others = [threading.Thread(target=make, args=(change,)) for change in (stumble, next_of, next_of)]
    for thread in others:
        thread.start()
    while len(changes._waiting) < len(others):
        pass
    kept.hold.set()
    for thread in (first, *others):
        thread.join(2.0)
    assert sorted(outcomes) == ["failed", "made", "made", "made"]
    assert kept.catalogue.generation == 4


def test_nobody_is_told_of_success_when_putting_fails_unforeseen() -> None:
    kept = Kept()

    def fail(_: Catalogue) -> None:
        raise OSError("a defect")

    with pytest.raises(OSError, match="a defect"):
        Changes(lambda: kept.catalogue, fail).make(next_of)


def test_a_group_that_the_engine_refuses_is_made_one_by_one() -> None:
    kept = Kept()

    def refuse_some(catalogue: Catalogue) -> None:
        if catalogue.generation >= 100:
            raise access_denied("a value that the engine does not take")
        kept.put(catalogue)

    changes = Changes(lambda: kept.catalogue, refuse_some)
    codes: list[int] = []

    def make(change: Change) -> None:
        try:
            changes.make(change)
            codes.append(0)
        except DatabaseError as error:
            codes.append(error.number)

    def unsound(catalogue: Catalogue) -> Catalogue:
        return dataclasses.replace(catalogue, generation=catalogue.generation + 100)

    kept.hold.clear()
    first = threading.Thread(target=make, args=(next_of,))
    first.start()
    while not kept.puts:
        pass
    others = [threading.Thread(target=make, args=(change,)) for change in (unsound, next_of, next_of)]
    for thread in others:
        thread.start()
    while len(changes._waiting) < len(others):
        pass
    kept.hold.set()
    for thread in (first, *others):
        thread.join(2.0)
    assert sorted(codes) == [0, 0, 0, 497]
    assert kept.catalogue.generation == 4
