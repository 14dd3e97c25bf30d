"""What the documentation says must be so: its links lead somewhere, its commands and make targets exist."""

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stronghouse.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"`stronghouse ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)")
TARGET = re.compile(r"`make ([a-z-]+)")
REFERENCE = ROOT / "docs" / "reference" / "cli.md"
WIDTH = 100


def commands() -> dict[str, str]:
    """The help of every command that is shown, by its name."""
    runner = CliRunner(env={"COLUMNS": str(WIDTH), "TERMINAL_WIDTH": str(WIDTH), "NO_COLOR": "1"})
    found: dict[str, str] = {}

    def visit(words: tuple[str, ...]) -> None:
        shown = runner.invoke(app, [*words, "--help"], prog_name="stronghouse").output
        found[" ".join(words)] = shown.rstrip()
        listed = re.search(r"^Commands:\n((?:  .*\n?)+)", shown, re.MULTILINE)
        for name in re.findall(r"^  ([a-z][a-z-]*)", listed.group(1), re.MULTILINE) if listed else []:
            visit((*words, name))

    visit(())
    return found


def reference(helps: dict[str, str]) -> str:
    parts = [
        "# Command line",
        "",
        "Written by `make golden` from the commands themselves.",
        "",
    ]
    for words, text in helps.items():
        lines = [line.rstrip() for line in text.splitlines()]
        parts += [f"## `stronghouse{' ' if words else ''}{words}`", "", "```text", *lines, "```", ""]
    return "\n".join(parts)


def test_reference_is_what_the_commands_say_of_themselves() -> None:
    text = reference(commands())
    if os.environ.get("STRONGHOUSE_GOLDEN") == "write":
        REFERENCE.write_text(text)
    assert REFERENCE.read_text() == text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    text = page.read_text()
    missing = {
        target
        for target in LINK.findall(text)
        if not target.startswith(("https://", "mailto:")) and not (page.parent / target).exists()
    }
    assert not missing


def test_every_page_can_be_reached_from_the_first() -> None:
    seen: set[Path] = set()
    todo = [ROOT / "docs" / "index.md"]
    while todo:
        page = todo.pop()
        if page not in seen and page.suffix == ".md":
            seen.add(page)
            found = LINK.findall(page.read_text())
            todo += [(page.parent / target).resolve() for target in found if (page.parent / target).is_file()]
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} <= seen


def test_commands_and_targets_that_are_named_exist() -> None:
    known = set(commands())
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong = set()
    for page in PAGES:
        text = page.read_text()
        for words in COMMAND.findall(text):
            first = words.split()[0]
            has_children = any(name.startswith(f"{first} ") for name in known)
            if first not in known or (has_children and " " in words and words not in known):
                wrong.add(f"{page.name}: stronghouse {words}")
        wrong |= {f"{page.name}: make {name}" for name in TARGET.findall(text) if name not in targets}
    assert not wrong
