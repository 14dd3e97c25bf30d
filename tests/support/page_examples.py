"""The examples of a documentation page, taken apart into what a reader would type and what the page shows for it.

Blocks in ```console are transcripts: lines that begin with `$ ` are commands, the others are what they print. Lines in
```sh are commands whose output is not shown. Every command must end with exit code 0, unless a comment says otherwise.
Comments, which a reader does not see, stand right before a block, one a line:

    <!-- not run: why -->      it is only shown
    <!-- exit: 1 -->           the exit code of the block's last command
    <!-- given: command -->    run first: what the reader has and a test has not
    <!-- stdin: text -->       what the reader types when the block's last command asks
    <!-- file: name -->        the block is saved under this name
    <!-- output of: up -->     the installation that the test started prints this

How output is compared: tests/support/shown_output.py. The tests: tests/e2e/test_docs_examples.py, which runs them, and
tests/meta/test_page_examples.py.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(?P<info>.*)\n(?P<text>(?:.*\n)*?)^```$", re.MULTILINE)
COMMENTS = re.compile(r"(?:^<!-- .* -->\n)+\Z", re.MULTILINE)
DIRECTIVE = re.compile(r"^<!-- (not run|exit|given|stdin|file|output of): (.*) -->$", re.MULTILINE)
COMMANDS = ("console", "sh")
FOR_READING = ("text", "json", "yaml", "")  # nobody would paste these into a shell


@dataclass(frozen=True)
class Block:
    """A fenced block and the comments before it."""

    page: Path
    line: int
    language: str
    text: str
    directives: tuple[tuple[str, str], ...]

    @property
    def where(self) -> str:
        """For messages."""
        return f"{self.page.name}:{self.line}"

    def said(self, name: str) -> str | None:
        """What a comment says, or None where there is no such comment."""
        return dict(self.directives).get(name)

    def all_said(self, name: str) -> list[str]:
        """What each of the comments of a kind says."""
        return [value for kind, value in self.directives if kind == name]


@dataclass(frozen=True)
class Step:
    """A command and the lines that are shown below it; None where its output is not shown."""

    command: str
    shown: tuple[str, ...] | None


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page, in order."""
    content = page.read_text()
    for found in FENCE.finditer(content):
        before = COMMENTS.search(content[: found.start()])
        directives = tuple(DIRECTIVE.findall(before.group())) if before else ()
        language = (found["info"].split() or [""])[0]
        yield Block(page, content.count("\n", 0, found.start()) + 1, language, found["text"], directives)


def steps(block: Block) -> list[Step]:
    """The commands of a block, in order. A block may go on with the output of the one before it."""
    lines = block.text.splitlines()
    if block.language == "sh":
        return [Step(command, None) for command, _ in _commands([f"$ {line}" for line in lines], lines)]
    return [Step(command, tuple(shown)) for command, shown in _commands(lines, lines)]


def _commands(prompted: list[str], lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    command, shown = "", list[str]()
    for marked, line in zip(prompted, lines, strict=True):
        if command and _goes_on(command):
            command += f"\n{line}"
        elif marked.startswith("$ "):
            if command:
                yield command, shown
            command, shown = marked[2:], []
        else:
            shown.append(line)
    if command:
        yield command, shown


def _goes_on(command: str) -> bool:
    """Whether the next line belongs to this command: after a backslash, and inside a here document."""
    opened = re.search(r"<<'?(\w+)'?", command)
    return command.endswith("\\") or (
        opened is not None and re.search(rf"^{opened[1]}$", command, re.MULTILINE) is None
    )
