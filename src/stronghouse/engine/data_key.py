"""Making sure that a data key is the one that a service's data are encrypted under, before the engine sees it."""

import hashlib
import hmac
import json

from stronghouse.engine.configuration import Layout
from stronghouse.kernel.canonical import parse_json
from stronghouse.kernel.errors import Conflict, Invalid
from stronghouse.kernel.files import create_private

KEY_BYTES = 32
_LABEL = b"stronghouse data key check, version 1"
_FILE = "key-check.json"


def check_data_key(layout: Layout, key: bytes) -> None:
    """Compare `key` with the directory's check value, a MAC that tells nothing of the key; a new directory gets one.

    Raises:
        Invalid: not 32 bytes.
        Conflict: the key is another one than the data's, or there are data without a check value.
    """
    if len(key) != KEY_BYTES:
        raise Invalid("A data key is 32 bytes long.", code="data_key_invalid")
    value = hmac.digest(key, _LABEL, hashlib.sha256)
    file = layout.configuration / _FILE
    if not file.exists():
        if layout.disk.exists() and any(layout.disk.iterdir()):
            raise Conflict("The service has data but no check value of their key: restore it.", code="data_key_unknown")
        create_private(file, json.dumps({"version": 1, "hmac_sha256": value.hex()}).encode())
    if not hmac.compare_digest(_read(file.read_bytes()), value):
        raise Conflict("This is not the key that the service's data are encrypted under.", code="data_key_wrong")


def _read(content: bytes) -> bytes:
    try:
        kept = parse_json(content)
        if isinstance(kept, dict) and kept.get("version") == 1:
            return bytes.fromhex(str(kept["hmac_sha256"]))
    except (ValueError, KeyError):
        pass
    raise Conflict("The check value of the service's data key is damaged: restore it.", code="data_key_unknown")
