"""Filed documents at rest: sealed under the control plane's key file, in parts, so that no size needs much memory.

A file `<document>.sealed` is a row of blobs (`keys.sealing`), each of 1 MiB of content but the last. Each is bound to
its document, its organization, its place in the row and to being the last or not: none can be moved, left out or cut
off. It is written under another name, flushed, and gets its own name when it is whole. No plain content touches disk.
"""

import hashlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from stronghouse.kernel.errors import Conflict, Denied, Invalid
from stronghouse.kernel.files import private_directory, sync_directory
from stronghouse.keys.key_file import load_or_create_keys
from stronghouse.keys.sealing import OVERHEAD, Sealer
from stronghouse.responsibility.documents.model import Document, StoredFile

FORM = b"D1"
PART_BYTES = 1024 * 1024
MAX_FILE_BYTES = 25 * 1024 * 1024
SUFFIX, UNFINISHED = ".sealed", ".unfinished"
_BLOB = PART_BYTES + OVERHEAD


class FileDamaged(Conflict):
    """A sealed file is gone, was altered, or is not the one that was filed. Code: `document_damaged`.

    `problem` is what is wrong, to go on after "the file is".
    """

    def __init__(self, document_id: str, problem: str) -> None:
        super().__init__(f"The file of document {document_id} is {problem}; file it again.", code="document_damaged")
        self.problem = problem


class SealedFiles:
    """The sealed files below `directory`.

    Raises:
        KeyFileUnusable: the key file is exposed, someone else's, or damaged. It is made if it does not exist.
    """

    def __init__(self, directory: Path, key_file: Path) -> None:
        self._directory = private_directory(directory)
        self._sealer = Sealer(FORM, load_or_create_keys(key_file))

    def begin(self, document_id: str, organization_id: str) -> "SealedWriter":
        """Begin a new file; `document_id` is one that we made."""
        return SealedWriter(self._path(document_id), self._sealer, _context(document_id, organization_id))

    def read(self, document: Document) -> Iterator[bytes]:
        """The content, part by part; raises FileDamaged where it is not what was filed, at the latest at its end."""
        stored, digest, size = document.file, hashlib.sha256(), 0
        if stored is None:
            raise FileDamaged(document.id, "not there: none was filed")
        for part in self._parts(document):
            digest.update(part)
            size += len(part)
            yield part
        if (digest.hexdigest(), size) != (stored.sha256, stored.size):
            raise FileDamaged(document.id, "not the one that was filed")

    def verify(self, document: Document) -> None:
        """Open and hash the whole file; raises FileDamaged."""
        for _ in self.read(document):
            pass

    def remove(self, document_id: str) -> None:
        """Remove a file, durably; one that is gone already is no error."""
        self._path(document_id).unlink(missing_ok=True)
        sync_directory(self._directory)

    def remove_orphans(self, known: Collection[str]) -> int:
        """Remove what a crash left: unfinished files, and files of no known document. Before anything is filed."""
        found = [
            path
            for path in self._directory.iterdir()
            if path.suffix == UNFINISHED or (path.suffix == SUFFIX and path.stem not in known)
        ]
        for path in found:
            path.unlink(missing_ok=True)
        sync_directory(self._directory)
        return len(found)

    def _parts(self, document: Document) -> Iterator[bytes]:
        context = _context(document.id, document.organization_id)
        try:
            descriptor = os.open(self._path(document.id), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise FileDamaged(document.id, "gone") from None
        except OSError as error:
            raise FileDamaged(document.id, f"unreadable ({error.strerror})") from None
        with os.fdopen(descriptor, "rb") as file:
            blob, place, last = file.read(_BLOB), 0, False
            while not last:
                following = file.read(_BLOB)
                last = not following
                try:
                    yield self._sealer.open(blob, {**context, **_place(place, last=last)})
                except Denied:
                    raise FileDamaged(document.id, "altered, cut off, or sealed by another key") from None
                blob, place = following, place + 1

    def _path(self, document_id: str) -> Path:
        return self._directory / f"{document_id}{SUFFIX}"


class SealedWriter:
    """A file in the making: `write` it, then `finish` or `discard` it."""

    def __init__(self, path: Path, sealer: Sealer, context: dict[str, str]) -> None:
        self._path = path
        self._unfinished = path.with_suffix(UNFINISHED)
        self._sealer = sealer
        self._context = context
        self._digest = hashlib.sha256()
        self._size = self._place = 0
        self._waiting = bytearray()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._unfinished, flags, 0o600), "wb")

    def write(self, content: bytes) -> None:
        """Add content; raises Invalid when it becomes more than 25 MiB."""
        self._size += len(content)
        if self._size > MAX_FILE_BYTES:
            raise Invalid("A document's file has at most 25 MiB.", code="file_too_large")
        self._digest.update(content)
        self._waiting += content
        while len(self._waiting) > PART_BYTES:  # what is left over is never empty: it is the last part
            self._seal(bytes(self._waiting[:PART_BYTES]), last=False)
            del self._waiting[:PART_BYTES]

    def finish(self) -> StoredFile:
        """Put the file in its place, durably; raises Invalid for an empty one."""
        if not self._size:
            raise Invalid("The file is empty.", code="file_empty")
        self._seal(bytes(self._waiting), last=True)
        self._waiting.clear()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._unfinished.replace(self._path)
        sync_directory(self._path.parent)
        return StoredFile(self._digest.hexdigest(), self._size)

    def discard(self) -> None:
        """Leave nothing, finished or not."""
        self._file.close()
        self._unfinished.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)

    def _seal(self, part: bytes, *, last: bool) -> None:
        self._file.write(self._sealer.seal(part, {**self._context, **_place(self._place, last=last)}))
        self._place += 1


def _context(document_id: str, organization_id: str) -> dict[str, str]:
    return {"document": document_id, "organization": organization_id}


def _place(place: int, *, last: bool) -> dict[str, str]:
    return {"part": str(place), "last": "yes" if last else "no"}
