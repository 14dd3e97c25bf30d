"""Making chDB's database `default` a plain one.

chDB opens `default` as an overlay of a plain database and one that takes any table's name for the path of a file
(measured: ``SELECT * FROM `/tmp/x.csv` `` read the file). So it is detached and attached again as what its definition
says, which takes 10 ms. For that the definition, and the link that the overlay reads its id from, must be there before
the engine opens: the engine itself makes the link with the first table only, and without it the database is lost.
"""

import re
import uuid
from pathlib import Path

from stronghouse.engine.configuration import Layout
from stronghouse.engine.connection import Connection
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.files import private_directory, write_private

_DEFINITION = "ATTACH DATABASE _ UUID '{id}'\nENGINE = Atomic\n"
_ID = re.compile(r"ATTACH DATABASE _ UUID '([0-9a-f-]{36})'\s+ENGINE = Atomic\s*")


def prepare_default_database(layout: Layout) -> None:
    """Make the definition and the link, if they are not there. Call it before the engine opens."""
    metadata = private_directory(layout.engine / "metadata")
    definition, link = metadata / "default.sql", metadata / "default"
    if not definition.exists():
        link.unlink(missing_ok=True)
        write_private(definition, _DEFINITION.format(id=uuid.uuid4()).encode())
    match = _ID.fullmatch(definition.read_text())
    if match is None:
        raise Unavailable("The definition of the database `default` is damaged.", code="engine_unsound")
    if not link.is_symlink():
        store = Path("store") / match[1][:3] / match[1]
        private_directory(layout.engine / store)
        link.symlink_to(Path("..") / store)


def plain_default_database(connection: Connection) -> None:
    """Exchange the overlay for the database itself. Raises DatabaseError."""
    connection.query("DETACH DATABASE default")
    connection.query("ATTACH DATABASE default")
