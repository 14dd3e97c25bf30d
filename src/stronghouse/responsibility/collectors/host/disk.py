"""Whether the block device below a directory is encrypted, as the kernel knows it."""

import os
from dataclasses import dataclass
from pathlib import Path

from stronghouse.kernel.canonical import Json
from stronghouse.responsibility.collectors.host.view import HostView

SYS = Path("/sys/dev/block")
MAX_DEPTH = 12
MEMORY = frozenset({"tmpfs", "ramfs"})
HASHED_ONLY = ("CRYPT-VERITY-", "CRYPT-INTEGRITY-")  # cryptsetup's too, but they only notice changes
VIRTUAL = ("vd", "xvd", "nbd")
_MOUNT_POINT, _DEVICE = 4, 2


@dataclass(frozen=True)
class _Mount:
    device: str
    kind: str
    source: str


def disk_below(directory: Path) -> dict[str, Json]:
    """`state` is encrypted, plain, virtual (a hypervisor's disk: what lies below is not seen), memory or unknown."""
    mount = _mount_of(directory)
    if mount is None:
        return {"state": "unknown", "device": None, "kind": None}
    if mount.kind in MEMORY:
        return {"state": "memory", "device": None, "kind": mount.kind}
    number = _number(mount)
    device = None if number is None else _real(SYS / number)
    state = "unknown" if device is None else _state(device, 0)
    return {"state": state, "device": None if device is None else device.name, "kind": mount.kind}


def _mount_of(directory: Path) -> _Mount | None:
    """The last mount on the longest mount point that leads to `directory`."""
    best, found = -1, None
    resolved = directory.resolve()
    for line in (HostView().text("/proc/self/mountinfo") or "").splitlines():
        before, _, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        point = fields[_MOUNT_POINT].encode().decode("unicode_escape")  # octal escapes, proc(5)
        if resolved.is_relative_to(point) and len(point) >= best:
            best, found = len(point), _Mount(fields[_DEVICE], rest[0], rest[1])
    return found


def _number(mount: _Mount) -> str | None:
    """The device's numbers; a file system with an anonymous device (btrfs) names its source instead."""
    if not mount.device.startswith("0:"):
        return mount.device
    try:
        device = Path(mount.source).stat().st_rdev if mount.source.startswith("/dev/") else 0
    except OSError:
        return None
    return f"{os.major(device)}:{os.minor(device)}" if device else None


def _real(link: Path) -> Path | None:
    try:
        return link.resolve(strict=True)
    except (OSError, RuntimeError):
        return None


def _state(device: Path, depth: int) -> str:
    """By the device itself, else by what it is made of: encrypted only if every part is."""
    if depth > MAX_DEPTH or device.name.startswith("loop"):
        return "unknown"
    uuid = HostView().text(str(device / "dm" / "uuid"), limit=512) or ""
    if uuid.startswith("CRYPT-") and not uuid.startswith(HASHED_ONLY):
        return "encrypted"
    if (device / "partition").exists():
        return _state(device.parent, depth + 1)
    slaves = [_real(slave) for slave in sorted((device / "slaves").iterdir())] if (device / "slaves").is_dir() else []
    states = {"unknown" if slave is None else _state(slave, depth + 1) for slave in slaves}
    if states:
        order = ("plain", "unknown", "virtual", "encrypted")
        return next((state for state in order if state in states), "unknown")
    return "virtual" if device.name.startswith(VIRTUAL) else "plain"
