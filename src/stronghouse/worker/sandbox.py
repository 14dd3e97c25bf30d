"""What a worker may reach, and putting it in force. Standard library and pyseccomp only."""

import mimetypes
import os
import struct
import sys
import sysconfig
from pathlib import Path

from stronghouse.worker import landlock
from stronghouse.worker.landlock import EXECUTE, READ, READ_DIR, READ_FILE, READ_WRITE_FILE, Rule
from stronghouse.worker.privileges import become, drop_capabilities, limit_resources, others_may_pass, others_may_read
from stronghouse.worker.seccomp import load_filter
from stronghouse.worker.specification import LANDLOCK, SECCOMP, SEPARATE_UID, Launch, SandboxReport

SYSTEM = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", *mimetypes.knownfiles)
"""aiohttp reads the tables of MIME types when it is imported, and fails if one is there that it may not read."""
PROCESS_FILES = ("maps", "stat", "statm", "task")
"""Files of its own in /proc that the engine reads: the stack's place, its memory, and for each query what its threads
used. Where it may not read the last it throws and catches five errors a query, which takes 1.2 ms (measured)."""
MACHINE = ("/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/fs/cgroup", "/proc/meminfo", "/proc/cpuinfo")
PACKAGES = Path(__file__).resolve().parents[2]
"""The directory that this package was imported from."""
_PT_INTERP = 3


class SandboxError(Exception):
    """A confinement that cannot be had safely. The text is for the agent's log."""


def confine(launch: Launch) -> SandboxReport:
    """Confine this process for good, as far as the kernel can; says what it could not.

    Raises:
        SandboxError: a part that exists failed, or what is left would be unsafe.
    """
    version = landlock.abi()
    limit_resources()
    os.umask(0o077)
    if not Path(launch.data_directory).is_dir():
        raise SandboxError("the service's data directory is not there")
    try:
        separate = _change_user(launch, landlocked=version > 0)
        if version:
            landlock.restrict(allowed(Path(launch.data_directory), version), version=version)
    except OSError as error:
        raise SandboxError(f"the sandbox could not be put in force: {error}") from error
    filtered = _filter()
    parts = ((version > 0, LANDLOCK), (filtered, SECCOMP), (separate, SEPARATE_UID))
    return SandboxReport(version, filtered, separate, tuple(name for holds, name in parts if not holds))


def _change_user(launch: Launch, *, landlocked: bool) -> bool:
    if launch.uid is None:
        drop_capabilities()
        return False
    if os.geteuid() != 0:
        raise SandboxError("only root can start a worker as another user")
    blocked = [path for path in _python_paths() if path.exists() and not others_may_read(path)]
    if not others_may_pass(Path(launch.data_directory).parent):
        blocked.append(Path(launch.data_directory))
    if blocked and not landlocked:
        raise SandboxError(
            f"user {launch.uid} cannot reach {blocked[0]}, and without Landlock it cannot be given the right to: "
            "move it to where every user may pass"
        )
    become(launch.uid, read_search=bool(blocked))
    return True


def _filter() -> bool:
    try:
        load_filter()
    except (ImportError, OSError, RuntimeError):
        return False
    return True


def allowed(data_directory: Path, version: int) -> list[Rule]:
    """The files that a worker may reach. Only the interpreter can be run, and only its own data can be written."""
    own = Path("/proc") / str(os.getpid())
    rules = [Rule(data_directory, landlock.everything(version) & ~EXECUTE)]
    rules += [Rule(Path(path), READ) for path in (*SYSTEM, *MACHINE)]
    rules += [Rule(path, READ) for path in _python_paths()]
    rules.append(Rule(PACKAGES, READ_DIR))  # Python finds a package by listing the directory that holds it
    rules += [Rule(own / name, READ_FILE) for name in PROCESS_FILES]
    rules += [Rule(Path("/dev/null"), READ_WRITE_FILE), Rule(Path("/dev/urandom"), READ_FILE)]
    rules += [Rule(path, READ | EXECUTE) for path in _interpreter()]
    return rules


def _python_paths() -> list[Path]:
    """Python's own files, the installed packages, and this package."""
    scheme = sysconfig.get_paths()
    installed = {Path(scheme[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    shared = Path(sys.base_prefix) / "lib"
    configuration = Path(sys.prefix) / "pyvenv.cfg"
    return [Path(sys.executable), *sorted(installed), shared, configuration, PACKAGES / "stronghouse"]


def _interpreter() -> list[Path]:
    """The Python binary and the loader that its ELF header names: what exec has to open."""
    binary = Path(sys.executable).resolve()
    paths = [binary]
    with binary.open("rb") as file:
        header = file.read(64)
        offset, size, count = (*struct.unpack_from("<Q", header, 32), *struct.unpack_from("<HH", header, 54))
        for entry in range(count):
            file.seek(offset + entry * size)
            program = file.read(size)
            if struct.unpack_from("<I", program)[0] == _PT_INTERP:
                place, length = struct.unpack_from("<Q", program, 8)[0], struct.unpack_from("<Q", program, 32)[0]
                file.seek(place)
                paths.append(Path(os.fsdecode(file.read(length).rstrip(b"\0"))).resolve())
    return paths
