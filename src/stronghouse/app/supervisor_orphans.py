"""No process outlives the supervisor: descendants whose parent died become its own children, and are ended.

Children ask the kernel to die with their parent (kernel.processes); this is the second net, for what they start.
"""

import contextlib
import ctypes
import os
import signal
from collections.abc import Collection, Iterator
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
PROC = Path("/proc")


def adopt_orphans() -> None:
    """Make this process the new parent of every orphaned descendant (prctl PR_SET_CHILD_SUBREAPER)."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid: int) -> list[int]:
    """The processes that a process started and that still exist, also those that ended and were not waited for."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in (PROC / str(pid) / "task").iterdir():
            found.extend(int(child) for child in (thread / "children").read_text().split())
    return found


def descendants(pid: int) -> Iterator[int]:
    """Every process below one, parents before children."""
    for child in children(pid):
        yield child
        yield from descendants(child)


def reap(known: Collection[int]) -> None:
    """Take the exit status of adopted processes that ended. `known` are waited for by whoever started them."""
    for child in children(os.getpid()):
        if child not in known:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)


def end_all() -> list[int]:
    """Kill whatever is left below this process; the ids of what had to be killed."""
    killed: list[int] = []
    for _ in range(10):  # a killed parent's children are adopted in the next round
        left = [child for child in children(os.getpid()) if _is_alive(child)]
        if not left:
            break
        for child in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)
        killed.extend(left)
    return killed


def name(pid: int) -> str:
    """The name of a process, or an empty text when it is gone."""
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def _is_alive(pid: int) -> bool:
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False
