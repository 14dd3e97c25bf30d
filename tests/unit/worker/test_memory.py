import pytest

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.memory import Memory


def test_one_user_leaves_some_for_another() -> None:
    memory = Memory(100, 60)
    first, second, other = memory.of("a"), memory.of("a"), memory.of("b")
    first.take(40)
    with pytest.raises(DatabaseError) as refused:
        second.take(21)
    assert refused.value.number == 241
    second.take(20)
    other.take(40)
    assert memory.held == 100


def test_all_users_together_hold_no_more_than_there_is() -> None:
    memory = Memory(100, 60)
    memory.of("a").take(60)
    with pytest.raises(DatabaseError):
        memory.of("b").take(41)
    memory.of("b").take(40)


def test_what_was_held_is_free_again() -> None:
    memory = Memory(100, 60)
    holding = memory.of("a")
    holding.take(60)
    holding.give_back(10)
    memory.of("a").take(10)
    holding.close()
    assert (holding.held, memory.held) == (0, 10)
    holding.close()
    memory.of("a").take(50)
