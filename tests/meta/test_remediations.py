"""What a check tells its reader to do can be done: it names a command, and Stronghouse's own commands exist."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from stronghouse.cli.main import app
from stronghouse.responsibility.catalogue import load_catalogue
from stronghouse.responsibility.model import Check

CATALOGUE = load_catalogue()
CODE = re.compile(r"`([^`]+)`")
ROOT = typer.main.get_command(app)
every_check = pytest.mark.parametrize("check", CATALOGUE.checks.values(), ids=CATALOGUE.checks)


def own_commands(text: str) -> Iterator[list[str]]:
    """The words of each command of ours between backticks."""
    for code in CODE.findall(text):
        words = code.split()
        if words[0] == "stronghouse" and len(words) > 1:
            yield words[1:]


@every_check
def test_names_a_command(check: Check) -> None:
    assert CODE.search(check.meta.remediation)
    assert check.meta.remediation.count("`") % 2 == 0


@every_check
def test_commands_and_options_of_ours_exist(check: Check) -> None:
    for words in own_commands(check.meta.remediation):
        command: Any = ROOT
        rest = list(words)
        while hasattr(command, "commands"):
            name = rest.pop(0)
            assert name in command.commands, f"`stronghouse {' '.join(words)}`: there is no {name}"
            command = command.commands[name]
        known = {option for parameter in command.params for option in parameter.opts}
        wanted = {word for word in rest if word.startswith("--")}
        assert wanted <= known, f"`stronghouse {' '.join(words)}`: {sorted(wanted - known)}"


def test_every_row_has_something_that_can_prove_it() -> None:
    assert not [row.id for row in CATALOGUE.responsibilities if not CATALOGUE.checks_of_row(row.id)]
