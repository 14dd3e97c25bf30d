"""The system call filter: what an engine never needs answers EACCES, for the rest of the process's life.

Landlock lets a process reach other Unix sockets and send UDP (measured); this filter does not let it make a socket.
"""

import contextlib
import ctypes.util
import errno
import os
import socket

CALLS = (
    # new sockets, and names for old ones
    *("socket", "connect", "bind"),
    # other processes
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd", "pidfd_send_signal"),
    *("rt_sigqueueinfo", "rt_tgsigqueueinfo", "tkill"),
    # the kernel's larger surfaces
    *("bpf", "userfaultfd", "perf_event_open", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("keyctl", "add_key", "request_key", "personality", "modify_ldt", "lookup_dcookie", "fanotify_init"),
    # name spaces, mounts, files by handle
    *(
        "unshare",
        "setns",
        "mount",
        "umount2",
        "mount_setattr",
        "move_mount",
        "open_tree",
        "fsopen",
        "fsconfig",
        "fsmount",
    ),
    *(
        "fspick",
        "pivot_root",
        "chroot",
        "open_by_handle_at",
        "name_to_handle_at",
        "quotactl",
        "acct",
        "swapon",
        "swapoff",
    ),
    # the machine
    *("kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "syslog"),
    *("settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "iopl", "ioperm"),
)
_SOCKET_TYPE_MASK = 0xF
_OTHER_SOCKET_TYPES = (socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_RDM, socket.SOCK_SEQPACKET, 6, 10)


def load_filter() -> None:
    """Load the filter for this process, what it becomes and what it starts.

    Raises:
        ImportError, OSError, RuntimeError: libseccomp or the kernel's part is missing.
    """
    # pyseccomp asks `find_library`, which runs ldconfig and a compiler; the names are known.
    find = ctypes.util.find_library
    ctypes.util.find_library = _known_library
    try:
        import pyseccomp  # noqa: PLC0415 - needs a library of the system; without it the report says so
    finally:
        ctypes.util.find_library = find

    refuse = pyseccomp.ERRNO(errno.EACCES)
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in CALLS:
        try:
            number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
        except (ValueError, OSError):
            continue  # unknown to this libseccomp
        if number >= 0:
            rules.add_rule(refuse, name)
    # An unconnected pair could be pointed at a name; the event loop needs stream pairs, which cannot.
    for kind in _OTHER_SOCKET_TYPES:
        rules.add_rule(refuse, "socketpair", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, _SOCKET_TYPE_MASK, kind))
    # Signals to itself only. The process id stays the same when it becomes the worker.
    for name in ("kill", "tgkill"):
        rules.add_rule(refuse, name, pyseccomp.Arg(0, pyseccomp.NE, os.getpid()))
    with contextlib.suppress(OSError):  # libseccomp before 2.5: a list instead of a tree, slower but the same
        rules.set_attr(pyseccomp.Attr.CTL_OPTIMIZE, 2)
    rules.load()


def _known_library(name: str) -> str | None:
    return {"seccomp": "libseccomp.so.2"}.get(name)
