"""What the service itself needs: databases that stay, and merges of its own tables that go on."""

from collections.abc import Sequence

from stronghouse.engine.errors import access_denied
from stronghouse.engine.tokens import Token

KEPT = frozenset({"default", "system", "information_schema", "_stronghouse"})
"""In lower case. Without `default` the engine does not open again."""
_STOPPED = ("MERGES", "MOVES")


def check_databases(tokens: Sequence[Token]) -> None:
    """Nobody drops, empties or renames a database that the service needs. Raises 497."""
    if not (tokens[0].says("DROP", "DETACH", "TRUNCATE", "RENAME") and tokens[1].says("DATABASE")):
        return
    for token in tokens[2:]:
        if token.says("{"):
            raise access_denied(f"{tokens[0].text} DATABASE takes names that are written out, in this service.")
        if token.is_name and token.text.lower() in KEPT:
            raise access_denied(
                f"{tokens[0].text} DATABASE is not allowed for database {token.text}: this service needs it."
            )


def check_stopping(tokens: Sequence[Token]) -> None:
    """Merges and moves are stopped for tables by name only: all would be the service's own too. Raises 497."""
    if not (tokens[0].says("SYSTEM") and tokens[1].says("STOP")):
        return
    place = 3 if tokens[2].says("TTL") else 2
    if tokens[place].says(*_STOPPED) and (len(tokens) == place + 1 or tokens[place + 1].says("ON")):
        raise access_denied(f"SYSTEM STOP {tokens[place].text} has to name a table, in this service.")
