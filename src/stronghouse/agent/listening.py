"""A service's listening socket: made and held by the agent, so that clients queue while the worker is away."""

import contextlib
import hashlib
import socket
from pathlib import Path

from stronghouse.agent.directories import SOCKET_NAME
from stronghouse.kernel.files import private_directory

BACKLOG = 1024
"""How many connections may wait for a worker; the kernel caps it at net.core.somaxconn."""


class ListeningSocket:
    """A Unix socket in a directory of its own (0700), which only the edge, running as our user, can enter."""

    def __init__(self, directory: Path, *, service_id: str) -> None:
        """Bind and listen; raises OSError."""
        self.path = socket_path(directory, service_id=service_id)
        private_directory(self.path.parent)
        self.path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            self.socket.bind(str(self.path))
            self.path.chmod(0o600)
            self.socket.listen(BACKLOG)
        except OSError:
            self.socket.close()
            raise
        self._inode = self.path.stat().st_ino

    def fileno(self) -> int:
        """Its descriptor."""
        return self.socket.fileno()

    def close(self) -> None:
        """Stop listening: waiting connections are reset, new ones refused."""
        self.socket.close()
        with contextlib.suppress(OSError):
            # A successor may have bound the same path already; its socket is not ours to remove.
            if self.path.stat().st_ino == self._inode:
                self.path.unlink()
                self.path.parent.rmdir()


def socket_path(directory: Path, *, service_id: str) -> Path:
    """Where a service's socket is: a short name made from its id, because socket paths are short."""
    return directory / hashlib.sha256(service_id.encode()).hexdigest()[:8] / SOCKET_NAME
