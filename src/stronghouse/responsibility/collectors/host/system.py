"""The kernel, its settings, the clock, core dumps, and who owns the files that security rests on."""

import os
import stat

from stronghouse.kernel.canonical import Json
from stronghouse.responsibility.collectors.host.clock_state import clock_state
from stronghouse.responsibility.collectors.host.disk import disk_below
from stronghouse.responsibility.collectors.host.subject import Subject
from stronghouse.responsibility.collectors.host.view import HostView

METHOD = (
    "os-release, /proc/sys, /proc/self/limits, adjtimex(2), the chain of block devices from /proc/self/mountinfo "
    "through /sys/dev/block, and stat(2) of named files, of everything in /etc and of the directories in PATH."
)
SYSCTLS = [
    "kernel.randomize_va_space",
    "kernel.kptr_restrict",
    "kernel.dmesg_restrict",
    "kernel.yama.ptrace_scope",
    "kernel.unprivileged_bpf_disabled",
    "fs.protected_hardlinks",
    "fs.protected_symlinks",
    "fs.protected_fifos",
    "fs.protected_regular",
    "fs.suid_dumpable",
]
NETWORK_SYSCTLS = [
    "net.ipv4.conf.all.accept_redirects",
    "net.ipv4.conf.all.secure_redirects",
    "net.ipv4.conf.all.send_redirects",
    "net.ipv4.conf.all.accept_source_route",
    "net.ipv4.conf.all.rp_filter",
    "net.ipv4.conf.default.rp_filter",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.icmp_echo_ignore_broadcasts",
    "net.ipv6.conf.all.accept_redirects",
    "net.ipv6.conf.all.accept_source_route",
]
PRIVATE = ("/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/gshadow-", "/etc/sudoers")
OWNED = [
    "/etc/passwd",
    "/etc/group",
    "/etc/ssh/sshd_config",
    "/etc/ssh",
    "/etc/sudoers.d",
    "/etc/crontab",
    "/etc/cron.d",
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/cron.monthly",
    "/etc/pam.d",
    "/etc/systemd/system",
    "/etc/ld.so.preload",
    "/root",
]
PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
MAX_WALKED = 20_000
MAX_NAMED = 20
MAX_DEPTH = 8


def system(view: HostView, subject: Subject) -> dict[str, Json]:
    """Fields of the resource."""
    release = _os_release(view)
    names = [*SYSCTLS, *NETWORK_SYSCTLS] if view.is_own else SYSCTLS
    settings: dict[str, Json] = {name: _sysctl(view, name) for name in names}
    walked, writable, complete = _writable_below(view, "/etc")
    shown: list[Json] = [*writable[:MAX_NAMED]]
    return {
        "distribution": release.get("PRETTY_NAME"),
        "kernel": os.uname().release,
        "container": view.container(),
        "own": view.is_own,
        "sysctls": settings,
        "interfaces": [name for name in view.names("/sys/class/net") if name != "lo"] if view.is_own else None,
        "core_pattern": _sysctl(view, "kernel.core_pattern"),
        "core_limit": _core_limit(),
        "clock": clock_state(view),
        "disk": disk_below(subject.state_directory),
        "files": [*_files(view, "private", PRIVATE), *_files(view, "private", _host_keys(view)),
                  *_files(view, "owned", OWNED), *_files(view, "path", PATH)],
        "etc_walked": walked,
        "etc_complete": complete,
        "etc_writable": shown,
        "etc_writable_count": len(writable),
    }  # fmt: skip


def _os_release(view: HostView) -> dict[str, str]:
    lines = (view.text("/etc/os-release") or view.text("/usr/lib/os-release") or "").splitlines()
    return {name: value.strip().strip("\"'")[:200] for name, _, value in (line.partition("=") for line in lines)}


def _sysctl(view: HostView, name: str) -> str | None:
    value = view.text(f"/proc/sys/{name.replace('.', '/')}", limit=4096)
    return None if value is None else value.strip()[:200]


def _core_limit() -> str | None:
    """The soft limit of this process, which its children inherit: `0`, a number of bytes or `unlimited`."""
    for line in (HostView().text("/proc/self/limits") or "").splitlines():
        if line.startswith("Max core file size"):
            return line.removeprefix("Max core file size").split()[0]
    return None


def _host_keys(view: HostView) -> list[str]:
    return [
        f"/etc/ssh/{name}" for name in view.names("/etc/ssh") if name.startswith("ssh_host_") and name[-4:] == "_key"
    ]


def _files(view: HostView, purpose: str, paths: tuple[str, ...] | list[str]) -> list[Json]:
    found: list[Json] = []
    for path in paths:
        status = view.status(path)
        if status is not None:
            mode = f"{stat.S_IMODE(status.st_mode):04o}"
            found.append({"path": path, "purpose": purpose, "mode": mode, "uid": status.st_uid, "gid": status.st_gid})
    return found


def _writable_below(view: HostView, top: str) -> tuple[int, list[str], bool]:
    """How many files were looked at, those that everyone may write, and whether that is all of them.

    Links are not followed. A directory that may not be read, or lies too deep, leaves the rest unknown.
    """
    start = view.root / top.lstrip("/")
    pending, walked, found, complete = [(start, 0)], 0, [], True
    while pending and walked < MAX_WALKED:
        directory, depth = pending.pop()
        try:
            entries = list(os.scandir(directory))
        except FileNotFoundError:
            continue  # removed meanwhile, or never there
        except OSError:
            complete = False
            continue
        for entry in entries:
            walked += 1
            try:
                mode = entry.stat(follow_symlinks=False).st_mode
            except OSError:
                continue
            if stat.S_ISDIR(mode) and depth < MAX_DEPTH:
                pending.append((directory / entry.name, depth + 1))
            elif stat.S_ISDIR(mode):
                complete = False
            if not stat.S_ISLNK(mode) and mode & 0o002 and not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
                found.append(f"/{os.path.relpath(entry.path, view.root)}")
    return walked, sorted(found), complete and not pending
