"""Asking a TLS server which protocol versions it accepts, with handshake messages of our own.

A library would refuse to offer TLS 1.0 before the server could; so the ClientHello is written here, byte by byte, and
the first record of the answer is read. A version is refused only if the server says so (an alert) or hangs up.
Sources: RFC 8446 section 4.1.2 and RFC 5246 section 7.4.1.2 (messages), RFC 8446 section 6 (alerts).
"""

import os
import socket
import struct
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

VERSIONS = {"1.0": 0x0301, "1.1": 0x0302, "1.2": 0x0303, "1.3": 0x0304}
MAX_RECORD = 18_432  # RFC 8446 section 5.2, and a little more
_LEGACY_SUITES = (0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC009, 0xC013, 0xC00A, 0xC014, 0x002F, 0x0035)
_MODERN_SUITES = (0x1301, 0x1302, 0x1303)
_GROUPS = (0x001D, 0x0017, 0x0018)  # x25519, secp256r1, secp384r1
_SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0x0203, 0x0201)
_ALERT_BYTES, _VERSION_BYTES, _MAJOR_VERSION = 2, 2, 3  # RFC 8446 sections 6, 4.2.1 and 5.1
_ALERT, _HANDSHAKE = 21, 22
_SERVER_HELLO = 2
_SUPPORTED_VERSIONS = 0x002B


class Outcome(StrEnum):
    """What became of an attempt."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Answer:
    """How a server took an attempt; `detail` says by what, as in `alert 70`."""

    outcome: Outcome
    detail: str


def offer_version(address: str, port: int, *, server_name: str, version: str, timeout: float) -> Answer:
    """Offer exactly one protocol version, as in `"1.1"`, and see whether the server goes on with it.

    Raises:
        OSError: nothing listens there, or the connection broke before the server could have read the offer.
    """
    wanted = VERSIONS[version]
    with socket.create_connection((address, port), timeout=timeout) as connection:
        connection.sendall(client_hello(wanted, server_name))
        try:
            kind, body = _record(connection)
        except TimeoutError:
            return Answer(Outcome.INCONCLUSIVE, "no answer in time")
        except (ConnectionError, EOFError):
            return Answer(Outcome.REFUSED, "connection closed")
        except ValueError:
            return Answer(Outcome.REFUSED, "answered with something that is not TLS")
    return _understood(kind, body, wanted)


def offer_plaintext(address: str, port: int, *, server_name: str, timeout: float) -> Answer:
    """Speak HTTP without TLS to a TLS port, and see whether anything but TLS comes back; raises OSError as above."""
    with socket.create_connection((address, port), timeout=timeout) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {server_name}:{port}\r\nConnection: close\r\n\r\n".encode("ascii"))
        try:
            first = connection.recv(1)
        except TimeoutError:
            return Answer(Outcome.REFUSED, "no answer")
        except ConnectionError:
            return Answer(Outcome.REFUSED, "connection closed")
    if not first:
        return Answer(Outcome.REFUSED, "connection closed")
    if first[0] == _ALERT:
        return Answer(Outcome.REFUSED, "TLS alert")
    return Answer(Outcome.ACCEPTED, "answered in plain text")


def client_hello(version: int, server_name: str) -> bytes:
    """A ClientHello record that offers `version` and nothing else."""
    modern = version >= VERSIONS["1.3"]
    suites = _MODERN_SUITES if modern else _LEGACY_SUITES
    body = struct.pack("!H", min(version, VERSIONS["1.2"])) + os.urandom(32)
    body += _short(os.urandom(32) if modern else b"")
    body += _long(b"".join(struct.pack("!H", suite) for suite in suites)) + _short(b"\x00")
    body += _long(_extensions(version, server_name, modern=modern))
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return struct.pack("!BHH", _HANDSHAKE, VERSIONS["1.0"], len(message)) + message


def _extensions(version: int, server_name: str, *, modern: bool) -> bytes:
    def listed(numbers: tuple[int, ...]) -> bytes:
        return _long(b"".join(struct.pack("!H", number) for number in numbers))

    extensions = [(0x000A, listed(_GROUPS)), (0x000B, _short(b"\x00")), (0x0010, _long(_short(b"http/1.1")))]
    if not _is_address(server_name):  # RFC 6066 section 3: no literal addresses in a server name
        name = server_name.encode("ascii")
        extensions.append((0x0000, _long(b"\x00" + _long(name))))
    if version >= VERSIONS["1.2"]:
        extensions.append((0x000D, listed(_SIGNATURES)))
    if modern:
        extensions.append((_SUPPORTED_VERSIONS, _short(struct.pack("!H", version))))
        # Any 32 bytes are a point of x25519; the handshake is never finished, so no secret is needed.
        extensions.append((0x0033, _long(struct.pack("!H", _GROUPS[0]) + _long(os.urandom(32)))))
    return b"".join(struct.pack("!H", number) + _long(content) for number, content in extensions)


def _understood(kind: int, body: bytes, wanted: int) -> Answer:
    if kind == _ALERT and len(body) >= _ALERT_BYTES:
        return Answer(Outcome.REFUSED, f"alert {body[1]}")
    if kind == _HANDSHAKE and body[:1] == bytes([_SERVER_HELLO]):
        try:
            chosen = _chosen_version(body)
        except (struct.error, IndexError):
            return Answer(Outcome.INCONCLUSIVE, "a malformed answer")
        if chosen == wanted:
            return Answer(Outcome.ACCEPTED, "server hello")
        return Answer(Outcome.REFUSED, f"chose version {chosen:#06x} instead")
    return Answer(Outcome.INCONCLUSIVE, f"an unexpected record of type {kind}")


def _chosen_version(hello: bytes) -> int:
    (legacy,) = struct.unpack_from("!H", hello, 4)
    position = 4 + 2 + 32
    position += 1 + hello[position]  # session id
    position += 2 + 1  # cipher suite, compression
    if position + 2 > len(hello):
        return int(legacy)
    (length,) = struct.unpack_from("!H", hello, position)
    position, end = position + 2, position + 2 + length
    while position + 4 <= end:
        number, size = struct.unpack_from("!HH", hello, position)
        if number == _SUPPORTED_VERSIONS and size == _VERSION_BYTES:
            return int(struct.unpack_from("!H", hello, position + 4)[0])
        position += 4 + size
    return int(legacy)


def _record(connection: socket.socket) -> tuple[int, bytes]:
    kind, version, length = struct.unpack("!BHH", _exactly(connection, 5))
    if kind not in {_ALERT, _HANDSHAKE} or version >> 8 != _MAJOR_VERSION or length > MAX_RECORD:
        raise ValueError("not a TLS record")
    return kind, _exactly(connection, length)


def _exactly(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        more = connection.recv(count - len(received))
        if not more:
            raise EOFError
        received += more
    return received


def _short(content: bytes) -> bytes:
    return struct.pack("!B", len(content)) + content


def _long(content: bytes) -> bytes:
    return struct.pack("!H", len(content)) + content


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
