"""Breaking a running installation from outside, and following what it prints to mend it.

A misconfiguration is applied with the means of an intruder or of a careless administrator: files, the database, the
machine; never through the product. What must find it is named before it is tried.
"""

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.stack import Stack, running_stack

import stronghouse

Failing = frozenset[tuple[str, str]]
"""Check and resource of everything that is not as it should be."""
SETTLE_SECONDS = 1.0
BAD = frozenset({"fail", "error", "manual", "stale"})


@dataclass(frozen=True)
class Fix:
    """A command that the check's remediation must print, word for word, and what to put in the place of its names.

    `<PATH>` or `PATH` are names; `stronghouse …` is run as the user would run it.
    """

    printed: str
    names: Mapping[str, str] = field(default_factory=dict)

    def command(self) -> str:
        """The command as a user would type it."""
        names = "|".join(map(re.escape, self.names))
        return re.sub(rf"<?\b({names})\b>?", lambda match: self.names[match[1]], self.printed)


@dataclass(frozen=True)
class Misconfiguration:
    """One thing that somebody may do.

    Attributes:
        name: what was done, in words.
        breaks: does it.
        found_by: ids of the checks that must find it; no other may change.
        fixes: commands of the remediation of these checks, in their order.
        acts: what the remediation asks for besides commands.
        asks_for: words of the remediation by which it asks for these acts; it must print them.
        looked_at: checks to run; None for all of them.
    """

    name: str
    breaks: Callable[["Installation"], object]
    found_by: frozenset[str]
    fixes: Callable[["Installation"], list[Fix]] = lambda _installation: []
    acts: Callable[["Installation"], object] = lambda _installation: None
    asks_for: str = ""
    looked_at: frozenset[str] | None = None


class Installation:
    """A running installation that can be looked at, mended and restarted."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.host_root = directory / "host"
        self.program = directory / "program"
        self.remembered: dict[str, Any] = {}
        self._running: contextlib.ExitStack = contextlib.ExitStack()
        self._stack: Stack | None = None

    @classmethod
    @contextlib.contextmanager
    def start(cls, directory: Path, furnish: Callable[[Path], object]) -> Iterator["Installation"]:
        """A new installation on a machine whose root is made by `furnish`; stopped at the end."""
        installation = cls(directory)
        # A copy of the program of its own, so that somebody may tamper with it.
        shutil.copytree(
            Path(stronghouse.__file__).parent,
            installation.program / "stronghouse",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        furnish(installation.host_root)
        with installation:
            yield installation

    def __enter__(self) -> "Installation":
        self._up()
        return self

    def __exit__(self, *_error: object) -> None:
        self._running.close()

    @property
    def stack(self) -> Stack:
        """The running processes."""
        assert self._stack is not None
        return self._stack

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.stack.state_dir

    def restart(self) -> None:
        """Stop it and run `stronghouse up` again."""
        self._running.close()
        self._up()

    def settle(self) -> None:
        """Wait until the edge has read a file that was changed under it."""
        time.sleep(SETTLE_SECONDS)

    def look(self, check_ids: frozenset[str] | None = None) -> Failing:
        """Run checks and say what is not as it should be; of all checks if none are named."""
        for check_id in sorted(check_ids) if check_ids else [None]:
            scope = ("--id", check_id) if check_id else ()
            self.stronghouse("check", *scope, "--json", allowed=(0, 1))
        found = failing(self.matrix())
        return frozenset(one for one in found if check_ids is None or one[0] in check_ids)

    def matrix(self) -> dict[str, Any]:
        """The matrix document."""
        return dict(self.stack.api("GET", "/responsibilities"))

    def follow(self, case: Misconfiguration) -> None:
        """Do what the remediation of the checks that found it says."""
        known = checks(self.matrix())
        printed = " ".join(known[check_id]["remediation"] for check_id in sorted(case.found_by) if check_id in known)
        for fix in case.fixes(self):
            assert f"`{fix.printed}`" in printed, f"no remediation prints {fix.printed!r}: {printed}"
            self.shell(fix.command())
        case.acts(self)

    def shell(self, command: str) -> None:
        """Run a command as a user of this installation would."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            env={**self._environment(), "PATH": path},
            input="y\n",  # what is destroyed asks first
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout} {done.stderr}"

    def stronghouse(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
        """What the command line prints."""
        done = subprocess.run(
            [sys.executable, "-m", "stronghouse", *arguments],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode in allowed, f"{arguments}: {done.stdout} {done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """The control plane's database, past the control plane; what is done there is committed at the end."""
        with contextlib.closing(sqlite3.connect(self.state / "control" / "control.db", timeout=20)) as connection:
            yield connection
            connection.commit()

    def _up(self) -> None:
        self._running = contextlib.ExitStack()
        self._stack = self._running.enter_context(
            running_stack(
                self.directory,
                credentials_of=self._stack,
                environment={"STRONGHOUSE__HOST__ROOT": str(self.host_root)},
                program_directory=self.program,
            )
        )

    def _environment(self) -> dict[str, str]:
        """What `stronghouse up` tells its user to export."""
        stack = self.stack
        return {
            "HOME": str(self.directory),
            "PATH": os.environ["PATH"],
            "STRONGHOUSE_API_URL": stack.api_url,
            "STRONGHOUSE_KEY_ID": stack.api_key_id,
            "STRONGHOUSE_KEY_SECRET": stack.api_key_secret,
            "STRONGHOUSE_CA_FILE": stack.ca_file,
        }


def failing(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Check and resource of every result in a matrix document that is bad; of a place where nobody could look too."""
    for check in checks(document).values():
        for place in check["places"]:
            if place["state"] in BAD - {"fail", "manual"}:
                yield check["id"], place["place"]
            for result in place["results"]:
                if result["state"] in BAD:
                    yield check["id"], result["resource"]


def checks(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every check of a matrix document by its id."""
    return {
        check["id"]: check for row in document["rows"] for control in row["controls"] for check in control["checks"]
    }


def edit_json(path: Path, change: Callable[[Any], object]) -> None:
    """Change a JSON file in the way of an editor: a new file under the old name."""
    document = json.loads(path.read_text())
    change(document)
    new = path.with_name(path.name + ".edited")
    new.write_text(json.dumps(document))
    new.chmod(path.stat().st_mode & 0o777)
    new.replace(path)
