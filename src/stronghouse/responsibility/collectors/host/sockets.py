"""Every TCP and UDP port that a machine's network namespace listens on, with the program where it can be known."""

import contextlib
import socket
import struct
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Unavailable
from stronghouse.responsibility.collectors.host.subject import Subject
from stronghouse.responsibility.collectors.host.view import HostView

METHOD = (
    "TCP sockets in state LISTEN and unconnected UDP sockets of /proc/net/{tcp,tcp6,udp,udp6}; the program is the one "
    "that has the socket's inode among its open files."
)
MAX_TABLE = 33_554_432
MAX_SOCKETS = 2_000
_LISTENS = {"tcp": "0A", "udp": "07"}  # include/net/tcp_states.h: LISTEN, and CLOSE for an unconnected UDP socket
_STATE, _LOCAL, _INODE = 3, 1, 9


@dataclass(frozen=True, order=True)
class HostSocket:
    """A port that something listens on."""

    protocol: str
    address: str
    port: int
    inode: str

    @property
    def loopback(self) -> bool:
        """Whether only the machine itself reaches it."""
        address = ip_address(self.address)
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return (mapped or address).is_loopback


def listening(view: HostView, subject: Subject) -> dict[str, Json]:
    """Fields of the resource."""
    found = host_sockets(view)
    beyond = [one for one in found if not one.loopback]
    programs = _programs(view, {one.inode for one in beyond})
    shown: list[Json] = [
        {"protocol": one.protocol, "address": one.address, "port": one.port, "program": programs.get(one.inode)}
        for one in beyond
    ]
    ephemeral: list[Json] = [*_ephemeral(view)]
    declared: list[Json] = [*sorted(subject.declared)]
    return {
        "loopback": len(found) - len(beyond),
        "beyond": shown,
        "declared": declared,
        "ephemeral": ephemeral,
    }


def host_sockets(view: HostView) -> list[HostSocket]:
    """All of them; raises Unavailable where the kernel's tables cannot be read, or hold more than may be read."""
    base = "/proc/self/net" if view.is_own else "/proc/1/net"
    found: set[HostSocket] = set()
    for protocol in ("tcp", "udp"):
        for family, suffix in ((socket.AF_INET, ""), (socket.AF_INET6, "6")):
            table = view.text(f"{base}/{protocol}{suffix}", limit=MAX_TABLE)
            if table is None and not suffix:
                raise Unavailable("The kernel's table of sockets cannot be read here.", code="host_unseen")
            found.update(_parse(table or "", protocol, family))
    if len(found) > MAX_SOCKETS:
        raise Unavailable("The machine listens on more ports than may be looked at.", code="host_too_large")
    return sorted(found)


def _parse(table: str, protocol: str, family: socket.AddressFamily) -> list[HostSocket]:
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > _INODE and fields[_STATE] == _LISTENS[protocol]:
            words, _, port = fields[_LOCAL].partition(":")
            packed = b"".join(struct.pack("=I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8))
            address = str(ip_address(socket.inet_ntop(family, packed)))
            found.append(HostSocket(protocol, address, int(port, 16), fields[_INODE]))
    return found


def _programs(view: HostView, inodes: Collection[str]) -> dict[str, str]:
    """The program of each inode, for those whose owner we may look into."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, str] = {}
    for pid in view.names("/proc") if wanted else []:
        if len(found) == len(wanted):
            break
        if not pid.isdigit():
            continue
        for target in _open_files(view.root / "proc" / pid / "fd") & wanted.keys():
            found[wanted[target]] = (view.text(f"/proc/{pid}/comm", limit=64) or "").strip()
    return {inode: name for inode, name in found.items() if name}


def _open_files(folder: Path) -> set[str]:
    """What a process has open; a descriptor that is closed while we look hides none of the others."""
    found: set[str] = set()
    try:
        entries = list(folder.iterdir())
    except OSError:  # gone, or somebody else's
        return found
    for entry in entries:
        with contextlib.suppress(OSError):
            found.add(str(entry.readlink()))
    return found


def _ephemeral(view: HostView) -> list[int]:
    """The range from which the kernel takes ports for clients."""
    told = (view.text("/proc/sys/net/ipv4/ip_local_port_range", limit=64) or "32768 60999").split()
    return [int(part) for part in told[:2]]
