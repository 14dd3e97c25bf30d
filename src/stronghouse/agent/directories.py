"""Where the agent keeps its things, and the lock that keeps a second agent away from them."""

import fcntl
import json
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from stronghouse.kernel.errors import Conflict
from stronghouse.kernel.files import private_directory, write_private

TRAVERSABLE = 0o711
"""Lets a service's own user reach its data below, and nobody list what is there."""
MAX_SOCKET_PATH = 107
"""Longest path of a Unix socket in bytes (unix(7))."""
SOCKET_NAME = "http.sock"
_LONGEST_SOCKET = f"{'0' * 8}/{SOCKET_NAME}"


@dataclass(frozen=True)
class Directories:
    """The agent's directories below `<state>/agent`."""

    root: Path

    @property
    def identity(self) -> Path:
        """The agent's certificate and keys for TLS."""
        return self.root / "identity"

    @property
    def services(self) -> Path:
        """One directory for each service."""
        return self.root / "services"

    @property
    def edge(self) -> Path:
        """Envoy's configuration."""
        return self.root / "edge"

    @property
    def desired(self) -> Path:
        """The last desired state."""
        return self.root / "desired.json"

    def prepare(self) -> None:
        """Make what is missing and set the modes."""
        shared = TRAVERSABLE if os.geteuid() == 0 else 0o700
        private_directory(self.root, mode=shared)
        private_directory(self.services, mode=shared)
        private_directory(self.identity)


def lock(directory: Path) -> int:
    """Hold `directory` for this process: a descriptor to be kept open. Raises Conflict when another agent holds it."""
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Conflict(f"Another agent runs on {directory}.", code="agent_running") from None
    return descriptor


def socket_directory(root: Path) -> Path:
    """An empty private directory for sockets: `run` below `root`, or a short one in /tmp when that path is too long.

    Call it once, holding the lock: whatever an earlier run left there is removed. A short directory is named in
    `run-directory.json`, so that the next run removes it.
    """
    note = root / "run-directory.json"
    if note.exists():
        _remove_own(Path(json.loads(note.read_bytes())["path"]))
        note.unlink()
    run = root / "run"
    if run.exists():
        shutil.rmtree(run)
    if len(os.fsencode(str(run / _LONGEST_SOCKET))) <= MAX_SOCKET_PATH:
        return private_directory(run)
    short = Path(tempfile.mkdtemp(prefix="sh-", dir="/tmp"))
    write_private(note, json.dumps({"path": str(short)}).encode())
    return short


def remove_socket_directory(root: Path, directory: Path) -> None:
    """Remove what `socket_directory` gave, at the end of a run."""
    shutil.rmtree(directory, ignore_errors=True)
    (root / "run-directory.json").unlink(missing_ok=True)


def _remove_own(path: Path) -> None:
    """Remove a short directory of an earlier run, if it is still the one that we made."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    private = stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == stat.S_IRWXU
    if private and status.st_uid == os.geteuid() and path.name.startswith("sh-"):
        shutil.rmtree(path)
