"""What the audit log says of an API key, as its page tells it: a line for what went and one for what came."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from stronghouse.access.model import ApiKey
from stronghouse.access.roles.system import Roles
from stronghouse.audit import query as audit
from stronghouse.audit.presentation import Change, changes
from stronghouse.audit.query import AuditQuery
from stronghouse.console.key_view import role_names
from stronghouse.kernel.canonical import Json

SHOWN_EVENTS = 5
ASPECTS = {
    "name": "Name",
    "role": "Role",
    "state": "State",
    "date": "Ends",
    "ip-access-list": "Address",
}
"""What each kind of change is called (`KeyUpdated.change`, without its ending)."""
OTHERS = {"api_key.create": "The key was made.", "api_key.refuse": "A request with the key was refused."}


@dataclass(frozen=True)
class Happening:
    """An event about a key.

    Attributes:
        gone: what was so before, each with what it is; and `came`: what is so since.
    """

    event_id: str
    at: str
    who: str
    what: str
    gone: list[str]
    came: list[str]


def history_of(connection: Connection, key: ApiKey, roles: Roles) -> list[Happening]:
    """The newest events about a key, the newest first."""
    wanted = AuditQuery(organization_id=key.organization_id, code="api_key", text=key.id)
    entries = audit.page(connection, wanted, limit=SHOWN_EVENTS).entries
    return [_happening(entry.event(), roles) for entry in entries]


def _happening(event: dict[str, Any], roles: Roles) -> Happening:
    actor, code = event["actor"], str(event["code"])
    change = next(iter(changes(event)), None)
    if change is None:
        what, gone, came = OTHERS.get(code, str(event["summary"])), list[str](), list[str]()
    else:
        what, gone, came = (
            "",
            _texts(change, change.removed, change.before, roles),
            _texts(change, change.added, change.after, roles),
        )
    return Happening(event["id"], event["time"], actor["details"] or actor["id"], what, gone, came)


def _texts(change: Change, part: tuple[Json, ...], whole: Json, roles: Roles) -> list[str]:
    """One line for each entry of a list that came or went, one for a value."""
    values = part if isinstance(change.before, list) or isinstance(change.after, list) else (whole,)
    texts = [str(value) for value in values]
    if change.field == "date":
        texts = ["no end" if value is None else f"{str(value)[:16].replace('T', ' ')} UTC" for value in values]
    elif change.field == "role":
        texts = list(role_names(texts, roles))
    return [f"{ASPECTS.get(change.field, change.field)}: {text}" for text in texts]
