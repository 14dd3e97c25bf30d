"""How opening a sealed thing fails.

    KeyRefused (Denied)       the blob is there and does not open
    KeyFileUnusable (Conflict) the key file is missing parts, not private, or not ours

Both carry a stable `code`. An outage of a remote key service is `kernel.errors.Unavailable`: trying again may help.
"""

from typing import ClassVar

from stronghouse.kernel.errors import Conflict, Denied


class KeyRefused(Denied):
    """A sealed blob did not open. Trying again does not help.

    Codes: `key_blob_malformed` (not a blob of this kind), `key_wrong` (sealed by another key), `key_unauthentic`
    (altered, or sealed for another context; authenticated encryption cannot tell these apart).
    """

    MALFORMED: ClassVar[str] = "key_blob_malformed"
    WRONG_KEY: ClassVar[str] = "key_wrong"
    UNAUTHENTIC: ClassVar[str] = "key_unauthentic"


class KeyFileUnusable(Conflict):
    """A key file cannot be used. Codes: `key_file_exposed`, `key_file_malformed`, `key_file_unreadable`."""

    EXPOSED: ClassVar[str] = "key_file_exposed"
    MALFORMED: ClassVar[str] = "key_file_malformed"
    UNREADABLE: ClassVar[str] = "key_file_unreadable"
