"""Sealing small secrets under a root key: AES-256-GCM with the context bound in, in one versioned form.

A blob is `format (2) | key id (8) | IV (12) | ciphertext | tag (16)`. The authenticated data is the canonical JSON of
format, key id and context, so that neither can be exchanged. Sealing key and key id come from the root key by
HKDF-SHA256 (RFC 5869) under different labels: one key, one use, and an id that says nothing about the key.
"""

import os
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stronghouse.kernel.canonical import canonical_json
from stronghouse.keys.errors import KeyRefused

FORMAT_BYTES = 2
KEY_ID_BYTES = 8
IV_BYTES = 12  # NIST SP 800-38D section 5.2.1.1: the length that needs no hashing
TAG_BYTES = 16
OVERHEAD = FORMAT_BYTES + KEY_ID_BYTES + IV_BYTES + TAG_BYTES


class Sealer:
    """Seals under the newest of some root keys and opens under any of them.

    Args:
        form: two ASCII bytes that name format and version of the blobs, as in `b"L1"`.
        roots: root keys of 32 bytes, oldest first; at least one.
    """

    def __init__(self, form: bytes, roots: Sequence[bytes]) -> None:
        if len(form) != FORMAT_BYTES or not roots:
            raise ValueError("a sealer needs a two-byte format and a root key")
        self._form = form
        self._ciphers = {
            _derive(root, form, b"id", KEY_ID_BYTES): AESGCM(_derive(root, form, b"key", 32)) for root in roots
        }
        self.key_id = list(self._ciphers)[-1]

    def seal(self, plaintext: bytes, context: Mapping[str, str]) -> bytes:
        """`plaintext` sealed for `context` under the newest key."""
        iv = os.urandom(IV_BYTES)
        sealed = self._ciphers[self.key_id].encrypt(iv, plaintext, self._associated(self.key_id, context))
        return self._form + self.key_id + iv + sealed

    def open(self, blob: bytes, context: Mapping[str, str]) -> bytes:
        """What was sealed.

        Raises:
            KeyRefused: not such a blob, sealed by a key that is not here, altered, or sealed for another context.
        """
        if len(blob) < OVERHEAD or not blob.startswith(self._form):
            raise KeyRefused("This is not a sealed key of a known form.", code=KeyRefused.MALFORMED)
        key_id = blob[FORMAT_BYTES : FORMAT_BYTES + KEY_ID_BYTES]
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise KeyRefused(
                f"This was sealed by the key {key_id.hex()}, which the key file does not hold (it is at "
                f"{self.key_id.hex()}). Use the key file that belongs to this state directory.",
                code=KeyRefused.WRONG_KEY,
            )
        body = FORMAT_BYTES + KEY_ID_BYTES
        iv, sealed = blob[body : body + IV_BYTES], blob[body + IV_BYTES :]
        try:
            return cipher.decrypt(iv, sealed, self._associated(key_id, context))
        except InvalidTag:
            raise KeyRefused(
                "The sealed key was altered, or it belongs to something else.", code=KeyRefused.UNAUTHENTIC
            ) from None

    def _associated(self, key_id: bytes, context: Mapping[str, str]) -> bytes:
        return canonical_json({"format": self._form.decode("ascii"), "key_id": key_id.hex(), "context": dict(context)})


def _derive(root: bytes, form: bytes, use: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt=None, info=b"stronghouse sealing 1|" + form + b"|" + use).derive(root)
