"""What every key management must do. A provider joins by an entry in `PROVIDERS`."""

from collections.abc import Callable, Mapping
from pathlib import Path

from stronghouse.keys.local import LocalKms
from stronghouse.keys.ports import KeyManagement

# Makes a key management under a key named `key`; the same name in the same directory is the same key.
Provider = Callable[[Path, str], KeyManagement]


def local(directory: Path, key: str) -> KeyManagement:
    """The `local` kind."""
    return LocalKms(directory / key)


PROVIDERS: Mapping[str, Provider] = {"local": local}
