"""The journal: records on their way into the log tables, encrypted, in the order in which queries ended.

A record is one frame, written by one `write` to a file that is only appended to; it is with the operating system when
`append` returns, so that no kill loses it, and a thread flushes it to disk soon after.

Invariants:
- Each segment (file) has a key of its own, made from the journal's key, the service and the segment's name, and each
  frame's nonce is its number. So a frame that was changed, dropped, moved or written twice does not open.
- The last frame of a segment says that it is the last. A segment that lacks it is one that a killed worker left: only
  there may the end be missing.
- After a write that failed the segment is given up: no nonce is used for a second text.
"""

import contextlib
import errno
import os
import re
import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.logs.flushing import Flusher
from stronghouse.engine.logs.records import MAX_RECORD, Record, encode
from stronghouse.engine.room import Room
from stronghouse.engine.subkeys import subkey
from stronghouse.kernel.files import private_directory

SEGMENT_BYTES: Final = 4 << 20
"""A segment that is longer is closed."""
CAPACITY_BYTES: Final = 512 << 20
"""More than this is never kept waiting: when the tables take nothing for so long, queries are refused."""
FLUSH_SECONDS: Final = 0.05
"""How long a record waits for others before the disk is asked to keep it: half of the 100 ms that are promised."""
HEADER: Final = b"stronghouse log journal 1\n"
"""What every segment begins with, so that whoever looks through a disk can tell what it is."""
SUFFIX: Final = ".segment"
DAMAGED: Final = ".damaged"

_NAME: Final = re.compile(r"[0-9a-f]{32}")
_LENGTH: Final = 4
_MAX_FRAME: Final = _LENGTH + MAX_RECORD + 64
_END: Final = b"."
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True)
class Segment:
    """A closed segment.

    Attributes:
        path: its file. The name is never used again: 16 digits of `number`, and 64 random bits.
        size: bytes of its file.
        frames: how many records it has; None for one of another process.
    """

    path: Path
    size: int
    frames: int | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.path.stem

    @property
    def number(self) -> int:
        """The time of its beginning in nanoseconds since 1970: different for each segment of a service."""
        return int(self.name[:16], 16)


@dataclass(frozen=True)
class Contents:
    """What could be read of a segment: its records in order, and whether something is wrong with what follows."""

    records: tuple[bytes, ...]
    damaged: bool


class _Writing:
    """The open segment."""

    def __init__(self, path: Path, cipher: AESGCM) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        self.cipher = cipher
        self.frames = 0
        self.size = 0

    def append(self, text: bytes) -> None:
        """Write one frame; raises OSError, after which nothing more may be written."""
        sealed = self.cipher.encrypt(_nonce(self.frames), text, None)
        frame = len(sealed).to_bytes(_LENGTH, "little") + sealed
        if not self.frames:
            frame = HEADER + frame
        if os.write(self.descriptor, frame) != len(frame):
            raise OSError(errno.ENOSPC, "a short write")
        self.frames += 1
        self.size += len(frame)


class Journal:
    """The journal of one service, in a directory of its own that one process uses. Safe to use from many threads."""

    def __init__(
        self,
        directory: Path,
        key: bytes,
        service_id: str,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        capacity_bytes: int = CAPACITY_BYTES,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        """Open it. Raises OSError when the directory cannot be used, Invalid when the key is not 32 bytes long."""
        self._directory = private_directory(directory)
        self._key = subkey(key, f"log journal of {service_id}")
        self._segment_bytes = segment_bytes
        self._capacity_bytes = capacity_bytes
        self._lock = threading.Lock()
        self._writing: _Writing | None = None
        self._closed = _left(directory)
        self._waiting_bytes = sum(segment.size for segment in self._closed)
        self._ended = False
        self._flusher = Flusher(self._directory, flush_seconds)
        self.room = Room(self._directory)
        """The disk that it is on."""

    def append(self, record: Record) -> None:
        """Hand a record to the operating system.

        Raises:
            DatabaseError: 243 when there is no space for it, 75 when it cannot be written for another reason, 236
                after `close`.
        """
        self.append_encoded(encode(record))

    def append_encoded(self, text: bytes) -> None:
        """As `append`, for a record in its encoded form."""
        with self._lock:
            if self._ended:
                raise DatabaseError(236, "ABORTED", "The service is stopping")
            if self._waiting_bytes + len(text) > self._capacity_bytes:
                raise _no_space()
            try:
                writing = self._writing or self._begin()
                before = writing.size
                writing.append(text)
            except OSError as error:
                self._give_up()
                raise _no_space() if error.errno in _NO_SPACE else _not_written() from None
            self._waiting_bytes += writing.size - before
            self._flusher.wake()
            if writing.size >= self._segment_bytes:
                self._close_segment()

    def rotate(self) -> None:
        """Close the open segment, so that `segments` has it."""
        with self._lock:
            self._close_segment()

    def segments(self) -> tuple[Segment, ...]:
        """The closed segments, oldest first."""
        with self._lock:
            return tuple(self._closed)

    def read(self, segment: Segment) -> Contents:
        """What is in a closed segment. Raises OSError when the file cannot be read."""
        content = segment.path.read_bytes()
        if not content.startswith(HEADER):  # a killed worker may have left the beginning of it
            return Contents((), not HEADER.startswith(content))
        records, damaged = _read(content[len(HEADER) :], self._cipher(segment.name))
        missing = segment.frames is not None and segment.frames != len(records)
        return Contents(tuple(records), damaged or missing)

    def remove(self, segment: Segment, *, damaged: bool = False) -> None:
        """Forget a segment whose records are in their tables; a damaged one's file stays for whoever looks into it.

        Raises OSError when the file can be neither deleted nor renamed.
        """
        with self._lock:
            if damaged:
                segment.path.rename(segment.path.with_suffix(DAMAGED))
            else:
                segment.path.unlink()
            self._closed.remove(segment)
            self._waiting_bytes -= segment.size

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the journal that are not in the tables yet."""
        return self._waiting_bytes

    @property
    def flush_failure(self) -> str | None:
        """Why the disk did not keep what was last to be flushed, if it did not."""
        return self._flusher.failure

    def damaged_segments(self) -> int:
        """How many segments were found damaged, by this process and by others before it."""
        return len(list(self._directory.glob(f"*{DAMAGED}")))

    def close(self) -> None:
        """Close the open segment and flush all. Nothing can be appended afterwards."""
        with self._lock:
            self._close_segment()
            self._ended = True
        self._flusher.close()

    def _begin(self) -> _Writing:
        name = f"{time.time_ns():016x}{secrets.token_hex(8)}"
        self._writing = _Writing(self._directory / f"{name}{SUFFIX}", self._cipher(name))
        self._flusher.begin(self._writing.descriptor)
        return self._writing

    def _close_segment(self) -> None:
        writing, self._writing = self._writing, None
        if writing is None:
            return
        frames, size = writing.frames, writing.size
        with contextlib.suppress(OSError):  # its number of frames is known without the last one
            writing.append(_END)
        self._waiting_bytes += writing.size - size
        self._closed.append(Segment(writing.path, writing.size, frames))
        self._flusher.end()

    def _give_up(self) -> None:
        """Leave the open segment as it is; what there may be of the frame that failed is not read."""
        writing, self._writing = self._writing, None
        if writing is None:
            return
        self._flusher.end()
        if writing.frames:
            self._closed.append(Segment(writing.path, writing.size, writing.frames))
        else:  # on a full disk each request makes one
            writing.path.unlink(missing_ok=True)

    def _cipher(self, name: str) -> AESGCM:
        return AESGCM(subkey(self._key, f"segment {name}"))


def _left(directory: Path) -> list[Segment]:
    """What another process left, oldest first."""
    files = [path for path in sorted(directory.glob(f"*{SUFFIX}")) if path.is_file() and not path.is_symlink()]
    return [Segment(path, path.stat().st_size) for path in files if _NAME.fullmatch(path.stem)]


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "little")


def _read(content: bytes, cipher: AESGCM) -> tuple[list[bytes], bool]:
    """The records, and whether what follows them is anything but an end or the beginning of a frame."""
    records: list[bytes] = []
    position, ended = 0, False
    while position < len(content) and not ended:
        start = position + _LENGTH
        end = start + int.from_bytes(content[position:start], "little")
        if end > len(content) or start > len(content):
            return records, len(content) - position > _MAX_FRAME
        try:
            text = cipher.decrypt(_nonce(len(records)), content[start:end], None)
        except InvalidTag:
            # A file system that lost power may leave zeros where the last frames would be.
            return records, bool(content[position:].strip(b"\0"))
        ended = text == _END
        if not ended:
            records.append(text)
        position = end
    return records, position != len(content)


def _no_space() -> DatabaseError:
    return DatabaseError(243, "NOT_ENOUGH_SPACE", "There is no space left for the query log, so nothing may run")


def _not_written() -> DatabaseError:
    return DatabaseError(75, "CANNOT_WRITE_TO_FILE_DESCRIPTOR", "The query log cannot be written, so nothing may run")
