"""What an engine's users file gives to whom: every right in it beside those that the engine may ever give.

The file follows a catalogue that only the worker can open. So it is not compared with another file here, but read as
the engine reads it: whatever the catalogue says, the file may name our own users only, and give them nothing that leads
out of the sandbox.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from stronghouse.engine.access.engine_roles import ALLOWED, OWN_GRANT
from stronghouse.engine.access.privileges import named
from stronghouse.engine.access.rendering import INTERNAL
from stronghouse.engine.configuration import TABLE_ENGINES
from stronghouse.engine.errors import DatabaseError
from stronghouse.kernel.canonical import Json

SHOWN = 10
_DEFINER = re.compile(r"d_[0-9a-f]{16}")
_ROLE = r"(?:[urpx]_[0-9a-f]{16}|g_[0-9]+|[vs]_[a-z_]+)"
_ROLES = re.compile(rf"GRANT {_ROLE}(?:, {_ROLE})*")
_NAME = r"(?:[A-Za-z_][A-Za-z0-9_]*|`(?:[^`\\]|\\.)+`)"
_RIGHT = rf"[A-Za-z]+(?: [A-Za-z]+)*(?:\({_NAME}(?:, {_NAME})*\))?"
_RIGHTS = re.compile(rf"GRANT (?P<rights>{_RIGHT}(?:, {_RIGHT})*) ON (?:\*\.\*|{_NAME}\.(?:\*|{_NAME}))")
_ONE_RIGHT = re.compile(rf"(?P<name>[A-Za-z ]+)(?:\({_NAME}(?:, {_NAME})*\))?(?:, |\Z)")
_SET_DEFINER = re.compile(r"GRANT SET DEFINER ON (?:default|d_[0-9a-f]{16})")
_TABLE_ENGINES = frozenset(f"GRANT TABLE ENGINE ON {name}" for name in TABLE_ENGINES)
_MANAGING = ("access_management", "named_collection_control", "show_named_collections", "allow_databases")


def read_users(document: ET.Element | None) -> Json:
    """What stands in a users file; None where it cannot be read.

    Returns:
        `unknown`, names of users that are not ours; `definers`, how many there are that views run as; `unrestricted`,
        names of users and roles with all rights by having no grants listed; `extra_rights`, what is given beyond what
        the engine may ever give.
    """
    if document is None:
        return None
    users, roles = document.findall("users/*"), document.findall("roles/*")
    unknown = [user.tag for user in users if user.tag != "default" and not _DEFINER.fullmatch(user.tag)]
    extra = [right for holder in (*users, *roles) for right in _extra_rights(holder)]
    return {
        "unknown": [*unknown[:SHOWN]],
        "definers": sum(1 for user in users if _DEFINER.fullmatch(user.tag)),
        "unrestricted": [*[user.tag for user in users if not user.findall("grants/query")][:SHOWN]],
        "extra_rights": [*extra[:SHOWN]],
    }


def _extra_rights(holder: ET.Element) -> Iterator[str]:
    yield from (name for name in _MANAGING if holder.find(name) is not None)
    for query in holder.findall("grants/query"):
        statement = query.text or ""
        own = holder.tag == INTERNAL and statement == OWN_GRANT
        if not own and not statement.startswith("REVOKE ") and not _is_ours(statement):
            yield statement[:200]


def _is_ours(statement: str) -> bool:
    if _ROLES.fullmatch(statement) or _SET_DEFINER.fullmatch(statement) or statement in _TABLE_ENGINES:
        return True
    found = _RIGHTS.fullmatch(statement)  # one place only: a list of places is not of our making
    if found is None:
        return False
    return all(_may_be_given(one["name"]) for one in _ONE_RIGHT.finditer(found["rights"]))


def _may_be_given(name: str) -> bool:
    try:
        return not named(name).bits & ~ALLOWED
    except DatabaseError:
        return False
