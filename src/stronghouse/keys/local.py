"""The `local` kind: a key-encryption key from a machine key file that lies outside the state directory.

Blob form "L1", see `sealing`. The file protects against whoever gets the data without the machine (a disk, a backup);
against root of the running machine it cannot.
"""

from collections.abc import Mapping
from pathlib import Path

from stronghouse.keys.key_file import load_or_create_keys
from stronghouse.keys.ports import KeyDescription
from stronghouse.keys.sealing import Sealer

FORM = b"L1"


class LocalKms:
    """Wraps under the machine key.

    Raises:
        KeyFileUnusable: the file exists and is exposed, someone else's, or damaged. It is made if it does not exist.
    """

    def __init__(self, machine_key_file: Path) -> None:
        self.machine_key_file = machine_key_file
        self._sealer = Sealer(FORM, load_or_create_keys(machine_key_file))

    @property
    def key_id(self) -> str:
        """As in `local:0123456789abcdef`."""
        return f"local:{self._sealer.key_id.hex()}"

    def wrap(self, plaintext: bytes, *, context: Mapping[str, str]) -> bytes:
        """`plaintext` sealed for `context`: 38 bytes longer."""
        return self._sealer.seal(plaintext, context)

    def unwrap(self, blob: bytes, *, context: Mapping[str, str]) -> bytes:
        """What was wrapped; raises KeyRefused if it does not open whole."""
        return self._sealer.open(blob, context)

    def describe(self) -> KeyDescription:
        """Kind, id and path of the machine key file."""
        return KeyDescription("local", self.key_id, str(self.machine_key_file), exportable=True)
