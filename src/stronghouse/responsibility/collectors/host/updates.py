"""Pending security updates, the age of what is known about them, and whether a restart is owed."""

import os
import re
import time

from stronghouse.kernel.canonical import Json
from stronghouse.responsibility.collectors.host.subject import Subject
from stronghouse.responsibility.collectors.host.view import HostView

METHOD = (
    "`apt-get -s --ignore-hold dist-upgrade`, which names the suite of every package it would install; the newest of "
    "apt's success stamps and the time of /var/lib/apt/lists; reboot-required; the running kernel against "
    "/boot/vmlinuz-*."
)
APT_SECONDS = 45.0
MAX_NAMED = 30
SECONDS_PER_DAY = 86_400
_INSTALL = re.compile(r"^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) ([^\[)]*)")
_STAMPS = ("/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists")
_RESTART = ("/run/reboot-required", "/var/run/reboot-required")


def updates(view: HostView, _subject: Subject) -> dict[str, Json]:
    """Fields of the resource."""
    pending, problem = _pending(view)
    named: list[Json] = [*pending[:MAX_NAMED]]
    kernels = [name.removeprefix("vmlinuz-") for name in view.names("/boot") if name.startswith("vmlinuz-")]
    return {
        "apt": view.status("/usr/bin/apt-get") is not None,
        "container": view.container(),
        "problem": problem,
        "security_sources": _security_sources(view),
        "rolling": "VERSION_ID=" not in (view.text("/etc/os-release") or ""),
        "pending": len(pending),
        "named": named,
        "lists_age_days": _lists_age_days(view),
        "restart_required": any(view.status(path) for path in _RESTART),
        "kernel": os.uname().release,
        "kernels": [*sorted(kernels, key=_version)],
    }


def _pending(view: HostView) -> tuple[list[str], str | None]:
    program = view.command("apt-get")
    if program is None or view.status("/usr/bin/apt-get") is None:
        return [], "there is no apt-get"
    root = [] if view.is_own else ["-o", f"RootDir={view.root}"]
    # A package on hold is as open as any other.
    command = [program, "-s", "-q", "--ignore-hold", "-o", "Debug::NoLocking=true"]
    said = view.output([*command, *root, "dist-upgrade"], timeout=APT_SECONDS)
    return pending_security(said.text), said.problem


def pending_security(simulation: str) -> list[str]:
    """The packages that `apt-get -s` would install from a security suite, as in `libc6 2.36-9`."""
    found = (_INSTALL.match(line) for line in simulation.splitlines())
    return [f"{one[1]} {one[2]}"[:120] for one in found if one and "security" in one[3].lower()]


def _security_sources(view: HostView) -> int:
    names = view.names("/var/lib/apt/lists")
    return sum("security" in name.lower() and name.endswith(("_InRelease", "_Release")) for name in names)


def _lists_age_days(view: HostView) -> int | None:
    times = [status.st_mtime for status in map(view.status, _STAMPS) if status is not None]
    return max(0, int((time.time() - max(times)) // SECONDS_PER_DAY)) if times else None


def _version(release: str) -> list[tuple[int, str]]:
    """A key that puts 6.1.0-10 behind 6.1.0-9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", release) if part]
