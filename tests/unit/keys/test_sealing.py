"""The sealed form, opened by a second implementation: standard-library HKDF and an AAD written out by hand."""

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stronghouse.keys.sealing import Sealer

ROOT = bytes(range(32))


def _hkdf(use: bytes, length: int) -> bytes:
    """RFC 5869 with SHA-256, no salt, one block."""
    extracted = hmac.digest(bytes(32), ROOT, hashlib.sha256)
    return hmac.digest(extracted, b"stronghouse sealing 1|L1|" + use + b"\x01", hashlib.sha256)[:length]


def test_blob_has_the_documented_form_and_no_part_of_the_key() -> None:
    blob = Sealer(b"L1", [b"o" * 32, ROOT]).seal(b"plaintext", {"service_id": "a", "purpose": "p"})
    form, key_id, iv, sealed = blob[:2], blob[2:10], blob[10:22], blob[22:]
    key = _hkdf(b"key", 32)
    assert (form, key_id) == (b"L1", _hkdf(b"id", 8))
    associated = b'{"context":{"purpose":"p","service_id":"a"},"format":"L1","key_id":"' + key_id.hex().encode() + b'"}'
    assert AESGCM(key).decrypt(iv, sealed, associated) == b"plaintext"
    assert len(blob) == len(b"plaintext") + 38
    assert key_id not in key
    assert key_id not in ROOT
