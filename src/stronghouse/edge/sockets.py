"""Which TCP sockets a process really has, as the kernel tells it: what it listens on, and who is connected to it."""

import socket
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path

TCP_ESTABLISHED, TCP_LISTEN = "01", "0A"  # include/net/tcp_states.h
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
    return tuple(sorted({Listening(*local) for state, local, _ in _sockets(pid) if state == TCP_LISTEN}))


def clients(pid: int, port: int) -> Counter[str]:
    """How many connections each address has to a port of process `pid`; an IPv4-mapped address is told as IPv4.

    Raises:
        OSError: the process is gone, or belongs to somebody else.
    """
    return Counter(
        _unmapped(remote[0]) for state, local, remote in _sockets(pid) if state == TCP_ESTABLISHED and local[1] == port
    )


def has_ipv6_loopback() -> bool:
    """Whether ::1 can be bound on this machine."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _sockets(pid: int) -> Iterator[tuple[str, tuple[str, int], tuple[str, int]]]:
    """State, local and remote end of the process's own TCP sockets: a client on this machine has another inode."""
    inodes = _socket_inodes(pid)
    # The process's own view, so that a network namespace is seen as it sees it.
    tables = [(_PROC / str(pid) / "net" / "tcp", socket.AF_INET), (_PROC / str(pid) / "net" / "tcp6", socket.AF_INET6)]
    for table, family in tables:
        if not table.exists():  # a kernel without IPv6
            continue
        with table.open() as lines:  # line by line: a busy machine's table is long
            next(lines)
            for line in lines:
                fields = line.split()
                if fields[9] in inodes:
                    yield fields[3], _parse(fields[1], family), _parse(fields[2], family)


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


def _parse(text: str, family: socket.AddressFamily) -> tuple[str, int]:
    """An `address:port` of /proc/net/tcp: 32-bit words in the machine's byte order, in hexadecimal (proc(5))."""
    words, port = text.split(":")
    packed = b"".join(struct.pack("=I", int(words[start : start + 8], 16)) for start in range(0, len(words), 8))
    address = socket.inet_ntop(family, packed)
    if family == socket.AF_INET6:
        address = str(IPv6Address(address))
    return address, int(port, 16)


def _unmapped(address: str) -> str:
    mapped = IPv6Address(address).ipv4_mapped if ":" in address else None
    return address if mapped is None else str(mapped)
