"""npm @clickhouse/client: one program asks for everything, and each test looks at a part of what it saw."""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.clients.javascript import run_javascript
from tests.integration.worker.service import PASSWORD

SCRIPT = Path(__file__).with_name("javascript_client.mjs")
WAYS = ("plain", "answers", "both")
"""Nothing compressed, answers only, and requests too."""


@pytest.fixture(scope="module")
def seen(port: int, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    directory = tmp_path_factory.mktemp("javascript")
    return run_javascript(directory, SCRIPT.read_text(), str(port), password=PASSWORD)


@pytest.mark.parametrize("way", WAYS)
def test_questions_in_many_formats(seen: dict[str, Any], way: str) -> None:
    assert seen[way]["questions"] == {
        "ping": True,
        "pingWithQuery": True,
        "json": {"data": [{"n": 0, "s": "x"}, {"n": 1, "s": "x"}], "rows": 2},
        "compact": [[0, "x"], [1, "x"]],
        "eachRow": [{"n": 0, "s": "x"}, {"n": 1, "s": "x"}],
        "compactEachRow": [["n", "s"], [0, "x"], [1, "x"]],
        "csv": '"n","s"\n0,"x"\n1,"x"\n',
        "tsv": "0\tx\n1\tx\n",
        "parquet": "PAR1",
        "streamed": 200_000,
        "streamedCsv": 200_000,
        "parameters": [{"b": 5, "s": "x\t'y\\\n", "l": ["p", "q'"], "n": None, "o": True}],
        "setting": [{"m": 777}],
        "queryId": True,
        "server": True,
    }


@pytest.mark.parametrize("way", WAYS)
def test_inserts_of_values_and_streams(seen: dict[str, Any], way: str) -> None:
    found = seen[way]["inserts"]
    assert found["written"] == "2"
    assert found["counted"] == [{"c": 100_007, "t": str(sum(range(1, 8)) + sum(range(10, 100_010)))}]
    assert found["wrongRow"]["code"] in {"27", "72", "117"}
    assert found["summary"] == 1


@pytest.mark.parametrize("way", WAYS)
def test_errors_have_their_code_and_type(seen: dict[str, Any], way: str) -> None:
    found = seen[way]["failures"]
    told = {name: (error["code"], error["type"]) for name, error in found.items() if isinstance(error, dict)}
    assert told["table"] == ("60", "UNKNOWN_TABLE")
    assert told["syntax"] == ("62", "SYNTAX_ERROR")
    assert told["refused"] == ("497", "ACCESS_DENIED")
    assert told["setting"] == ("115", "UNKNOWN_SETTING")


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_that_breaks_off_is_an_error(seen: dict[str, Any], way: str) -> None:
    assert seen[way]["failures"]["late"] is not None
    if way == "plain":
        assert seen[way]["failures"]["late"]["code"] == "395"


@pytest.mark.parametrize("way", WAYS)
def test_an_aborted_query_ends_in_the_service(seen: dict[str, Any], way: str) -> None:
    assert "abort" in seen[way]["failures"]["aborted"]["message"]
    assert seen[way]["failures"]["left"] == 0


def test_progress_comes_between_the_rows(seen: dict[str, Any]) -> None:
    assert seen["progress"]["rows"] == 10
    assert seen["progress"]["progress"] >= 1
    assert "exception" not in seen["progress"]


def test_queries_run_side_by_side(seen: dict[str, Any]) -> None:
    assert seen["together"] == {"numbers": list(range(8)), "quick": True}


def test_sessions_keep_temporary_tables(seen: dict[str, Any]) -> None:
    assert seen["sessions"]["rows"] == [{"t": 3}]
    assert seen["sessions"]["unseen"]["code"] == "60"


def test_a_bad_password_is_told_as_such(seen: dict[str, Any]) -> None:
    assert (seen["stranger"]["code"], seen["stranger"]["type"]) == ("516", "AUTHENTICATION_FAILED")
    assert seen["strangersPing"] is False
