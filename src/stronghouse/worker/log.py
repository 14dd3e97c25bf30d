"""The worker's log: the same lines as everywhere (`kernel.logs`), written without structlog.

That library brings asyncio, TLS and rich with it, 12 MB and a tenth of a second that a worker has no other use for
(measured), and a worker's memory and the time to wake it are multiplied by the number of services.
"""

import contextlib
import json
import sys
from typing import TextIO

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.redaction import REDACTED, SENSITIVE_KEYS

PROCESS = "worker"


class Log:
    """Writes one JSON object a line to standard error, or where `write_to` says."""

    def __init__(self) -> None:
        self._file: TextIO | None = None

    def write_to(self, file: TextIO) -> None:
        """Write there from now on."""
        self._file = file

    def info(self, event: str, **fields: Json) -> None:
        """Something went as it should."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: Json) -> None:
        """Something did not, and nobody need do anything."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: Json) -> None:
        """Something is wrong."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, Json]) -> None:
        shown = {name: REDACTED if name.lower() in SENSITIVE_KEYS else value for name, value in fields.items()}
        at = SystemClock().now().isoformat().replace("+00:00", "Z")
        line = json.dumps({**shown, "event": event, "level": level, "timestamp": at, "process": PROCESS}, default=repr)
        with contextlib.suppress(OSError):  # a log on a full disk must fail no request, and end no worker
            print(line, file=self._file or sys.stderr, flush=True)


log = Log()
"""The process's."""
