"""Reading the kernel's table of TCP sockets."""

import os
import socket
from pathlib import Path

import pytest

from stronghouse.edge import sockets

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
MAPPED = "0000000000000000FFFF0000070200C0"  # ::ffff:192.0.2.7
GLOBAL = "B80D0120000000000000000001000000"  # 2001:db8::1
ANY = "0" * 32


def row(local: str, remote: str, state: str, inode: int) -> str:
    return f"   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1 0 100 0 0\n"


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Process 7, which has the sockets 1 to 5 open, in a file system of its own."""
    files, net = tmp_path / "7" / "fd", tmp_path / "7" / "net"
    files.mkdir(parents=True)
    net.mkdir()
    for inode in range(1, 6):
        (files / str(inode)).symlink_to(f"socket:[{inode}]")
    (net / "tcp").write_text(HEAD)
    monkeypatch.setattr(sockets, "_PROC", tmp_path)
    return net


def test_an_ipv4_client_of_a_dual_stack_socket_is_told_as_ipv4(process: Path) -> None:
    rows = [
        row(f"{MAPPED}:20FC", f"{MAPPED}:C350", "01", 1),
        row(f"{ANY}:20FC", f"{GLOBAL}:C351", "01", 2),
    ]
    (process / "tcp6").write_text(HEAD + "".join(rows))
    assert sockets.clients(7, 0x20FC) == {"192.0.2.7": 1, "2001:db8::1": 1}


def test_other_ports_states_and_processes_are_not_counted(process: Path) -> None:
    (process / "tcp").write_text(
        HEAD
        + row("0100007F:20FC", "0200007F:C350", "01", 1)
        + row("0100007F:20FD", "0300007F:C350", "01", 2)
        + row("0100007F:20FC", "0400007F:C350", "06", 3)  # TIME_WAIT
        + row("0100007F:20FC", "00000000:0000", "0A", 4)  # LISTEN
        + row("0100007F:20FC", "0500007F:C350", "01", 9)  # somebody else's
        + row("0100007F:C350", "0600007F:20FC", "01", 5)  # the other end
    )
    assert sockets.clients(7, 0x20FC) == {"127.0.0.2": 1}
    assert sockets.listening(7) == (sockets.Listening("127.0.0.1", 0x20FC),)


def test_a_process_that_is_gone_is_an_error_and_not_without_clients() -> None:
    with pytest.raises(OSError, match="No such file"):
        sockets.clients(2**22 + 1, 443)


def test_the_real_table_of_this_process_can_be_read() -> None:
    with socket.socket(socket.AF_UNIX):
        assert sockets.clients(os.getpid(), 1) == {}
