"""Data keys: 32 random bytes that encrypt one service's disk, kept only in wrapped form."""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock, SystemClock, parse_rfc3339, rfc3339
from stronghouse.kernel.errors import Invalid
from stronghouse.keys.errors import KeyRefused
from stronghouse.keys.fingerprint import key_fingerprint
from stronghouse.keys.ports import KeyManagement

VERSION = 1
DATA_KEY_BYTES = 32  # AES-256
PURPOSE = "disk encryption"
_SYSTEM_CLOCK = SystemClock()


@dataclass(frozen=True)
class WrappedDataKey:
    """A data key that only its key-management service can open.

    Attributes:
        version: of this form; 1.
        kms: the kind of service that wrapped it, as in `local`.
        key_id: the key-encryption key that wrapped it.
        blob: the wrapped bytes.
        fingerprint: ClickHouse's fingerprint of the plaintext key, hex: what file headers show.
        created_at: when the data key was made.
    """

    version: int
    kms: str
    key_id: str
    blob: bytes
    fingerprint: str
    created_at: datetime

    def to_json(self) -> dict[str, Json]:
        """As JSON, the blob in base64."""
        return {
            "version": self.version,
            "kms": self.kms,
            "key_id": self.key_id,
            "blob": base64.b64encode(self.blob).decode("ascii"),
            "fingerprint": self.fingerprint,
            "created_at": rfc3339(self.created_at),
        }

    @classmethod
    def from_json(cls, value: Json) -> "WrappedDataKey":
        """Read back what `to_json` gave; raises Invalid for anything else."""
        fields = {"version", "kms", "key_id", "blob", "fingerprint", "created_at"}
        if not isinstance(value, dict) or set(value) != fields or value["version"] != VERSION:
            raise Invalid("This is not a wrapped data key of a known version.", code="data_key_malformed")
        texts = {name: text for name, text in value.items() if isinstance(text, str)}
        try:
            return cls(
                version=VERSION,
                kms=texts["kms"],
                key_id=texts["key_id"],
                blob=base64.b64decode(texts["blob"], validate=True),
                fingerprint=texts["fingerprint"],
                created_at=parse_rfc3339(texts["created_at"]),
            )
        except (KeyError, ValueError, binascii.Error):
            raise Invalid("The wrapped data key is damaged.", code="data_key_malformed") from None


def create_data_key(kms: KeyManagement, *, service_id: str, clock: Clock = _SYSTEM_CLOCK) -> WrappedDataKey:
    """A fresh data key for a service's disk, wrapped; the plaintext is not kept."""
    key = secrets.token_bytes(DATA_KEY_BYTES)
    return WrappedDataKey(
        version=VERSION,
        kms=kms.describe().kms,
        key_id=kms.key_id,
        blob=kms.wrap(key, context=_context(service_id)),
        fingerprint=key_fingerprint(key),
        created_at=clock.now(),
    )


def open_data_key(kms: KeyManagement, wrapped: WrappedDataKey, *, service_id: str) -> bytes:
    """The plaintext key of a service's disk: 32 bytes.

    Raises:
        KeyRefused: it does not unwrap for this service, or is not the key that its fingerprint names.
        Unavailable: the key-management service does not answer.
    """
    key = kms.unwrap(wrapped.blob, context=_context(service_id))
    same = hmac.compare_digest(key_fingerprint(key).encode(), wrapped.fingerprint.encode())
    if len(key) != DATA_KEY_BYTES or not same:
        raise KeyRefused("The unwrapped key is not the one that its fingerprint names.", code=KeyRefused.UNAUTHENTIC)
    return key


def _context(service_id: str) -> dict[str, str]:
    return {"purpose": PURPOSE, "service_id": service_id, "version": str(VERSION)}
