"""The examples of the documentation, run page by page as a reader would who has just started Stronghouse."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.page_examples import COMMANDS, Block, Step, blocks, steps
from tests.support.shown_output import as_typed, learn
from tests.support.stack import PORTS, Stack, running_stack

pytestmark = pytest.mark.slow  # a whole installation, and every command of every page
ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [DOCS / "first-steps.md", *sorted((DOCS / "howto").glob("*.md"))]
FIRST_PORT = 8440  # what `stronghouse up` takes by default, and the pages show
HOME = "/home/ada"  # the pages' reader


@dataclass
class Reader:
    """A person with a shell, a home directory, and an installation that has just been started."""

    stack: Stack
    home: Path
    directory: Path
    known: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known |= {str(FIRST_PORT + n): str(self.stack.port_base + n) for n in range(PORTS)}
        self.known |= {f"{HOME}/.local/state/stronghouse": str(self.stack.state_dir), HOME: str(self.home)}
        self.shell = self.directory.parent / f"{self.directory.name}.environment"
        exports = {
            "HOME": str(self.home),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SSL_CERT_FILE": self.stack.ca_file,
            "STRONGHOUSE_API_URL": self.stack.api_url,
            "STRONGHOUSE_CA_FILE": self.stack.ca_file,
            "STRONGHOUSE_KEY_ID": self.stack.api_key_id,
            "STRONGHOUSE_KEY_SECRET": self.stack.api_key_secret,
        }
        self.shell.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in exports.items()))

    def follow(self, block: Block) -> None:
        """Do what a block shows."""
        for command in block.all_said("given"):
            self.type(command, where=block.where)
        name = block.said("file")
        if name is not None:
            (self.directory / name).write_text(as_typed(block.text, self.known))
        elif block.said("output of") is not None:
            (only,) = steps(block)
            self.compare(block, only, (self.stack.state_dir.parent / "up.log").read_text())
        elif block.language in COMMANDS and block.said("not run") is None:
            self.run(block)

    def run(self, block: Block) -> None:
        """Each command of a block; the last one may have input, or fail on purpose."""
        todo = steps(block)
        for step in todo:
            last = step is todo[-1]
            code = int(block.said("exit") or 0) if last else 0
            printed = self.type(step.command, where=block.where, code=code, given=block.said("stdin") if last else None)
            self.compare(block, step, printed)

    def type(self, command: str, *, where: str, code: int = 0, given: str | None = None) -> str:
        """What a command prints. What it exports, the next one knows."""
        typed = as_typed(command, self.known)
        script = f"source {self.shell}\n{typed}\ncode=$?\nexport -p >{self.shell}\nexit $code"
        done = subprocess.run(
            ["/bin/bash", "-c", script],
            cwd=self.directory,
            env={},
            input=as_typed(given, self.known) + "\n" if given else "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == code, f"{where}: {typed}\n{done.stdout}"
        return done.stdout

    def compare(self, block: Block, step: Step, printed: str) -> None:
        """Remember the ids of what is shown; it must be what was printed."""
        if step.shown is None or not step.shown:
            return
        learned = learn(step.shown, printed, self.known)
        shown = "\n".join(step.shown)
        assert learned is not None, f"{block.where}: {step.command}\nshown:\n{shown}\n\nprinted:\n{printed}"
        self.known |= learned


@pytest.fixture(scope="module")
def new_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """As after `make run`, with the demo's service."""
    with running_stack(tmp_path_factory.mktemp("docs"), demo=True) as running:
        yield running


@pytest.fixture
def reader(new_stack: Stack, tmp_path: Path) -> Reader:
    home, directory = tmp_path / "home", tmp_path / "work"
    directory.mkdir()
    state, keys = home / ".local" / "state" / "stronghouse", home / ".config" / "stronghouse"
    state.parent.mkdir(parents=True)
    state.symlink_to(new_stack.state_dir)
    keys.mkdir(parents=True, mode=0o700)
    for key in new_stack.machine_key.parent.glob("machine.key*"):
        (keys / key.name).symlink_to(key)
    return Reader(new_stack, home, directory)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.stem))
def test_the_examples_of_a_page_do_what_it_shows(reader: Reader, page: Path) -> None:
    for block in blocks(page):
        reader.follow(block)
