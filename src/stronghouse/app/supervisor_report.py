"""The line of JSON with which the control plane tells its supervisor that it answers."""

import asyncio
import os
from dataclasses import dataclass
from typing import Self

from stronghouse.kernel.canonical import parse_json
from stronghouse.kernel.errors import Internal
from stronghouse.kernel.secret import Secret

MAX_BYTES = 64 * 1024


@dataclass(frozen=True)
class ControlReport:
    """What the control plane reported. The secrets are there on the first start of a state directory only."""

    organization_id: str
    admin_email: str
    edge_ca_pem: str
    login_url: Secret | None
    api_key_id: Secret | None
    api_key_secret: Secret | None
    join_token: Secret | None

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """The report in a line; raises Internal when it is not one, without repeating it."""
        try:
            fields = parse_json(line)
        except ValueError:
            fields = None
        required = ("organization_id", "admin_email", "edge_ca_pem")
        if not isinstance(fields, dict) or not all(isinstance(fields.get(name), str) for name in required):
            raise Internal("The control plane's report is malformed.", code="report_malformed")

        def secret(name: str) -> Secret | None:
            value = fields.get(name)
            return Secret(value) if isinstance(value, str) else None

        return cls(
            organization_id=str(fields["organization_id"]),
            admin_email=str(fields["admin_email"]),
            edge_ca_pem=str(fields["edge_ca_pem"]),
            login_url=secret("login_url"),
            api_key_id=secret("api_key_id"),
            api_key_secret=secret("api_key_secret"),
            join_token=secret("join_token"),
        )


class LineReader:
    """Reads the first line that a child writes to a pipe. One for each start of the child.

    `writing` is the end to hand over; close it once the child has it.
    """

    def __init__(self, done: asyncio.Future[bytes]) -> None:
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._done = done
        self._buffer = b""
        asyncio.get_running_loop().add_reader(self._reading, self._read)

    def _read(self) -> None:
        data = os.read(self._reading, MAX_BYTES)
        self._buffer += data
        if data and b"\n" not in self._buffer and len(self._buffer) < MAX_BYTES:
            return
        asyncio.get_running_loop().remove_reader(self._reading)
        os.close(self._reading)
        line, newline, _ = self._buffer.partition(b"\n")
        self._buffer = b""
        if newline and not self._done.done():  # without a line the child died: its next start reports
            self._done.set_result(line)
