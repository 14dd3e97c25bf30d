from dataclasses import replace

import pytest

from stronghouse.engine.rewriting import find_marks
from stronghouse.engine.statement import Statement, describe
from stronghouse.engine.tokens import split


def statement(canonical: str) -> Statement:
    tokens = split(canonical)
    return replace(describe(canonical, tokens, "CONTROL", "query"), marks=find_marks(tokens))


@pytest.mark.parametrize("ending", ["", " ASYNC", " SYNC", " FORMAT JSON", " ASYNC FORMAT JSON", " TEST FORMAT CSV"])
def test_the_format_of_a_kills_answer_is_no_part_of_its_condition(ending: str) -> None:
    killing = statement(f"KILL QUERY WHERE user = currentUser() OR elapsed > 5{ending}")
    assert killing.kill_selection("bob") == (
        "SELECT query_id FROM _stronghouse.processes WHERE (user = ('bob' AS `currentUser()`) OR elapsed > 5)"
    )
