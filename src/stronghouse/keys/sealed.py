"""The control plane's own secrets at rest: CA keys and the audit log's signing key, each in a sealed file.

The key file is not the machine key of a region: whoever runs the control plane alone cannot open a data key.
"""

import re
from pathlib import Path

from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.files import private_directory, write_private
from stronghouse.kernel.secret import Secret
from stronghouse.keys.key_file import load_or_create_keys
from stronghouse.keys.sealing import Sealer

FORM = b"S1"
SUFFIX = ".sealed"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")


class SealedStore:
    """Named secrets under `directory`, sealed with the keys of `key_file` and bound to their names.

    Raises:
        KeyFileUnusable: the key file is exposed, someone else's, or damaged. It is made if it does not exist.
    """

    def __init__(self, directory: Path, key_file: Path) -> None:
        self._directory = private_directory(directory)
        self._sealer = Sealer(FORM, load_or_create_keys(key_file))

    def load(self, name: str) -> Secret | None:
        """The secret, or None if none was saved under this name; raises KeyRefused if it does not open."""
        try:
            blob = self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        return Secret(self._sealer.open(blob, {"name": name}).decode())

    def save(self, name: str, secret: Secret) -> None:
        """Replace the secret of this name, durably."""
        write_private(self._path(name), self._sealer.seal(secret.reveal().encode(), {"name": name}))

    def _path(self, name: str) -> Path:
        if not _NAME.match(name):
            raise Invalid("A sealed secret's name has 1 to 63 lower-case letters, digits, underscores or hyphens.")
        return self._directory / f"{name}{SUFFIX}"
