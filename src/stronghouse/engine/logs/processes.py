"""`system.processes` as the people of a service should see it: whose query it is, its id, and its own text.

Every statement runs behind the comment `/*sh:<user id> <token> {"q": query id, "u": user, "a": address}*/ `. The front
writes it and it is always first, so nobody can forge it. The engine's own columns `user`, `query_id` and `address` say
the same of all queries.
"""

from typing import Final

_MARKED: Final = "startsWith(p.query, '/*sh:')"
_ABOUT: Final = r"extract(p.query, '^/\\*sh:[0-9a-f]+ [^ ]+ (.*?)\\*/ ')"
_OWN_TEXT: Final = (
    "replaceRegexpOne(substring(p.query, position(p.query, '*/') + 3), "
    r"' INTO OUTFILE \'/dev/fd/[0-9]+\' TRUNCATE( COMPRESSION \'[a-z0-9]+\')?(  FORMAT [A-Za-z0-9]+$)?', '')"
)
"""Without the pipe that the front has put behind it."""
_REPLACED: Final = {
    "user": ("u", "{}"),
    "query_id": ("q", "{}"),
    "address": ("a", "toIPv6OrDefault({})"),
    "initial_user": ("u", "{}"),
    "initial_query_id": ("q", "{}"),
    "initial_address": ("a", "toIPv6OrDefault({})"),
}


def _replacement(name: str) -> str:
    key, form = _REPLACED[name]
    value = form.format(f"JSONExtractString({_ABOUT}, '{key}')")
    return f"if({_MARKED}, {value}, p.{name}) AS {name}"


_COLUMNS: Final = (
    *(_replacement(name) for name in _REPLACED),
    f"if({_MARKED}, {_OWN_TEXT}, p.query) AS query",
    "CAST('HTTP', toTypeName(p.interface)) AS interface",
)
PROCESSES: Final = f"SELECT p.* REPLACE ({', '.join(_COLUMNS)}) FROM system.processes AS p"  # noqa: S608 - our own names
"""The SELECT of the view. Rows are those that the reader may see of `system.processes`."""
