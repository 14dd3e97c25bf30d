"""Whether the disk has room, asked before and after everything that the engine writes for good.

On a full disk the engine reports success of what it wrote only in part (measured, chDB 4.4.0): after CREATE or ALTER
the definition of a table is an empty file, and the engine does not open any more; files of new parts are empty too. So
nothing is begun with little space left, and nothing counts as done when there is none left afterwards.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from stronghouse.engine.errors import DatabaseError

KEPT_FREE_BYTES = 16 << 20
"""What rows must leave free: the engine's own `keep_free_space_bytes`, which it looks at before it writes a part."""
NEEDED_BYTES = 8 << 20
"""What must be free for anything else to begin: a definition has 256 KiB at most, a users file a few MiB."""
LEFT_BYTES = 1 << 20
"""With less than this free afterwards, some of what was written may not have been."""


@dataclass(frozen=True)
class Room:
    """The disk that a service's directory is on."""

    directory: Path

    def need(self) -> None:
        """Ask before writing.

        Raises:
            DatabaseError: 243 when there is too little space, 76 when the disk is read-only or does not answer.
        """
        try:
            disk = os.statvfs(self.directory)
        except OSError as error:
            raise _unusable(error.strerror or "it does not answer") from None
        if disk.f_flag & os.ST_RDONLY:
            raise _unusable("it is read-only")
        if disk.f_bavail * disk.f_frsize < NEEDED_BYTES:
            raise _no_space("nothing was changed")

    def check_left(self) -> None:
        """Ask after writing; raises DatabaseError 243 when what was written may be damaged."""
        try:
            disk = os.statvfs(self.directory)
        except OSError as error:
            raise _unusable(error.strerror or "it does not answer") from None
        if disk.f_bavail * disk.f_frsize < LEFT_BYTES:
            raise _no_space("what was written may be lost")


def _no_space(consequence: str) -> DatabaseError:
    return DatabaseError(
        243, "NOT_ENOUGH_SPACE", f"There is not enough space left on the service's disk: {consequence}"
    )


def _unusable(why: str) -> DatabaseError:
    return DatabaseError(76, "CANNOT_OPEN_FILE", f"The service's disk cannot be written to: {why}")
