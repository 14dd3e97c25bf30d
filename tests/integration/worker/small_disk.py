"""A disk that can be filled and made read-only under a running service. It is mounted, so that needs root's rights."""

import contextlib
import dataclasses
import errno
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.worker import service as services
from tests.integration.worker.service import Service

SIZE = "384m"
"""Many times of what writers write within seconds on a fast machine: only what fills it on purpose may fill it."""
REPOSITORY = Path(__file__).parents[3]


def runs_as_root(request: pytest.FixtureRequest) -> bool:
    """Whether this process may mount. If not, the test was run, and passed, in a user namespace where it may."""
    if os.geteuid() == 0:
        return True
    own = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:randomly", "-p", "no:cacheprovider"]
    command = ["/usr/bin/unshare", "--user", "--map-root-user", "--mount", *own, request.node.nodeid]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return False


@dataclasses.dataclass(frozen=True)
class SmallDisk:
    """The disk under a service's whole directory, its log included."""

    service: Service

    def fill(self) -> None:
        """Leave not a byte."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                _write_all(file.fileno(), size)

    def free(self) -> None:
        """There is space again."""
        self._filler.unlink()

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Nothing of the service's data can be opened for writing, whoever asks."""
        data = self.service.data
        _mount("--bind", data, data)
        try:
            _make_read_only(data)
            yield
        finally:
            _unmount(data)

    @property
    def _filler(self) -> Path:
        return self.service.root / "filler"


def _make_read_only(mounted: Path) -> None:
    """Refused while something is open for writing: the service may just be at it."""
    deadline = time.monotonic() + 10.0
    while True:
        try:
            _mount("-o", "remount,bind,ro,nosuid,nodev", mounted)  # a user namespace asks for all three
        except subprocess.CalledProcessError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@contextlib.contextmanager
def service_on_small_disk() -> Iterator[tuple[Service, SmallDisk]]:
    """A running service with a small disk of its own."""
    root = Path(tempfile.mkdtemp(prefix="sh-disk-"))
    with contextlib.ExitStack() as after:
        after.callback(shutil.rmtree, root)
        _mount("-t", "tmpfs", "-o", f"size={SIZE}", "stronghouse-test", root)
        after.callback(_unmount, root)
        service = _service(root)
        after.callback(service.close)
        service.start()
        yield service, SmallDisk(service)


def _service(root: Path) -> Service:
    if _users() > 1:
        return Service(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "UID", 0)
        service = Service(root)
    service.spec = dataclasses.replace(service.spec, uid=None)
    return service


def _users() -> int:
    """How many users there are for this process: one in the namespace that `runs_as_root` makes."""
    return sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines())


def _write_all(descriptor: int, size: int) -> None:
    with pytest.raises(OSError) as full:
        while True:
            os.write(descriptor, bytes(size))
    assert full.value.errno == errno.ENOSPC


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["/usr/bin/mount", *map(str, arguments)], check=True)


def _unmount(directory: Path) -> None:
    subprocess.run(["/usr/bin/umount", "-l", str(directory)], check=True)
