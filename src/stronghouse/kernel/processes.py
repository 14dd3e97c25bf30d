"""The one place that starts processes: list arguments, no shell, a fixed environment, dies with its parent.

A secret never goes in an argument or in the environment: pass it over an inherited descriptor.
"""

import ctypes
import resource
import signal
import subprocess  # noqa: TID251 - this module is the one home of subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

Process = subprocess.Popen  # the handle that `spawn` returns
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Completed:
    """What a finished command left."""

    returncode: int
    stdout: str
    stderr: str


def die_with_parent(sig: int = signal.SIGKILL) -> None:
    """Ask the kernel to send this process `sig` when the thread that started it ends (prctl PR_SET_PDEATHSIG)."""
    _libc.prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0)


def spawn(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path | None = None,
    pass_descriptors: Sequence[int] = (),
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
    before_exec: Callable[[], None] | None = None,
    parent_death_signal: int = signal.SIGKILL,
) -> "subprocess.Popen[bytes]":
    """Start a long-running child in a session of its own; it is sent `parent_death_signal` if this process dies.

    Call it from a thread that lives as long as the child should: the kernel watches the thread, not the process.
    """

    def prepare() -> None:
        die_with_parent(parent_death_signal)
        if before_exec is not None:
            before_exec()

    return subprocess.Popen(  # noqa: S603 - list arguments, chosen by us
        list(arguments),
        env=dict(environment),
        cwd=directory,
        pass_fds=tuple(pass_descriptors),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        preexec_fn=prepare,  # noqa: PLW1509 - the parent is single-threaded when it spawns, or the child only calls prctl
    )


def forbid_core_files() -> None:
    """Let this process and its children leave no core file: what is in memory must not end up on disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout: float,
    stdin: bytes | None = None,
    directory: Path | None = None,
) -> Completed:
    """Run a command to its end and return what it printed; raises TimeoutError after `timeout` seconds."""
    try:
        done = subprocess.run(  # noqa: S603 - list arguments, chosen by us
            list(arguments),
            env=dict(environment),
            input=stdin,
            cwd=directory,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{arguments[0]} did not finish within {timeout} s") from error
    return Completed(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
