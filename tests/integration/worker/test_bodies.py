"""Bodies that take a long time or much memory, sent to a real worker by people who may and who may not ask."""

import contextlib
import gzip
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stronghouse.worker.memory import HELD_OF_USER
from stronghouse.worker.native_blocks import MAX_BLOCK_BYTES, NONE
from stronghouse.worker.running import ADMITTED_OF_USER
from tests.integration.worker.service import PASSWORD, Service, in_threads, temporary_service

FORM = "Content-Type: multipart/form-data; boundary=b\r\n"
TABLE = b'--b\r\nContent-Disposition: form-data; name="t"; filename="f"\r\n\r\n'
READER = "password of the reader"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with temporary_service() as running:
        running.run(f"CREATE USER reader IDENTIFIED BY '{READER}'")
        yield running


def begin(
    service: Service, stack: contextlib.ExitStack, lines: str, body: bytes = b"", url: str = "/"
) -> socket.socket:
    """Send the beginning of a request of the owner; its connection."""
    client = stack.enter_context(socket.socket(socket.AF_UNIX))
    client.settimeout(20)
    while True:
        try:
            client.connect(str(service.socket))
            break
        except BlockingIOError:
            time.sleep(0.01)
    head = (
        f"POST {url} HTTP/1.1\r\nHost: h\r\nX-ClickHouse-User: default\r\nX-ClickHouse-Key: {PASSWORD}\r\n{lines}\r\n"
    )
    with contextlib.suppress(BrokenPipeError):  # refused in the middle of it
        client.sendall(head.encode() + body)
    return client


def until_answered(service: Service, code: int, *, user: str = "default", password: str = PASSWORD) -> None:
    """Ask until the answer has this code."""
    deadline = time.monotonic() + 10
    while (answer := service.ask("SELECT 1 + 1", user=user, password=password)).code != code:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)


def test_forms_that_do_not_end_take_the_turns_of_their_user_only(service: Service) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(ADMITTED_OF_USER):
            begin(service, stack, f"{FORM}Content-Length: 9999\r\n", TABLE)
            time.sleep(0.005)  # one after the other, as they would come
        until_answered(service, 202)
        until_answered(service, 0, user="reader", password=READER)
    until_answered(service, 0)


def resident(service: Service) -> int:
    """The worker's memory, in bytes."""
    pages = Path(f"/proc/{service.running.pid}/statm").read_text().split()[1]
    return int(pages) * 4096


def form_of_60_megabytes() -> tuple[str, str, bytes]:
    """A form in 60 KB, without its end."""
    packed = gzip.compress(TABLE + bytes(60 << 20), 1)
    return "/?t_types=String", f"{FORM}Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n", packed[:-20]


def block_of_16_megabytes() -> tuple[str, str, bytes]:
    """A block without its end."""
    size = MAX_BLOCK_BYTES
    block = bytes(16) + struct.pack("<BII", NONE, size, size - 9) + bytes(size - 1000)
    return "/?decompress=1", f"Content-Length: {size + 16}\r\n", block


@pytest.mark.parametrize(
    ("make", "most"), [(form_of_60_megabytes, 3), (block_of_16_megabytes, 12)], ids=["forms", "blocks"]
)
def test_bodies_that_hold_memory_take_what_there_is_for_their_user_only(
    service: Service, make: Callable[[], tuple[str, str, bytes]], most: int
) -> None:
    url, lines, body = make()
    answers: list[bytes] = []
    before = resident(service)
    with contextlib.ExitStack() as stack:

        def ask(_: int) -> None:
            client = begin(service, stack, lines, body, url)
            client.settimeout(4)
            with contextlib.suppress(TimeoutError):  # one of those that fit
                answers.append(client.recv(4096))

        in_threads(20, ask)
        assert all(b"X-ClickHouse-Exception-Code: 241\r\n" in answer for answer in answers), answers
        assert 20 - most <= len(answers) < 20
        # All of them would take 1.2 GB; the allocator keeps some of what those that were refused have given back.
        assert resident(service) - before < HELD_OF_USER + (400 << 20)
        until_answered(service, 0, user="reader", password=READER)
    until_answered(service, 0)


def test_what_bodies_held_is_free_when_their_clients_are_gone(service: Service) -> None:
    """Many more than there is memory for, one after the other."""
    body = TABLE + b"x\n" * (15 << 20) + b"\r\n--b--\r\n"
    for _ in range(9):
        answer = service.ask(
            body,
            query="SELECT count() FROM t",
            headers={"Content-Type": "multipart/form-data; boundary=b"},
            url={"t_types": "String"},
        )
        assert answer.text == f"{15 << 20}\n"


@pytest.mark.parametrize("given", ["database=%ff", "max_threads=%ff", "param_x=%ff", "session_id=%ff", "role=%ff"])
def test_parameters_that_are_not_utf_8_are_refused(service: Service, given: str) -> None:
    with contextlib.ExitStack() as stack:
        client = begin(service, stack, "Content-Length: 8\r\n", b"SELECT 1", f"/?{given}")
        assert b"X-ClickHouse-Exception-Code: 36\r\n" in client.recv(4096)


def test_a_stranger_who_announces_a_body_does_not_keep_a_thread(service: Service) -> None:
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(socket.socket(socket.AF_UNIX))
        client.settimeout(3)
        client.connect(str(service.socket))
        began = time.monotonic()
        client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nX-ClickHouse-User: nobody\r\nContent-Length: 9\r\n\r\n")
        received = b""
        while piece := client.recv(4096):
            received += piece
        assert b"Connection: close" in received
        assert time.monotonic() - began < 1
