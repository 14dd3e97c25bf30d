"""What `stronghouse up` is told, checked before anything is touched."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from stronghouse.app.supervisor_ports import PortPlan
from stronghouse.kernel.errors import Invalid


@dataclass(frozen=True, kw_only=True)
class UpSettings:
    """Settings of the supervisor. Paths are made absolute.

    Attributes:
        state_directory: the installation's; all but the machine key lies in it.
        machine_key_file: of the `local` key management; must lie outside the state directory.
        ready_file: written once everything answers; must lie outside the state directory.
        plan: the ports.
        demo: whether the first start makes a service and loads data into it.
        domain: not supported yet; refused.

    Raises:
        Invalid: a path lies where it must not, or a domain was given.
    """

    state_directory: Path
    machine_key_file: Path
    ready_file: Path | None = None
    plan: PortPlan = field(default_factory=PortPlan)
    demo: bool = True
    domain: str | None = None

    def __post_init__(self) -> None:
        for name in ("state_directory", "machine_key_file", "ready_file"):
            path: Path | None = getattr(self, name)
            if path is not None:
                object.__setattr__(self, name, path.expanduser().absolute().resolve())
        if len(os.fsencode(self.state_directory / LONGEST_SOCKET)) > MAX_SOCKET_PATH:
            raise Invalid(
                f"The path of the state directory {self.state_directory} is too long for Unix sockets; "
                f"choose a --state-dir of at most {MAX_SOCKET_PATH - len(LONGEST_SOCKET) - 1} bytes.",
                code="state_directory_too_long",
            )
        if self.domain is not None:
            raise Invalid(
                "--domain is not supported by this version: everything is served as localhost, one port each. "
                "Leave it out; docs/limits.md says more.",
                code="domain_unsupported",
            )
        self._require_outside(
            self.machine_key_file, "The machine key", "a key beside the data it protects proves nothing"
        )
        if self.ready_file is not None:
            self._require_outside(self.ready_file, "The ready-file", "it holds secrets on the first start")
            if not self.ready_file.parent.is_dir() or self.ready_file.is_dir():
                raise Invalid(
                    f"The ready-file {self.ready_file} cannot be written: name a file in an existing directory."
                )

    @property
    def log_directory(self) -> Path:
        """Logs of all processes."""
        return self.state_directory / "log"

    @property
    def ca_file(self) -> Path:
        """The certificate that clients trust; public."""
        return self.state_directory / "ca.pem"

    @property
    def agent_certificate(self) -> Path:
        """There once the agent has joined: it stores this file last."""
        return self.state_directory / "agent" / "identity" / "client.json"

    @property
    def desired_state(self) -> Path:
        """What the agent was last told to bring about."""
        return self.state_directory / "agent" / "desired.json"

    def service_directory(self, service_id: str) -> Path:
        """Where a service's encrypted data lies."""
        return self.state_directory / "agent" / "services" / service_id

    def _require_outside(self, path: Path, what: str, why: str) -> None:
        if path.is_relative_to(self.state_directory):
            raise Invalid(
                f"{what} must lie outside the state directory {self.state_directory}: {why}.",
                code="inside_state_directory",
            )


MAX_SOCKET_PATH = 107
"""Longest path of a Unix socket in bytes (unix(7))."""
LONGEST_SOCKET = "control/run/console.sock"


def prepare_state_directory(path: Path, *, mode: int) -> None:
    """Make the state directory; refuse one that others may change.

    Raises:
        Invalid: it is not a directory, or is writable by other users.
    """
    if path.exists() and not path.is_dir():
        raise Invalid(f"{path} is not a directory; choose another --state-dir.")
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o022:
        raise Invalid(
            f"The state directory {path} can be changed by other users; if nobody did, run: chmod go-w {path}",
            code="state_directory_exposed",
        )
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(mode)
