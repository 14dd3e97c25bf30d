"""Writes the zip file of a package in the one form that the verifier can build again.

The form is defined in `verifier`, so that both sides use the same code: stored, one fixed time, no extra fields.
"""

import hashlib
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from stronghouse.compliance.verifier import CHUNK, MAX_CONTAINER_BYTES, Entry, directory, local_header
from stronghouse.kernel.errors import Invalid


class ContainerWriter:
    """A container under construction. Files are added in the order of their names; nothing is held in memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.entries: list[Entry] = []

    def add(self, name: str, content: bytes) -> Entry:
        """Add a file; raises Invalid when the package becomes longer than 4 GiB."""
        return self._add(name, (content,))

    def add_file(self, name: str, path: Path) -> Entry:
        """Add the content of a file on disk; raises Invalid when the package becomes longer than 4 GiB."""
        with path.open("rb") as source:
            return self._add(name, iter(lambda: source.read(CHUNK), b""))

    def finish(self) -> None:
        """Write the directory."""
        self._file.write(directory(self.entries, self._file.tell()))
        self._file.flush()

    def _add(self, name: str, chunks: Iterable[bytes]) -> Entry:
        encoded, start = name.encode(), self._file.tell()
        self._file.write(local_header(encoded, 0, 0))
        offset = self._file.tell()
        digest, checksum, size = hashlib.sha256(), 0, 0
        for chunk in chunks:
            digest.update(chunk)
            checksum = zlib.crc32(chunk, checksum)
            size += len(chunk)
            if offset + size > MAX_CONTAINER_BYTES:
                raise Invalid(
                    "The package would be longer than 4 GiB: choose a shorter period or daily sampling.",
                    code="package_too_long",
                )
            self._file.write(chunk)
        self._file.seek(start)
        self._file.write(local_header(encoded, checksum, size))
        self._file.seek(offset + size)
        entry = Entry(name, offset, size, checksum, digest.hexdigest())
        self.entries.append(entry)
        return entry
