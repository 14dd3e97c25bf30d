"""Landlock by system call: an allow-list of files, no TCP, no signals and no abstract sockets beyond the sandbox.

Numbers and structures: Linux, include/uapi/linux/landlock.h. The system calls have the same numbers everywhere.
"""

import ctypes
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1
PR_SET_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
_FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
# Rights of the first version: execute, write, read, list, and eight to make and remove names (bits 4 to 12).
_FIRST_RIGHTS = (1 << 13) - 1
_LATER_RIGHTS = {2: 1 << 13, 3: TRUNCATE, 5: IOCTL_DEV}
_TCP, _TCP_SINCE = 0b11, 4  # bind and connect
_SCOPES, _SCOPES_SINCE = 0b11, 6  # abstract Unix sockets and signals

READ = READ_FILE | READ_DIR
READ_WRITE_FILE = READ_FILE | WRITE_FILE
_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


@dataclass(frozen=True)
class Rule:
    """A path with the rights that hold for it and below it."""

    path: Path
    rights: int


def abi() -> int:
    """The kernel's Landlock version; 0 when it has none or it is switched off."""
    version: int = _libc.syscall(CREATE_RULESET, None, 0, CREATE_RULESET_VERSION)
    return max(version, 0)


def everything(version: int) -> int:
    """All rights over files that `version` knows."""
    rights = _FIRST_RIGHTS
    for since, right in _LATER_RIGHTS.items():
        if version >= since:
            rights |= right
    return rights


def restrict(rules: Iterable[Rule], *, version: int) -> None:
    """Confine this thread, and what it becomes and starts, to `rules`. Paths that cannot be found are passed over.

    Call it while the process has one thread. Raises OSError.
    """
    handled = everything(version)
    attributes = _Ruleset(handled, _TCP if version >= _TCP_SINCE else 0, _SCOPES if version >= _SCOPES_SINCE else 0)
    # Older kernels know a shorter structure, and accept a longer one only if the rest is zero, as it is here.
    ruleset = _checked(_libc.syscall(CREATE_RULESET, ctypes.byref(attributes), ctypes.sizeof(attributes), 0))
    try:
        for rule in rules:
            _add(ruleset, rule, handled)
        _checked(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(_libc.syscall(RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _add(ruleset: int, rule: Rule, handled: int) -> None:
    try:
        descriptor = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    try:
        rights = rule.rights & handled
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _FILE_RIGHTS
        attributes = _PathBeneath(rights, descriptor)
        _checked(_libc.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.byref(attributes), 0))
    finally:
        os.close(descriptor)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
