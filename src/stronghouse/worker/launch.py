"""The stage between the agent and a worker, `python -m stronghouse.worker.launch`: confines itself, then becomes it.

It runs one thread and none of the packages that a worker needs, so that nothing is loaded before it is confined.
"""

import dataclasses
import json
import os
import sys

from stronghouse.worker.privileges import die_with
from stronghouse.worker.sandbox import PACKAGES, SandboxError, confine
from stronghouse.worker.specification import Launch

PYTHON_FLAGS = ("-s", "-P", "-B")
"""No user site directory, no current directory on the path, no compiled files written."""


def command(module: str, launch: Launch) -> list[str]:
    """The command line that runs `module` with `launch`. Nothing in it is secret."""
    return [sys.executable, *PYTHON_FLAGS, "-m", module, json.dumps(launch.to_json())]


def environment(launch: Launch) -> dict[str, str]:
    """All that is in the environment of a worker: where its packages are, and a neutral place and language."""
    return {
        "PYTHONPATH": str(PACKAGES),
        "TZ": "UTC",
        "LANG": "C.UTF-8",
        "HOME": launch.data_directory,
        # Memory that bodies of requests took goes back to the machine: 335 MB instead of 955 are kept after 60 forms of
        # 60 MB (measured).
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_MMAP_THRESHOLD_": "1048576",
    }


def main(arguments: list[str]) -> None:
    """Confine and become; returns only by raising SystemExit, with a sentence on standard error."""
    launch = Launch.from_json(json.loads(arguments[1]))
    die_with(launch.parent)
    try:
        report = confine(launch)
    except SandboxError as error:
        raise SystemExit(str(error)) from error
    die_with(launch.parent)  # a change of user undoes it
    os.execv(sys.executable, command(launch.module, dataclasses.replace(launch, sandbox=report)))  # noqa: S606 - our own interpreter and module


if __name__ == "__main__":
    main(sys.argv)
