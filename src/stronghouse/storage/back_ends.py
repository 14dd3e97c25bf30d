"""What a back end gives to `Database`; everything else of it is its own affair."""

from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from stronghouse.kernel.errors import StronghouseError


class BackEnd(Protocol):
    """One kind of database.

    Attributes:
        file: the database's own file, where it is one.
        place: what people call it: a path, or an address without secrets.
        reads: connections that give a snapshot and refuse to write.
        writes: the one connection that writes. Beginning a transaction on it waits for the writers of all processes.
    """

    file: Path | None
    place: str
    reads: Engine
    writes: Engine

    def claim(self) -> None:
        """From the next transaction on, keep every other control plane out, for as long as this process lives."""
        ...

    def check(self, connection: Connection) -> None:
        """Raise Conflict or Unavailable where the server or the database is not as it has to be."""
        ...

    def version(self, connection: Connection) -> str:
        """Product and version, as people write it."""
        ...

    def told(self, error: DBAPIError, *, writing: bool) -> StronghouseError | None:
        """What an error of the driver means to a caller who reads or writes; None for those that are bugs of ours."""
        ...
