"""Who makes a request: an API key by HTTP Basic, or a person by their session."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from stronghouse.access import store
from stronghouse.access.api_keys import hash_text
from stronghouse.access.model import ApiKey, Principal, Session, User
from stronghouse.access.roles import permissions_of
from stronghouse.audit.event import Actor, ActorType
from stronghouse.kernel.errors import Denied, Unauthenticated
from stronghouse.kernel.networks import contains, parse_source
from stronghouse.kernel.secret import Secret

KEY_USE_PRECISION = timedelta(minutes=1)
SESSION_IDLE = timedelta(hours=1)
_NO_SUCH_KEY = hash_text("")


@dataclass(frozen=True)
class KeyCaller:
    """An authenticated API key."""

    key: ApiKey
    principal: Principal

    def use_is_news(self, now: datetime) -> bool:
        """Whether this use should be noted: last use is kept to the minute."""
        return self.key.used_at is None or now - self.key.used_at >= KEY_USE_PRECISION


@dataclass(frozen=True)
class UserCaller:
    """An authenticated person in a browser session."""

    user: User
    session: Session
    principal: Principal


def authenticate_key(
    connection: Connection, *, key_id: str, key_secret: Secret, address: str | None, now: datetime
) -> KeyCaller:
    """The key that these credentials prove.

    The same hashes are computed and compared whether or not the key exists.

    Raises:
        Unauthenticated: unknown, wrong secret, disabled or expired.
        Denied: a good key from an address that it does not allow.
    """
    found = store.key_by_hash(connection, hash_text(key_id))
    expected = found[1] if found else _NO_SUCH_KEY
    proven = hmac.compare_digest(hash_text(key_secret.reveal()).encode(), expected.encode())
    if found is None or not proven:
        raise Unauthenticated("The API key id or secret is wrong.", code="key_unknown")
    key = found[0]
    if key.state != "enabled":
        raise Unauthenticated("This API key is disabled.", code="key_disabled")
    if key.expires_at is not None and key.expires_at <= now:
        raise Unauthenticated("This API key has expired.", code="key_expired")
    allowed = [parse_source(entry.source) for entry in key.ip_access]
    if address is None or not contains(allowed, address):
        raise Denied("This API key may not be used from this address; see its IP access list.", code="key_address")
    actor = Actor(ActorType.API_KEY, key.id, key.name)
    return KeyCaller(key, Principal(actor, {key.organization_id: permissions_of(key.role_ids)}))


def authenticate_session(connection: Connection, *, token: Secret, now: datetime) -> UserCaller:
    """The person whose session this token is; raises Unauthenticated when it is unknown, idle too long or over."""
    session = store.session_by_hash(connection, hash_text(token.reveal()))
    if session is None or session.expires_at <= now or now - session.last_seen_at > SESSION_IDLE:
        raise Unauthenticated("Please sign in.", code="session_over")
    user = store.user(connection, session.user_id)
    if user is None:
        raise Unauthenticated("Please sign in.", code="session_over")
    held = {
        organization: permissions_of(roles) for organization, roles in store.memberships(connection, user.id).items()
    }
    return UserCaller(user, session, Principal(Actor(ActorType.USER, user.id, user.email), held))
