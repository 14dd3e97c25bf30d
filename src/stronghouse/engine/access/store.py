"""The catalogue on disk: one file beside the service's data, encrypted and authenticated, replaced whole.

Invariants:
- A catalogue that was saved is there after a crash at any moment: the old one or the new one, never a part.
- A file that was cut, changed or brought from another service is not read as a catalogue, least of all as an empty
  one. Somebody who can write the disk can still put back an older file of the same service: nothing here tells.
- Nothing in the file is readable without a key made from the service's data key.
"""

import base64
import json
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stronghouse.engine.access.catalogue import OWNER, Catalogue, Grant, Method, User
from stronghouse.engine.access.json_form import from_json, to_json
from stronghouse.kernel.canonical import parse_json
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.files import write_private

OWNER_ID = "0" * 16
"""The owner's id, in every service."""
PURPOSE = "access catalogue"
"""What `subkeys.subkey` is asked for."""
_FORMAT = b"stronghouse access catalogue 1\n"
_NONCE_BYTES = 12
_MOST_BYTES = 256 << 20


class CatalogueStore:
    """Keeps one service's catalogue in the file `access.sealed` of a directory."""

    def __init__(self, directory: Path, key: bytes, service_id: str) -> None:
        self._file = directory / "access.sealed"
        self._cipher = AESGCM(key)
        self._context = _FORMAT + service_id.encode()

    def load(self) -> Catalogue | None:
        """The catalogue that was saved last; None where none was.

        Raises:
            Unavailable: code `catalogue_damaged`: there is a file, and it is not what this service saved.
        """
        try:
            content = self._read()
            if content is None:
                return None
            return _parse(self._opened(content))
        except (InvalidTag, ValueError, OSError, RecursionError) as error:
            raise Unavailable(
                "The list of the service's database users is damaged or is another service's: restore it.",
                code="catalogue_damaged",
                detail=f"{self._file.name}: {type(error).__name__}",
            ) from None  # the cause could quote what was decrypted

    def save(self, catalogue: Catalogue) -> None:
        """Replace what is there; returns once it is durable.

        Raises:
            Unavailable: code `catalogue_not_saved`: the disk is full or read-only. What was there still is.
        """
        text = json.dumps({"version": 1, "catalogue": to_json(catalogue)}, separators=(",", ":"))
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), self._context)
        try:
            write_private(self._file, _FORMAT + nonce + sealed)
        except OSError as error:
            raise Unavailable(
                "The list of the service's database users cannot be written: nothing was changed.",
                code="catalogue_not_saved",
                detail=str(error),
            ) from None

    def _read(self) -> bytes | None:
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError("too long")
        return content

    def _opened(self, content: bytes) -> bytes:
        if not content.startswith(_FORMAT):
            raise ValueError("another format")
        sealed = content[len(_FORMAT) :]
        return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._context)


def initial(password_sha256: str) -> Catalogue:
    """What a new service begins with: its owner alone, with all rights and the password of the console.

    Args:
        password_sha256: the SHA-256 of the password in base64, as the control plane keeps it.

    Raises:
        ValueError: it is no such thing.
    """
    method = Method("sha256_password", base64.b64decode(password_sha256, validate=True).hex())
    owner = User(OWNER_ID, OWNER, methods=(method,), grants=(Grant("ALL", grant_option=True),))
    return Catalogue(users={OWNER_ID: owner})


def _parse(text: bytes) -> Catalogue:
    found = parse_json(text)
    if not isinstance(found, dict) or set(found) != {"version", "catalogue"} or found["version"] != 1:
        raise ValueError("another version")
    return from_json(Catalogue, found["catalogue"])
