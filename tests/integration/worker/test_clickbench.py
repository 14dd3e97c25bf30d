"""What an analyst asks goes through the boundary: ClickBench's table and its 43 questions."""

import pytest

from tests.integration.worker.clickbench.questions import QUESTIONS
from tests.integration.worker.clickbench.table import COLUMNS, create, fill
from tests.integration.worker.service import Service

ROWS = 2_000


@pytest.fixture(scope="module")
def filled(service: Service) -> Service:
    """The worker with the table and its rows."""
    service.run(create())
    service.run(fill(ROWS))
    return service


def test_every_question_of_clickbench_is_answered(filled: Service) -> None:
    service = filled
    assert len(QUESTIONS) == 43
    assert sum(len(names.split()) for names in COLUMNS.values()) == 105
    for question in QUESTIONS:
        answer = service.ask(question)
        assert answer.status == 200, (question, answer.text)
        assert answer.text.strip(), question
    assert service.run(QUESTIONS[0]) == f"{ROWS}\n"
    assert service.run(QUESTIONS[20]) == f"{len(range(0, ROWS, 3))}\n"


def test_the_questions_are_answered_from_a_stored_view_and_explained(filled: Service) -> None:
    service = filled
    service.run("CREATE OR REPLACE VIEW phrases AS SELECT SearchPhrase, count() AS c FROM hits GROUP BY SearchPhrase")
    assert int(service.run("SELECT sum(c) FROM phrases")) == ROWS
    for question in QUESTIONS:
        assert service.ask(f"EXPLAIN {question}").status == 200, question
