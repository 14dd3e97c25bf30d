"""Which person stands behind an actor, and which members there are to choose from.

Two API keys of one person are one person. So a key counts as the person who made it, through as many keys as lie
between. A key that no person made (the one of the first start is the installation's) is nobody's: with it, nobody can
show that two different persons agreed, so it neither asks for nor approves what takes two.
"""

from sqlalchemy import Connection

from stronghouse.access import store as access
from stronghouse.access.model import User
from stronghouse.audit.event import ActorType
from stronghouse.kernel.errors import Invalid
from stronghouse.responsibility.findings.store import maker_of_key

MAX_CHAIN = 100  # as many keys as an organization may have


def person_behind(connection: Connection, *, actor_type: str, actor_id: str, organization_id: str) -> str | None:
    """The user id of the person who acts, or None if nobody can tell."""
    for _ in range(MAX_CHAIN):
        if actor_type == ActorType.USER:
            return actor_id if access.user(connection, actor_id) is not None else None
        maker = maker_of_key(connection, organization_id=organization_id, key_id=actor_id)
        if actor_type != ActorType.API_KEY or maker is None:
            return None
        actor_type, actor_id = maker
    return None


def find_member(connection: Connection, named: str, *, organization_id: str) -> User:
    """A member by user id or e-mail address; raises Invalid, in the same words for a stranger and for nobody."""
    user = access.user_by_email(connection, named.strip()) if "@" in named else access.user(connection, named.lower())
    if user is None or organization_id not in access.memberships(connection, user.id):
        raise Invalid(f"{named[:64]!r} is no member of this organization.", code="member_unknown")
    return user


def member_view(connection: Connection, user_id: str, *, organization_id: str) -> dict[str, str] | None:
    """A member as documents show them; None for one who is no member (any more)."""
    user = access.user(connection, user_id)
    if user is None or organization_id not in access.memberships(connection, user_id):
        return None
    return {"userId": user.id, "name": user.name, "email": user.email}
