"""Who makes a request: an API key by HTTP Basic, or a person by their session."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from stronghouse.access import store
from stronghouse.access.api_keys import hash_text
from stronghouse.access.model import ApiKey, Principal, Session, User
from stronghouse.access.roles import store as role_store
from stronghouse.access.roles.policies import NOTHING, Rights
from stronghouse.access.roles.system import rights
from stronghouse.access.sign_in_policy.model import SignInPolicy
from stronghouse.audit.event import Actor, ActorType
from stronghouse.kernel.errors import Denied, Unauthenticated
from stronghouse.kernel.networks import contains, parse_source
from stronghouse.kernel.secret import Secret

KEY_USE_PRECISION = timedelta(minutes=1)
SESSION_USE_PRECISION = timedelta(minutes=1)
TOKEN_LIFETIME = timedelta(seconds=60)
STEP_UP_LIFETIME = timedelta(minutes=10)
MAX_USER_AGENT = 256
_NO_SUCH_KEY = hash_text("")


class StepUpRequired(Denied):
    """The act needs a fresh proof of who is at the browser."""


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
    """An authenticated person in a browser session.

    Attributes:
        policy: the strictest of their organizations'.
        token_is_fresh: whether the token proves that the browser is still the one of the sign-in. Of a bound session
            only a young one does: whoever got hold of the cookie cannot get the next one.
        token_is_present: whether it is the session's present token, and not the one before.
        token: the token as it was presented.
    """

    user: User
    session: Session
    policy: SignInPolicy
    principal: Principal
    token_is_fresh: bool
    token_is_present: bool
    token: Secret = field(repr=False, compare=False)

    @property
    def must_enroll(self) -> bool:
        """Whether they may do nothing until they have set up a second factor."""
        return self.policy.second_factor_required and self.session.second_factor is None

    def use_is_news(self, now: datetime) -> bool:
        """Whether this use should be noted: last use is kept to the minute."""
        return now - self.session.last_seen_at >= SESSION_USE_PRECISION


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
    return KeyCaller(found[0], _principal_of(connection, found[0], address, now))


def same_key(connection: Connection, key: ApiKey, *, address: str | None, now: datetime) -> Principal:
    """Who a key, which was proven before, acts as now.

    Raises:
        Unauthenticated: it is gone, disabled or expired.
        Denied: it may not be used from this address any more.
    """
    found = store.key(connection, organization_id=key.organization_id, key_id=key.id)
    if found is None:
        raise Unauthenticated("The API key id or secret is wrong.", code="key_unknown")
    return _principal_of(connection, found, address, now)


def _principal_of(connection: Connection, key: ApiKey, address: str | None, now: datetime) -> Principal:
    if key.state != "enabled":
        raise Unauthenticated("This API key is disabled.", code="key_disabled")
    if key.expires_at is not None and key.expires_at <= now:
        raise Unauthenticated("This API key has expired.", code="key_expired")
    allowed = [parse_source(entry.source) for entry in key.ip_access]
    if address is None or not contains(allowed, address):
        raise Denied("This API key may not be used from this address; see its IP access list.", code="key_address")
    actor = Actor(ActorType.API_KEY, key.id, key.name)
    return Principal(actor, {key.organization_id: rights_held(connection, key.organization_id, key.role_ids)})


def rights_held(connection: Connection, organization_id: str, role_ids: tuple[str, ...]) -> Rights:
    """What these roles allow in an organization now."""
    return rights(role_store.roles_held(connection, organization_id, role_ids), role_ids)


def authenticate_session(connection: Connection, *, token: Secret, user_agent: str | None, now: datetime) -> UserCaller:
    """The person whose session this token is.

    The token before the present one holds for a few seconds more, for requests that were under way. Who is asked for a
    second factor and has proved none has no rights anywhere.

    Raises:
        Unauthenticated: it is unknown, or its session is over, was idle too long or began in another browser.
    """
    token_hash = hash_text(token.reveal())
    session = store.session_by_hash(connection, token_hash)
    previous = None if session else store.session_by_previous_hash(connection, token_hash, now=now)
    session = session or previous
    if session is None or session.user_agent != known_user_agent(user_agent):
        raise session_over()
    user, policy = store.user(connection, session.user_id), store.strictest_policy(connection, session.user_id)
    if user is None or not session.is_live(now, policy):
        raise session_over()
    barred = policy.second_factor_required and session.second_factor is None
    held = {
        organization: NOTHING if barred else rights_held(connection, organization, roles)
        for organization, roles in store.memberships(connection, user.id).items()
    }
    return UserCaller(
        user=user,
        session=session,
        policy=policy,
        principal=Principal(Actor(ActorType.USER, user.id, user.email), held),
        token_is_fresh=(session.binding_hash is None or now - session.token_issued_at < TOKEN_LIFETIME),
        token_is_present=previous is None,
        token=token,
    )


def check_binding(caller: UserCaller, binding: Secret | None) -> None:
    """Pass if the request comes from the origin at which the person signed in.

    Raises:
        Denied: `session_unbound`, no script gave the session a secret; or `binding_wrong`, this is not that secret.
    """
    stored = caller.session.binding_hash
    if stored is None:
        raise Denied(
            "Acts need JavaScript in this browser: only a script can prove that a request comes from these pages. "
            "Allow it and sign in again; reading works without.",
            code="session_unbound",
        )
    shown = "" if binding is None else hash_text(binding.reveal())
    if not hmac.compare_digest(shown.encode(), stored.encode()):
        raise Denied(
            "This request does not come from the page at which you signed in; sign in again.", code="binding_wrong"
        )


def require_session(connection: Connection, caller: UserCaller) -> Session:
    """The session as it is now; raises Unauthenticated if it was ended since the caller was let in."""
    session = store.session_of(connection, user_id=caller.user.id, session_id=caller.session.id)
    if session is None:
        raise session_over()
    return session


def require_proven_session(connection: Connection, caller: UserCaller, *, now: datetime) -> None:
    """Pass if the session goes on and stands on a fresh proof, given since the caller was let in or before.

    Raises:
        Unauthenticated: it was ended.
        StepUpRequired: the last proof is too old.
    """
    _require_fresh(require_session(connection, caller), now)


def require_step_up(caller: UserCaller, *, now: datetime) -> None:
    """Pass if the person proved a short time ago who they are; raises StepUpRequired otherwise."""
    _require_fresh(caller.session, now)


def _require_fresh(session: Session, now: datetime) -> None:
    if now - session.stepped_up_at >= STEP_UP_LIFETIME:
        raise StepUpRequired(
            "This needs a fresh proof that it is you: your second factor or your password, or a new sign-in link.",
            code="step_up_required",
        )


def known_user_agent(user_agent: str | None) -> str | None:
    """As much of what a browser calls itself as is kept."""
    return (user_agent or "")[:MAX_USER_AGENT] or None


def session_over() -> Unauthenticated:
    """What is said to whoever has no session, whatever the reason."""
    return Unauthenticated("Please sign in.", code="session_over")
