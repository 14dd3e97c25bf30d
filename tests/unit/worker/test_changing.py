import dataclasses
import threading

import pytest

from stronghouse.engine.access.catalogue import Catalogue
from stronghouse.engine.errors import DatabaseError, access_denied
from stronghouse.kernel.errors import Unavailable
from stronghouse.worker.changing import Changes


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
