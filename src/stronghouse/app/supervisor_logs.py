"""Log files of bounded size: what the processes say on standard error, one JSON object a line."""

import json
import os
from collections import deque
from pathlib import Path

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock, rfc3339

MAX_BYTES = 8 * 1024 * 1024
KEPT_FILES = 4
MAX_LINE_BYTES = 64 * 1024
REMEMBERED_LINES = 20


class RotatingLog:
    """A file that only its owner can read; when it is full it becomes `.1`, `.1` becomes `.2`, and the oldest goes."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, kept: int = KEPT_FILES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._kept = kept
        self._descriptor = self._open()
        self._size = os.fstat(self._descriptor).st_size

    def write(self, line: bytes) -> None:
        """Append a line. A full disk loses log lines; it must not stop the processes that write them."""
        if self._size + len(line) > self._max_bytes and self._size:
            self._rotate()
        try:
            self._size += os.write(self._descriptor, line)
        except OSError:
            return

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(self._path, flags, 0o600)

    def _rotate(self) -> None:
        os.close(self._descriptor)
        for number in range(self._kept - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        self._descriptor = self._open()
        self._size = 0

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


class ProcessLog:
    """Takes a process's standard error as it comes, in pieces, and writes whole JSON lines.

    What is not JSON (a traceback, a library's warning) is wrapped, so that every line of the file parses.
    """

    def __init__(self, name: str, log: RotatingLog, clock: Clock) -> None:
        self._name = name
        self._log = log
        self._clock = clock
        self._rest = b""
        self._last: deque[str] = deque(maxlen=REMEMBERED_LINES)

    def feed(self, data: bytes) -> None:
        """Take a piece."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._take(line)

    def end(self) -> None:
        """The process ended: write what it left without an end of line."""
        if self._rest:
            self._take(self._rest)
            self._rest = b""

    def event(self, event: str, **fields: Json) -> None:
        """Write a line of our own."""
        self._write({"event": event, **fields})

    def last_words(self) -> str:
        """The last thing the process said, for a sentence to its user; empty when it said nothing."""
        return self._last[-1] if self._last else ""

    def forget(self) -> None:
        """A new process begins: its last words are its own."""
        self._last.clear()

    def _take(self, line: bytes) -> None:
        text = line[:MAX_LINE_BYTES].decode(errors="replace").rstrip()
        if not text.strip():
            return
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = None
        if isinstance(parsed, dict):
            self._last.append(str(parsed.get("detail") or parsed.get("error") or parsed.get("event") or text)[:300])
            self._log.write(text.encode() + b"\n")
            return
        self._last.append(text.strip().removeprefix("Error: ")[:300])
        self._write({"event": "output", "text": text})

    def _write(self, fields: dict[str, Json]) -> None:
        line = {"process": self._name, "timestamp": rfc3339(self._clock.now()), **fields}
        self._log.write(json.dumps(line).encode() + b"\n")
