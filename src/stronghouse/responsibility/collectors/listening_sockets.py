"""Which TCP sockets a process and all its descendants listen on, as the kernel tells."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from stronghouse.edge.sockets import Listening, listening
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock
from stronghouse.responsibility.facts import Facts, Resource

VERSION = 1
METHOD = (
    "Sockets in state LISTEN of /proc/<pid>/net/tcp and tcp6 whose inode the process or a descendant of it has open."
)
_PROC = Path("/proc")
_SECCOMP_FILTER = "2"  # proc(5): a filter is in force


def collect_listening_sockets(*, target: str, clock: Clock, root: int | None = None) -> Facts:
    """Facts about process `root` (this one if None) and its descendants.

    One resource for each program, whose name outlives its processes; those of one name are taken together.
    """
    collected_at = clock.now()
    programs: dict[str, _Program] = {}
    for pid in _tree(os.getpid() if root is None else root):
        _add(programs, pid)
    return Facts(
        collector="listening_sockets",
        version=VERSION,
        method=METHOD,
        target=target,
        collected_at=collected_at,
        resources=tuple(_resource(name, program) for name, program in sorted(programs.items())),
    )


@dataclass
class _Program:
    """The processes of one name. Those that hide their descriptors are counted by whether a seccomp filter is on."""

    processes: int = 0
    hidden: int = 0
    hidden_in_sandbox: int = 0
    sockets: set[Listening] = field(default_factory=set)


def _add(programs: dict[str, _Program], pid: int) -> None:
    try:
        name = (_PROC / str(pid) / "comm").read_text().strip()
        sandboxed = _status(pid).get("Seccomp") == _SECCOMP_FILTER
        sockets = _sockets(pid)
    except (FileNotFoundError, ProcessLookupError):
        return  # ended meanwhile
    program = programs.setdefault(name, _Program())
    program.processes += 1
    if sockets is not None:
        program.sockets.update(sockets)
    elif sandboxed:
        program.hidden_in_sandbox += 1
    else:
        program.hidden += 1


def _resource(name: str, program: _Program) -> Resource:
    shown: list[Json] = [{"address": one.address, "port": one.port} for one in sorted(program.sockets)]
    return Resource(
        {
            "id": f"process/{name}",
            "kind": "process",
            "processes": program.processes,
            "hidden": program.hidden,
            "hidden_in_sandbox": program.hidden_in_sandbox,
            "sockets": shown,
        }
    )


def _sockets(pid: int) -> tuple[Listening, ...] | None:
    try:
        return listening(pid)
    except PermissionError:  # a process that hides its descriptors, as a sandboxed worker may
        return None


def _status(pid: int) -> dict[str, str]:
    lines = (_PROC / str(pid) / "status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _tree(root: int) -> list[int]:
    parents: dict[int, int] = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int(_status(int(folder.name))["PPid"])
            except (FileNotFoundError, ProcessLookupError):
                continue
    found = [root]
    for pid in found:  # grows while it is walked: children of children
        found.extend(child for child, parent in parents.items() if parent == pid)
    return found
