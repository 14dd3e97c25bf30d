"""What every key-management service must do for us, whoever runs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from stronghouse.kernel.canonical import Json


@dataclass(frozen=True)
class KeyDescription:
    """What may be told about a key-encryption key.

    Attributes:
        kms: the kind, as in `local`.
        key_id: the key that wraps now; blobs of older ones may still open.
        location: where the key lives, for people: a path or a service's address; never a credential.
        exportable: whether the key can be copied out of where it lives.
    """

    kms: str
    key_id: str
    location: str
    exportable: bool

    def to_json(self) -> dict[str, Json]:
        """As JSON."""
        return {"kms": self.kms, "key_id": self.key_id, "location": self.location, "exportable": self.exportable}


class KeyManagement(Protocol):
    """Wraps data keys under a key-encryption key that it does not give away.

    `context` is authenticated: what was wrapped for one context does not unwrap for another.
    """

    @property
    def key_id(self) -> str:
        """Names the key that wraps now; stable for as long as the key is."""
        ...

    def wrap(self, plaintext: bytes, *, context: Mapping[str, str]) -> bytes:
        """A blob that only this service can open, and only for `context`.

        Raises:
            Unavailable: the service does not answer.
        """
        ...

    def unwrap(self, blob: bytes, *, context: Mapping[str, str]) -> bytes:
        """What was wrapped, whole.

        Raises:
            KeyRefused: another key's, altered, or another context's.
            Unavailable: the service does not answer.
        """
        ...

    def describe(self) -> KeyDescription:
        """What may be told about the key."""
        ...
