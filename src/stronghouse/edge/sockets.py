"""Which TCP ports a process really listens on, as the kernel tells it: not what it was asked to do."""

import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path

TCP_LISTEN = "0A"  # include/net/tcp_states.h
_PROC = Path("/proc")


@dataclass(frozen=True, order=True)
class Listening:
    """A TCP socket in the state LISTEN."""

    address: str
    port: int


def listening(pid: int) -> tuple[Listening, ...]:
    """The TCP sockets on which process `pid` listens, without repeats, in order.

    Raises:
        OSError: the process is gone, or belongs to somebody else.
    """
    inodes = _socket_inodes(pid)
    # The process's own view, so that a network namespace is seen as it sees it.
    tables = [(_PROC / str(pid) / "net" / "tcp", socket.AF_INET), (_PROC / str(pid) / "net" / "tcp6", socket.AF_INET6)]
    found = set()
    for table, family in tables:
        if not table.exists():  # a kernel without IPv6
            continue
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == TCP_LISTEN and fields[9] in inodes:
                found.add(_parse(fields[1], family))
    return tuple(sorted(found))


def has_ipv6_loopback() -> bool:
    """Whether ::1 can be bound on this machine."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _socket_inodes(pid: int) -> set[str]:
    inodes = set()
    for link in (_PROC / str(pid) / "fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:  # closed while we looked
            continue
        if target.startswith("socket:["):
            inodes.add(target.removeprefix("socket:[").removesuffix("]"))
    return inodes


def _parse(text: str, family: socket.AddressFamily) -> Listening:
    """An `address:port` of /proc/net/tcp: 32-bit words in the machine's byte order, in hexadecimal (proc(5))."""
    words, port = text.split(":")
    packed = b"".join(struct.pack("=I", int(words[start : start + 8], 16)) for start in range(0, len(words), 8))
    address = socket.inet_ntop(family, packed)
    if family == socket.AF_INET6:
        address = str(IPv6Address(address))
    return Listening(address, int(port, 16))
