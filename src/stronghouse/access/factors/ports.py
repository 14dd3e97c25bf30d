"""What second factors need from elsewhere."""

from collections.abc import Mapping
from typing import Protocol


class Sealing(Protocol):
    """Seals small secrets for a context; `keys.sealing.Sealer` does."""

    def seal(self, plaintext: bytes, context: Mapping[str, str]) -> bytes:
        """`plaintext`, sealed for `context`."""

    def open(self, blob: bytes, context: Mapping[str, str]) -> bytes:
        """What was sealed; raises a StronghouseError for what was altered or sealed for another context."""
