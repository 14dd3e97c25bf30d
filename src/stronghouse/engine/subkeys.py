"""Keys made from a service's data key, one for each purpose: what leaks or wears out of one tells nothing of another.

The data key itself encrypts the engine's disk. Whatever else of the service is sealed gets a key of its own from here.
"""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stronghouse.kernel.errors import Invalid

KEY_BYTES = 32
_LABEL = b"stronghouse subkey, version 1: "


def subkey(data_key: bytes, purpose: str) -> bytes:
    """The 32 bytes for `purpose`, by HKDF-SHA256 (RFC 5869) without salt: the data key is random already.

    Raises:
        Invalid: the data key is not 32 bytes long.
    """
    if len(data_key) != KEY_BYTES:
        raise Invalid("A data key is 32 bytes long.", code="data_key_invalid")
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=_LABEL + purpose.encode()).derive(data_key)
