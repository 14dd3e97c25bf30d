"""A file of root keys: private from birth, made once even when two processes start together, refused when exposed.

Its text is a header line and one base64 key of 32 bytes a line. The last line is the current key; earlier ones only
open what they once sealed, so a rotation adds a line and loses nothing.
"""

import base64
import os
import secrets
import stat
from pathlib import Path

from stronghouse.kernel.files import create_private
from stronghouse.keys.errors import KeyFileUnusable

HEADER = "stronghouse-key-file-1"
KEY_BYTES = 32
MAX_FILE_BYTES = 64 * 1024


def load_or_create_keys(path: Path) -> list[bytes]:
    """The keys in `path`, oldest first; makes the file with one fresh key if there is none.

    Raises:
        KeyFileUnusable: others than its owner may reach it, it belongs to someone else, or it is not a key file.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        create_private(path, f"{HEADER}\n{fresh}\n".encode())  # another process may win: then its key is ours too
    return _parse(path, _read(path))


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise KeyFileUnusable(
            f"The key file {path} cannot be read: {error.strerror}.", code=KeyFileUnusable.UNREADABLE
        ) from None
    try:
        _refuse_exposed(path, os.fstat(descriptor))  # of the opened file: no other can be put in its place
        return os.read(descriptor, MAX_FILE_BYTES + 1)
    finally:
        os.close(descriptor)


def _refuse_exposed(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileUnusable(f"The key file {path} is not a regular file.", code=KeyFileUnusable.UNREADABLE)
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise KeyFileUnusable(
            f"The key file {path} can be reached by other users (mode {mode:04o}). Take it as known to them; if nobody "
            f"else had access, run: chmod 600 {path}",
            code=KeyFileUnusable.EXPOSED,
        )
    if status.st_uid not in {os.geteuid(), 0}:
        raise KeyFileUnusable(
            f"The key file {path} belongs to user {status.st_uid}; Stronghouse runs as user {os.geteuid()}.",
            code=KeyFileUnusable.EXPOSED,
        )


def _parse(path: Path, content: bytes) -> list[bytes]:
    malformed = KeyFileUnusable(
        f"The file {path} is not a Stronghouse key file, or was damaged. Restore it from its copy; a new one cannot "
        "open what the old one sealed.",
        code=KeyFileUnusable.MALFORMED,
    )
    if len(content) > MAX_FILE_BYTES:
        raise malformed
    header, *lines = content.decode("ascii", errors="replace").splitlines()[:1000] or [""]
    try:
        keys = [base64.b64decode(line, validate=True) for line in lines]
    except ValueError:  # binascii.Error is one, and text beyond ASCII is another
        raise malformed from None
    if header != HEADER or not keys or any(len(key) != KEY_BYTES for key in keys):
        raise malformed
    return keys
