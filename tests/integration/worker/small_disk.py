"""A disk that can be filled and made read-only under a running service, as root and as anybody else."""

import contextlib
import dataclasses
import errno
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.integration.worker.service import Service

ROOT = os.geteuid() == 0
SIZE = "64m"
KINDS = ("file system", "limit") if ROOT else ("limit",)
"""A file system of its own, or a limit of the worker's processes beyond which no file grows: ENOSPC or EFBIG."""


class SmallDisk:
    """The disk under a service's whole directory, its log included."""

    def __init__(self, service: Service, kind: str) -> None:
        self._service, self._kind = service, kind
        self._filler = service.root / "filler"

    def fill(self) -> None:
        """Leave not a byte."""
        if self._kind == "limit":
            self._limit(0)
            return
        with self._filler.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                _write_all(file.fileno(), size)

    def free(self) -> None:
        """There is space again."""
        if self._kind == "limit":
            self._limit(resource.RLIM_INFINITY)
        else:
            self._filler.unlink()

    def _limit(self, size: int) -> None:
        resource.prlimit(self._service.running.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _write_all(descriptor: int, size: int) -> None:
    while True:
        try:
            os.write(descriptor, bytes(size))
        except OSError as error:
            assert error.errno == errno.ENOSPC
            return


@contextlib.contextmanager
def service_on_small_disk(kind: str) -> Iterator[tuple[Service, SmallDisk]]:
    """A running service with a small disk of its own."""
    root = Path(tempfile.mkdtemp(prefix="sh-disk-"))
    with contextlib.ExitStack() as after:
        after.callback(shutil.rmtree, root)
        if kind == "file system":
            _mount("-t", "tmpfs", "-o", f"size={SIZE}", "stronghouse-test", root)
            after.callback(_unmount, root)
        service = Service(root)
        after.callback(service.close)
        if kind == "limit" and ROOT:  # of a process of another user root cannot change it everywhere
            service.spec = dataclasses.replace(service.spec, uid=None)
            os.chown(service.data, 0, 0)
        service.start()
        yield service, SmallDisk(service, kind)


@contextlib.contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """No file below `directory` can be opened for writing, whoever asks."""
    if ROOT:
        _mount("--bind", directory, directory)
        try:
            _mount("-o", "remount,bind,ro", directory)
            yield
        finally:
            _unmount(directory)
    else:
        modes = {path: path.stat().st_mode for path in (directory, *directory.rglob("*")) if not path.is_symlink()}
        for path, mode in modes.items():
            path.chmod(mode & ~0o222)
        try:
            yield
        finally:
            for path, mode in modes.items():
                path.chmod(mode)


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def _unmount(directory: Path) -> None:
    subprocess.run(["umount", "-l", str(directory)], check=True)
