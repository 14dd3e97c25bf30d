"""What may be done about people: add one, give a one-time sign-in link, set a password, sign in and out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from stronghouse.access import store
from stronghouse.access.api_keys import hash_text
from stronghouse.access.authentication import UserCaller
from stronghouse.access.events import PasswordSet, SignedIn, SignedOut, SignInFailed, SignInLinkIssued, UserCreated
from stronghouse.access.model import Session, User
from stronghouse.access.passwords import password_matches
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Conflict, Invalid, NotFound, Unauthenticated
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret

MAX_EMAIL = 320  # RFC 3696 erratum 1690: 64 for the local part, 255 for the domain, and the @
MAX_NAME = 256
LINK_LIFETIME = timedelta(hours=24)
SESSION_LIFETIME = timedelta(hours=12)


@dataclass(frozen=True)
class NewSession:
    """A session just begun, with the token for its cookie."""

    session: Session
    token: Secret


def create_member(
    uow: UnitOfWork, *, organization_id: str, email: str, name: str, role_ids: tuple[str, ...], now: datetime
) -> User:
    """Add a person to an organization, without a password yet.

    Raises:
        Invalid: the address is none, or the name is too long or cannot be printed.
        Conflict: the person is a member already.
    """
    address, name = email.strip().lower(), name.strip()
    local, _, domain = address.rpartition("@")
    if not local or not domain or len(address) > MAX_EMAIL or not address.isprintable() or " " in address:
        raise Invalid("This is not an e-mail address.", code="email_invalid")
    if len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(f"A person's name has at most {MAX_NAME} characters, all of them printable.", code="name_invalid")
    user = store.user_by_email(uow.connection, address)
    if user is not None and organization_id in store.memberships(uow.connection, user.id):
        raise Conflict(
            f"{address} is a member already; `stronghouse sign-in-link --email {address}` makes a link.",
            code="member_exists",
        )
    if user is None:
        user = User(id=new_id(), email=address, name=name, password_hash=None, created_at=now)
        store.insert_user(uow.connection, user)
    store.insert_member(
        uow.connection, organization_id=organization_id, user_id=user.id, role_ids=role_ids, joined_at=now
    )
    uow.record(UserCreated(organization_id=organization_id, user_id=user.id, email=user.email, role_ids=list(role_ids)))
    return user


def issue_sign_in_link(uow: UnitOfWork, *, email: str, now: datetime) -> Secret:
    """A token that signs this person in once within a day; raises NotFound for an unknown address."""
    user = store.user_by_email(uow.connection, email)
    if user is None:
        raise NotFound("Nobody has this e-mail address.")
    token = Secret.generate(prefix="sh_link_")
    expires_at = now + LINK_LIFETIME
    store.insert_sign_in_link(
        uow.connection, token_hash=hash_text(token.reveal()), user_id=user.id, expires_at=expires_at
    )
    for organization_id in store.memberships(uow.connection, user.id):
        uow.record(SignInLinkIssued(organization_id=organization_id, user_id=user.id, expires_at=expires_at))
    return token


def sign_in_with_link(uow: UnitOfWork, *, token: Secret, now: datetime) -> NewSession:
    """Spend a link and begin a session; raises Unauthenticated when it is unknown, used or expired."""
    user_id = store.use_sign_in_link(uow.connection, token_hash=hash_text(token.reveal()), now=now)
    if user_id is None:
        raise Unauthenticated("This sign-in link was used already or has expired; make a new one.", code="link_spent")
    return _begin(uow, user_id=user_id, method="link", now=now)


@dataclass(frozen=True)
class Proven:
    """Somebody who has proved to know the password that is stored as `password_hash`."""

    user_id: str
    password_hash: str | None


def check_password(connection: Connection, *, email: str, password: Secret) -> Proven:
    """Compare a password. It takes long on purpose, so do it outside of a transaction.

    Raises:
        Unauthenticated: without saying whether the address or the password was wrong.
        TooMany: too many comparisons run already; each takes 64 MiB.
    """
    user = store.user_by_email(connection, email.strip())
    if not password_matches(user.password_hash if user else None, password) or user is None:
        raise _wrong()
    return Proven(user.id, user.password_hash)


def sign_in_with_password(uow: UnitOfWork, proven: Proven, *, now: datetime) -> NewSession:
    """Begin a session for who proved to know the password; raises Unauthenticated if it was changed meanwhile."""
    user = store.user(uow.connection, proven.user_id)
    if user is None or user.password_hash != proven.password_hash:
        raise _wrong()
    return _begin(uow, user_id=user.id, method="password", now=now)


def _wrong() -> Unauthenticated:
    return Unauthenticated("The e-mail address or the password is wrong.", code="sign_in_failed")


def record_failed_sign_in(uow: UnitOfWork, *, method: str) -> None:
    """Note a failed attempt, in a transaction of its own."""
    uow.record(SignInFailed(organization_id=None, method=method))


def set_first_password(uow: UnitOfWork, caller: UserCaller, *, password_hash: str) -> None:
    """Set the password of a caller who has none yet; every other session and every unused link of theirs ends.

    Raises:
        Conflict: they have one. Changing it needs a proof that comes with the console's step-up.
    """
    user = store.user(uow.connection, caller.user.id)
    if user is None or user.password_hash is not None:
        raise Conflict("You have a password already.", code="password_set")
    store.set_password_hash(uow.connection, user_id=user.id, password_hash=password_hash)
    store.end_other_sessions(uow.connection, user_id=user.id, but=caller.session.id)
    store.delete_sign_in_links(uow.connection, user_id=user.id)
    for organization_id in caller.principal.permissions:
        uow.record(
            PasswordSet(
                organization_id=organization_id, user_id=caller.user.id, credential=store.credential(password_hash)
            )
        )


def sign_out(uow: UnitOfWork, caller: UserCaller) -> None:
    """End the caller's session."""
    store.delete_session(uow.connection, caller.session.id)
    for organization_id in caller.principal.permissions:
        uow.record(SignedOut(organization_id=organization_id, user_id=caller.user.id, session_id=caller.session.id))


def _begin(uow: UnitOfWork, *, user_id: str, method: str, now: datetime) -> NewSession:
    token = Secret.generate(prefix="sh_session_")
    session = Session(
        id=new_id(),
        user_id=user_id,
        created_at=now,
        last_seen_at=now,
        expires_at=now + SESSION_LIFETIME,
        address=uow.context.address,
    )
    store.insert_session(uow.connection, session, token_hash=hash_text(token.reveal()))
    for organization_id in store.memberships(uow.connection, user_id):
        uow.record(SignedIn(organization_id=organization_id, user_id=user_id, session_id=session.id, method=method))
    return NewSession(session, token)
