"""Whether the clock is kept in step with others: the kernel's own account, and which service does it."""

import ctypes
import errno

from stronghouse.kernel.canonical import Json
from stronghouse.responsibility.collectors.host.view import HostView

SERVICES = frozenset({"systemd-timesyn", "chronyd", "ntpd", "openntpd", "phc2sys", "ptp4l"})
STA_UNSYNC = 0x0040  # linux/timex.h
_TIMEX_BYTES = 512
_STATUS_LONGS = 4  # modes (padded to a long), offset, freq, maxerror, esterror, then status


def clock_state(view: HostView) -> dict[str, Json]:
    """`state` is synchronised, unsynchronised, unsupported or unknown; `services` are the programs that run for it."""
    services = sorted({name for pid in view.names("/proc") if (name := _comm(view, pid)) in SERVICES})
    return {"state": _kernel_state(), "services": [*services]}


def _comm(view: HostView, pid: str) -> str:
    return (view.text(f"/proc/{pid}/comm", limit=64) or "").strip() if pid.isdigit() else ""


def _kernel_state() -> str:
    """adjtimex(2) with no change asked for."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = (ctypes.c_long * (_TIMEX_BYTES // ctypes.sizeof(ctypes.c_long)))()
    if not hasattr(libc, "adjtimex"):
        return "unsupported"
    if libc.adjtimex(buffer) < 0:
        return "unsupported" if ctypes.get_errno() == errno.ENOSYS else "unknown"
    status = ctypes.c_int.from_buffer(buffer, (_STATUS_LONGS + 1) * ctypes.sizeof(ctypes.c_long)).value
    return "unsynchronised" if status & STA_UNSYNC else "synchronised"
