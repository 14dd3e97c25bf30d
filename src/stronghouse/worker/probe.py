"""Trying from inside a worker's sandbox what must not work. The agent calls `probe_sandbox`; the rest runs confined.

Each attempt is a real one. It counts as refused only if the kernel says so (EACCES, EPERM, ENOSYS); whatever else comes
of it, a refused connection included, counts as reached.
"""

import asyncio
import contextlib
import ctypes
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from stronghouse.kernel.canonical import Json, parse_json
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.processes import spawn
from stronghouse.worker.channel import Channel
from stronghouse.worker.launch import command, environment
from stronghouse.worker.messages import ChannelClosed, encode, receive
from stronghouse.worker.privileges import hide_memory
from stronghouse.worker.specification import Launch, WorkerSpec

MODULE = "stronghouse.worker.probe"
SECONDS = 15.0
REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.ENOSYS})
PTRACE_SEIZE = 0x4206
Address = str | tuple[str, int]
_FAR = ("127.0.0.1", 9)
_BYTES_PER_NUMBER = 8
_libc = ctypes.CDLL(None, use_errno=True)


async def probe_sandbox(
    spec: WorkerSpec, *, forbidden_paths: Sequence[Path], forbidden_sockets: Sequence[Path]
) -> dict[str, Json]:
    """What a process in the sandbox of `spec`'s worker reaches.

    Args:
        spec: the service; its data directory exists.
        forbidden_paths: files and directories that must not be readable, besides the usual ones.
        forbidden_sockets: Unix sockets that must not be connectable.

    Returns:
        `tried` and `reached`, lists of names; `sandbox`, the report of the parts in force.

    Raises:
        Unavailable: the attempts could not be made.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        launch = Launch(MODULE, str(spec.data_directory), spec.uid, theirs.fileno(), None, os.getpid())
        process = spawn(
            command("stronghouse.worker.launch", launch),
            environment=environment(launch),
            directory=Path("/"),
            pass_descriptors=(theirs.fileno(),),
        )
    channel = await Channel.over(ours)
    try:
        async with asyncio.timeout(SECONDS):
            await channel.send(
                {
                    "paths": [str(path) for path in forbidden_paths],
                    "sockets": [str(path) for path in forbidden_sockets],
                }
            )
            return await channel.receive()
    except (TimeoutError, ChannelClosed, ValueError) as error:
        raise Unavailable("The sandbox could not be tried.", code="probe_failed", detail=repr(error)) from error
    finally:
        channel.close()
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)


def attempts(
    paths: Sequence[str], sockets: Sequence[str], parent: int, directory: Path
) -> dict[str, Callable[[], object]]:
    """Everything that must not work, by name."""
    return {
        **{f"read {path}": _reading(path) for path in ("/etc/passwd", f"/proc/{parent}/environ", *paths)},
        **{f"list {path}": _listing(path) for path in ("/etc", "/home", "/root")},
        **{f"write {path}": _writing(path) for path in ("/tmp/sh-probe", "/dev/shm/sh-probe")},  # noqa: S108 - must fail
        **{f"connect {path}": _connecting(socket.AF_UNIX, path) for path in sockets},
        "connect to an abstract socket": _connecting(socket.AF_UNIX, "\0sh-probe"),
        "connect by TCP": _connecting(socket.AF_INET, _FAR),
        "connect by TCP over IPv6": _connecting(socket.AF_INET6, ("::1", 9)),
        "send by UDP": _sending(socket.AF_INET, _FAR),
        "listen on TCP": _binding(socket.AF_INET, ("127.0.0.1", 0)),
        "listen on a Unix socket": _binding(socket.AF_UNIX, str(directory / "sh-probe.sock")),
        "send from a pair of sockets": lambda: socket.socketpair(type=socket.SOCK_DGRAM),
        "ask the kernel by netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
        "signal the agent": lambda: os.kill(parent, 0),
        "signal through a descriptor": lambda: _signal_descriptor(parent),
        "trace a process": lambda: _on_child(lambda child: _call("ptrace", PTRACE_SEIZE, child, 0, 0)),
        "read a process's memory": lambda: _on_child(_read_memory),
        "run a shell": lambda: _run("/bin/sh"),
        "new name spaces": lambda: _call("unshare", 0x10000000),  # CLONE_NEWUSER
        "mount": lambda: _call("mount", b"none", str(directory).encode(), b"tmpfs", 0, None),
        "become root": lambda: os.setresuid(0, 0, 0),
        "io_uring": lambda: _call("syscall", 425, 1, None),
        "bpf": lambda: _call("syscall", 321 if os.uname().machine == "x86_64" else 280, 0, None, 0),
        "keys of the kernel": lambda: _call("syscall", 250 if os.uname().machine == "x86_64" else 219, 0, -3, 0),
        "files by handle": lambda: _call("open_by_handle_at", -100, None, 0),
    }


def main(arguments: list[str]) -> None:
    """Make every attempt and report over the control channel."""
    launch = Launch.from_json(parse_json(arguments[1]))
    hide_memory()
    control = socket.socket(fileno=launch.control)
    message = receive(control)
    paths, sockets = (
        [str(path) for path in value] if isinstance(value := message.get(name), list) else []
        for name in ("paths", "sockets")
    )
    tried: list[Json] = []
    reached: list[Json] = []
    for name, attempt in attempts(paths, sockets, launch.parent, Path(launch.data_directory)).items():
        try:
            attempt()
        except FileNotFoundError:
            continue  # nothing there to reach
        except OSError as error:
            if error.errno not in REFUSED:
                reached.append(name)
        else:
            reached.append(name)
        tried.append(name)
    sandbox = launch.sandbox.to_json() if launch.sandbox else None
    control.sendall(encode({"tried": tried, "reached": reached, "sandbox": sandbox}))


def _reading(path: str) -> Callable[[], object]:
    def attempt() -> None:
        if Path(path).is_dir():
            list(Path(path).iterdir())
            return
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        os.close(descriptor)

    return attempt


def _listing(path: str) -> Callable[[], object]:
    return lambda: list(Path(path).iterdir())


def _writing(path: str) -> Callable[[], object]:
    def attempt() -> None:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        Path(path).unlink()

    return attempt


def _connecting(family: socket.AddressFamily, address: Address) -> Callable[[], object]:
    def attempt() -> None:
        with socket.socket(family) as connection:
            connection.settimeout(1.0)
            connection.connect(address)

    return attempt


def _sending(family: socket.AddressFamily, address: tuple[str, int]) -> Callable[[], object]:
    def attempt() -> None:
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x", address)

    return attempt


def _binding(family: socket.AddressFamily, address: Address) -> Callable[[], object]:
    def attempt() -> None:
        with socket.socket(family) as listener:
            listener.bind(address)
            listener.listen()

    return attempt


def _signal_descriptor(process: int) -> None:
    descriptor = os.pidfd_open(process)
    try:
        signal.pidfd_send_signal(descriptor, 0)
    finally:
        os.close(descriptor)


def _on_child(act: Callable[[int], object]) -> None:
    """Do something to a child, which waits for its end."""
    child = os.fork()
    if child == 0:
        signal.alarm(5)
        signal.pause()
        os._exit(0)
    try:
        act(child)
    finally:
        # Signals to others are refused here too; the child ends by its alarm, or with this process.
        with contextlib.suppress(PermissionError):
            os.kill(child, signal.SIGKILL)


def _read_memory(process: int) -> None:
    local = ctypes.create_string_buffer(_BYTES_PER_NUMBER)
    vector = (ctypes.c_uint64 * 2)(ctypes.addressof(local), _BYTES_PER_NUMBER)
    remote = (ctypes.c_uint64 * 2)(ctypes.addressof(local), _BYTES_PER_NUMBER)
    _call("process_vm_readv", process, ctypes.byref(vector), 1, ctypes.byref(remote), 1, 0)


def _run(program: str) -> None:
    """Try to become `program`, in a child; raises the error that stopped it."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        try:
            os.execv(program, [program, "-c", "exit 0"])  # noqa: S606 - it must fail
        except OSError as error:
            os.write(writing, str(error.errno).encode())
        os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        number = pipe.read()
    os.waitpid(child, 0)
    if number:
        raise OSError(int(number), os.strerror(int(number)))


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    main(sys.argv)
