"""Becoming a user of one's own with no rights: no groups, no capabilities, no way to get any back.

Numbers: Linux, include/uapi/linux/capability.h and prctl.h.
"""

import ctypes
import os
import resource
from pathlib import Path

CAP_DAC_READ_SEARCH = 2
_LAST_CAPABILITY = 63
_CAPABILITY_VERSION_3 = 0x20080522
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_CAP_AMBIENT = 1, 4, 8, 24, 47
PR_CAP_AMBIENT_RAISE, PR_CAP_AMBIENT_CLEAR_ALL = 2, 4
SIGKILL = 9
MAX_OPEN_FILES = 65_536
_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def limit_resources() -> None:
    """No core dumps, which would hold rows and the data key; enough open files for many parts."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


def become(uid: int, *, read_search: bool) -> None:
    """Become user and group `uid`, for good. `read_search`: keep CAP_DAC_READ_SEARCH, and nothing else, over exec.

    Raises OSError.
    """
    _drop_bounding(keep=CAP_DAC_READ_SEARCH if read_search else None)
    _checked(_libc.prctl(PR_SET_KEEPCAPS, int(read_search), 0, 0, 0))
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    _set_capabilities(1 << CAP_DAC_READ_SEARCH if read_search else 0)
    if read_search:
        _checked(_libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0))
    else:
        _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)


def drop_capabilities() -> None:
    """Stay who we are, root included, with no capability; raises OSError."""
    _drop_bounding(keep=None)
    _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    _set_capabilities(0)


def die_with(parent: int) -> None:
    """End when the thread that started this process does; at once if `parent` is gone. Lost at a change of user."""
    _checked(_libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
    if os.getppid() != parent:
        raise SystemExit("the process that started this one is gone")


def hide_memory() -> None:
    """No core dump, no tracer of the same user. Lost at exec."""
    _checked(_libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))


def others_may_pass(path: Path) -> bool:
    """Whether the directory `path` and every one above it let any user through (o+x)."""
    real = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (real, *real.parents))


def others_may_read(path: Path) -> bool:
    """Whether any user may read `path`."""
    real = path.resolve()
    return others_may_pass(real if real.is_dir() else real.parent) and bool(real.stat().st_mode & 0o004)


def _drop_bounding(*, keep: int | None) -> None:
    for capability in range(_LAST_CAPABILITY + 1):
        if capability != keep:
            _libc.prctl(
                PR_CAPBSET_DROP, capability, 0, 0, 0
            )  # fails for those that the kernel or the user does not have


def _set_capabilities(mask: int) -> None:
    sets = (_Sets * 2)(_Sets(mask, mask, mask), _Sets(0, 0, 0))
    _checked(_libc.capset(ctypes.byref(_Header(_CAPABILITY_VERSION_3, 0)), sets))


def _checked(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
