"""The page that shows how to add a check is followed here, block by block."""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stronghouse.responsibility import checks as folder
from stronghouse.responsibility.catalogue import load_catalogue
from stronghouse.responsibility.evaluation import evaluate
from stronghouse.responsibility.model import Check, ResultState
from tests.unit.responsibility import cases

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python file=(\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = dict(BLOCK.findall((ROOT / "docs" / "adding" / "check.md").read_text()))
FILE = next(Path(name) for name in BLOCKS if name.endswith(".py"))


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Check]:
    """The page's check, found by the catalogue as one of its own."""
    shutil.copy(ROOT / "src" / "stronghouse" / "responsibility" / "checks" / "__init__.py", tmp_path)
    (tmp_path / FILE.name).write_text(BLOCKS[str(FILE)])
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    yield load_catalogue().checks[FILE.stem]
    sys.modules.pop(f"{folder.__name__}.{FILE.stem}", None)


def test_the_check_of_the_page_does_not_exist_yet() -> None:
    assert FILE.parent == Path("src/stronghouse/responsibility/checks")
    assert not (ROOT / FILE).exists()


def test_the_catalogue_takes_it_and_its_control_is_proven_by_it_too(added: Check) -> None:
    (control,) = added.meta.controls
    assert added.meta.id in {check.meta.id for check in load_catalogue().checks_of(control)}


def test_its_cases_are_judged_as_the_page_says(added: Check) -> None:
    given = eval(BLOCKS["cases"], vars(cases))  # noqa: S307 - the page is ours
    assert isinstance(given, cases.Cases)

    def judged(fields: cases.Fields) -> tuple[ResultState, str]:
        (result,) = evaluate(added, cases.facts(added.meta.collector, [fields]))
        return result.state, result.reason

    assert judged(given.passing)[0] is ResultState.PASS
    for fields, word in given.failing:
        state, reason = judged(fields)
        assert state is ResultState.FAIL
        assert word in reason
    assert {judged(fields)[0] for fields in given.not_applicable} == {ResultState.NOT_APPLICABLE}
