"""What pages show is run by tests/e2e/test_docs_examples.py or says why not, and output that differs is noticed."""

from datetime import date
from pathlib import Path

import pytest

from tests.support.page_examples import COMMANDS, FOR_READING, Block, Step, blocks, steps
from tests.support.shown_output import as_typed, learn

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "first-steps.md", *sorted((DOCS / "howto").glob("*.md"))]
BLOCKS = [block for page in PAGES for block in blocks(page)]
NOT_RUN = {
    "be-notified.md": ["it starts an installation, and one is running already"],
    "run-on-postgresql.md": [
        "it needs a server; tests/e2e/test_postgresql.py starts one and does the same",
        "it needs a server; tests/e2e/test_postgresql.py starts one and does the same",
        "it needs a server; tests/e2e/test_postgresql.py starts one and does the same",
    ],
    "trust-the-certificate.md": [
        "it changes what the browsers of whoever runs it trust, and its program is not installed everywhere"
    ],
}
ID, OTHER = "0bd3bb4c-6c23-4e4f-a0b5-7bd83a6f2d7e", "7fbe702c-683e-46b8-99bd-8757098f6e82"


def test_what_is_not_run_is_known_and_says_why() -> None:
    found: dict[str, list[str]] = {}
    for block in BLOCKS:
        for reason in block.all_said("not run"):
            found.setdefault(block.page.name, []).append(reason)
    assert found == NOT_RUN


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_every_block_that_a_reader_would_use_is_used(block: Block) -> None:
    if block.said("not run") is None and block.said("file") is None:
        assert block.language in (*COMMANDS, *FOR_READING), "save it with `<!-- file: name -->` and use it in a command"
        assert block.language not in COMMANDS or steps(block), "a transcript has commands, after `$ `"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.stem))
def test_every_comment_about_a_block_stands_before_one(page: Path) -> None:
    """A misspelt or misplaced comment would be ignored, and what it says not be done."""
    lines = page.read_text().splitlines()
    comments = [line for line in lines if line.startswith("<!--") and not line.startswith("<!-- screenshot: ")]
    assert len(comments) == sum(len(block.directives) for block in blocks(page))


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_every_fence_is_closed(page: Path) -> None:
    content = page.read_text()
    assert content.count("\n```") == 2 * len(list(blocks(page)))


def transcript(text: str, language: str = "console") -> list[Step]:
    return steps(Block(Path("page.md"), 1, language, text, ()))


def test_a_transcript_is_commands_and_what_they_print() -> None:
    found = transcript("$ one\nprinted\nmore\n$ two \\\n    --option\n$ cat <<'EOF'\n$ not a command\nEOF\nlast\n")
    assert found == [
        Step("one", ("printed", "more")),
        Step("two \\\n    --option", ()),
        Step("cat <<'EOF'\n$ not a command\nEOF", ("last",)),
    ]
    assert transcript("one\ntwo\n", "sh") == [Step("one", None), Step("two", None)]


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        (["state  running"], "state running\n"),
        (["rows 336,776 in 6.2 s"], "rows 12 in 0.31 s"),
        ([f"id {ID}", f"again {ID}"], f"id {OTHER}\nagain {OTHER}\n"),
        (["2026-11-25 00:54:06 UTC  x"], "2027-01-01 10:00:00 UTC  x"),
        (["first", "…", "last"], "first\nlast\n"),
        (["first", "…", "last"], "first\na\nb\nlast\n"),
        (["a … c"], "a b b c\n"),
        (["https://localhost:8445/"], "https://localhost:12005/"),
        (["secret  sh_9LDJFkb6UXx-xF0P9Pf9S4"], "secret  sh_QNDW4J5PGW_TniyaM-edi91"),
    ],
)
def test_output_that_differs_in_what_differs_each_time_is_as_shown(shown: list[str], printed: str) -> None:
    assert learn(tuple(shown), printed, {"8445": "12005"}) is not None


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        (["state  running"], "state  stopped"),
        (["one"], "one\ntwo"),
        (["one", "two"], "one"),
        (["first", "…", "last"], "first\nsomething"),
        ([f"id {ID}", f"again {ID}"], f"id {ID}\nagain {OTHER}\n"),
        (["https://localhost:8445/"], "https://localhost:8445/"),
        (["✓ check  pass"], "✗ check  pass"),
        ([f"id {ID}"], "id none"),
    ],
)
def test_output_that_says_something_else_is_not_as_shown(shown: list[str], printed: str) -> None:
    assert learn(tuple(shown), printed, {"8445": "12005"}) is None


def test_a_later_command_has_the_id_that_was_printed() -> None:
    known = learn((f"id {ID}",), f"id {OTHER}\n", {})
    assert known == {ID: OTHER}
    assert as_typed(f"get {ID} of {ID}-x", known, today=date(2026, 11, 25)) == f"get {OTHER} of {ID}-x"


def test_dates_in_commands_do_not_grow_old() -> None:
    typed = as_typed("--from 2026-11-25 --until 2026-12-01T00:00:00Z", {}, today=date(2027, 11, 25))
    assert typed == "--from 2027-11-25 --until 2027-12-01T00:00:00Z"
