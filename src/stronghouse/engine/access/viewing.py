"""Who asks to see something of the catalogue, and whether they may."""

from dataclasses import dataclass

from stronghouse.engine.access.catalogue import Catalogue, User
from stronghouse.engine.access.notation import name
from stronghouse.engine.access.rights import Rights
from stronghouse.engine.errors import access_denied
from stronghouse.engine.quotas import Usage


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks.

    Attributes:
        user_id: of the user.
        roles: ids of the roles that are set; those within them are in force too.
        database: the current database.
        usage: what the user has used of the quotas that apply (`QuotaKeeper.usage` with a consumer).
    """

    user_id: str
    roles: frozenset[str]
    database: str = "default"
    usage: tuple[Usage, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """One question: who asks, with which rights, of which catalogue."""

    catalogue: Catalogue
    viewer: Viewer
    rights: Rights
    user: User

    def need(self, privilege: str, database: str | None = None, table: str | None = None) -> None:
        """Raise DatabaseError (497) if the viewer lacks this."""
        if not self.rights.granted(privilege, database, table):
            where = "*.*" if database is None else f"{name(database)}.{'*' if table is None else name(table)}"
            raise access_denied(
                f"{self.user.name}: Not enough privileges. To execute this query, it's necessary to have the grant "
                f"{privilege} ON {where}."
            )
