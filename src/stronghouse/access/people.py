"""What may be done about people: add one, give a one-time sign-in link, set a password, sign in, step up, sign out."""

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from stronghouse.access import store
from stronghouse.access.api_keys import hash_text
from stronghouse.access.authentication import UserCaller, known_user_agent, require_session, require_step_up
from stronghouse.access.events import (
    PasswordSet,
    SessionRefused,
    SignedIn,
    SignedOut,
    SignedOutEverywhere,
    SignInFailed,
    SignInLinkIssued,
    SteppedUp,
    StepUpFailed,
    UserCreated,
)
from stronghouse.access.factors import store as factor_store
from stronghouse.access.factors.events import PasskeyRefused, SecondFactorAsked, SecondFactorFailed
from stronghouse.access.factors.model import Passkey, PendingSignIn, SecondFactor
from stronghouse.access.invitations.ending import forget_invitation
from stronghouse.access.model import Session, User
from stronghouse.access.passwords import password_matches
from stronghouse.audit.event import Outcome
from stronghouse.audit.unit_of_work import AuditLog, UnitOfWork
from stronghouse.kernel.errors import Conflict, Denied, Invalid, NotFound, Unauthenticated
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret

MAX_EMAIL = 320  # RFC 3696 erratum 1690: 64 for the local part, 255 for the domain, and the @
MAX_NAME = 256
LINK_LIFETIME = timedelta(hours=24)
UNBOUND_LIFETIME = timedelta(hours=2)
"""Of a session that no script bound to its browser: whoever gets its cookie reads what it may read until it ends."""
PENDING_LIFETIME = timedelta(minutes=10)
MAX_TRIES = 5
"""Second factors that may be tried after one password or link."""
TOKEN_YOUNG = timedelta(seconds=20)
PREVIOUS_TOKEN_LIFETIME = timedelta(seconds=10)
MIN_BINDING = 22  # 128 bits in base64url
TOKEN_PREFIX = "sh_session_"  # noqa: S105 - what a token begins with


@dataclass(frozen=True)
class NewSession:
    """A session just begun, with the token for its cookie."""

    session: Session
    token: Secret


@dataclass(frozen=True)
class FactorAsked:
    """A password or link held, and the person has a second factor: `token` is the sign-in until it is proven."""

    user_id: str
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
    check_name(name)
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
    forget_invitation(uow, organization_id=organization_id, email=user.email)
    return user


def check_name(name: str) -> None:
    """Raise Invalid for what cannot be a person's name."""
    if len(name.strip()) > MAX_NAME or not name.isprintable():
        raise Invalid(f"A person's name has at most {MAX_NAME} characters, all of them printable.", code="name_invalid")


def end_everything(connection: Connection, *, user_id: str) -> int:
    """End all sessions, unused links and half sign-ins of a person; how many sessions."""
    ended = store.end_sessions(connection, user_id=user_id)
    store.delete_sign_in_links(connection, user_id=user_id)
    factor_store.delete_pendings(connection, user_id=user_id)
    return ended


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
    for organization_id in store.places(uow.connection, user.id):
        uow.record(SignInLinkIssued(organization_id=organization_id, user_id=user.id, expires_at=expires_at))
    return token


def sign_in_with_link(
    uow: UnitOfWork, *, token: Secret, now: datetime, binding: Secret | None = None
) -> NewSession | FactorAsked:
    """Spend a link and begin a session, bound to the secret that the browser's script made, if it did.

    For whoever has a second factor no session begins until `complete_sign_in` is called with it.

    Raises:
        Unauthenticated: the link is unknown, used or expired.
        Invalid: the secret is too short to be one.
    """
    user_id = store.use_sign_in_link(uow.connection, token_hash=hash_text(token.reveal()), now=now)
    if user_id is None:
        raise Unauthenticated("This sign-in link was used already or has expired; make a new one.", code="link_spent")
    return _enter(uow, user_id=user_id, method="link", binding=binding, now=now)


def link_owner(connection: Connection, *, token: Secret, now: datetime) -> User | None:
    """Whom this link signs in; None for one that is unknown, used or expired."""
    return store.sign_in_link_owner(connection, token_hash=hash_text(token.reveal()), now=now)


def end_replaced(uow: UnitOfWork, *, token: Secret) -> None:
    """End the session that a browser had before it began another, if it had one."""
    replaced = store.session_by_hash(uow.connection, hash_text(token.reveal()))
    if replaced is None:
        return
    store.delete_session(uow.connection, replaced.id)
    for organization_id in store.places(uow.connection, replaced.user_id):
        uow.record(SignedOut(organization_id=organization_id, user_id=replaced.user_id, session_id=replaced.id))


@dataclass(frozen=True)
class Proven:
    """Somebody who has proved to know the password that is stored as `password_hash`."""

    user_id: str
    password_hash: str | None


def check_password(connection: Connection, *, email: str, password: Secret, is_known: bool = False) -> Proven:
    """Compare a password. It takes long on purpose, so do it outside of a transaction.

    `is_known` says that the person is signed in already.

    Raises:
        Unauthenticated: without saying whether the address or the password was wrong.
        TooMany: too many comparisons run already; each takes 64 MiB.
    """
    user = store.user_by_email(connection, email.strip())
    stored = user.password_hash if user else None
    if not password_matches(stored, password, is_known=is_known) or user is None:
        raise _wrong()
    return Proven(user.id, user.password_hash)


def sign_in_with_password(
    uow: UnitOfWork, proven: Proven, *, now: datetime, binding: Secret | None = None
) -> NewSession | FactorAsked:
    """Begin a session for who proved to know the password, or ask for more, as `sign_in_with_link` says.

    Raises:
        Unauthenticated: the password was changed meanwhile.
        Invalid: the secret is too short to be one.
    """
    _check_proof(uow, proven, user_id=proven.user_id)
    return _enter(uow, user_id=proven.user_id, method="password", binding=binding, now=now)


def sign_in_with_passkey(
    uow: UnitOfWork, passkey: Passkey, *, now: datetime, binding: Secret | None = None
) -> NewSession:
    """Begin a session for whoever's passkey just signed; it verified its person, so nothing more is asked.

    Raises:
        Invalid: the binding is too short to be one.
    """
    return begin_session(
        uow, user_id=passkey.user_id, method="passkey", binding=binding, now=now, factor=SecondFactor.PASSKEY
    )


def record_passkey_refused(uow: UnitOfWork, passkey: Passkey) -> None:
    """Note that a passkey was refused because there may be a copy of it, in a transaction of its own."""
    for organization_id in store.places(uow.connection, passkey.user_id):
        uow.record(
            PasskeyRefused(
                organization_id=organization_id, outcome=Outcome.DENIED, user_id=passkey.user_id, name=passkey.name
            )
        )


def pending_sign_in(connection: Connection, *, token: Secret, now: datetime) -> tuple[PendingSignIn, User]:
    """The sign-in that a token stands for, and whose it is; raises Unauthenticated for one that is over."""
    found = factor_store.pending(connection, token_hash=hash_text(token.reveal()), now=now)
    user = None if found is None else store.user(connection, found.user_id)
    if found is None or user is None:
        raise _pending_over()
    return found, user


def count_factor_try(connection: Connection, *, token: Secret) -> None:
    """Count that a second factor is tried, before it is; raises Unauthenticated after too many."""
    if not factor_store.count_try(connection, token_hash=hash_text(token.reveal()), most=MAX_TRIES):
        raise _pending_over()


def complete_sign_in(
    uow: UnitOfWork, *, token: Secret, factor: SecondFactor, now: datetime, binding: Secret | None = None
) -> NewSession:
    """Begin the session of somebody who has proved `factor` as well.

    Raises:
        Unauthenticated: the sign-in is over: too old, completed, or ended with the person's other sessions.
        Invalid: the binding is too short to be one.
    """
    found, user = pending_sign_in(uow.connection, token=token, now=now)
    factor_store.delete_pending(uow.connection, token_hash=hash_text(token.reveal()))
    return begin_session(uow, user_id=user.id, method=found.method, binding=binding, now=now, factor=factor)


def record_failed_factor(uow: UnitOfWork, *, user_id: str) -> None:
    """Note that a wrong second factor followed a right password or link, in a transaction of its own."""
    for organization_id in store.places(uow.connection, user_id):
        uow.record(SecondFactorFailed(organization_id=organization_id, outcome=Outcome.FAILURE, user_id=user_id))


def _pending_over() -> Unauthenticated:
    return Unauthenticated("That took too long or too many tries; sign in anew.", code="sign_in_over")


def _check_proof(uow: UnitOfWork, proven: Proven, *, user_id: str) -> None:
    """Raise Unauthenticated unless somebody proved to know the password that this person has now."""
    user = store.user(uow.connection, user_id)
    if user is None or proven != Proven(user.id, user.password_hash):
        raise _wrong()


def _wrong() -> Unauthenticated:
    return Unauthenticated("The e-mail address or the password is wrong.", code="sign_in_failed")


def record_failed_sign_in(uow: UnitOfWork, *, method: str) -> None:
    """Note a failed attempt, in a transaction of its own."""
    uow.record(SignInFailed(organization_id=None, outcome=Outcome.FAILURE, method=method))


def token_is_young(caller: UserCaller, *, now: datetime) -> bool:
    """Whether the browser's token was made a moment ago, so that another is not needed yet."""
    return caller.token_is_present and now - caller.session.token_issued_at < TOKEN_YOUNG


def renew_token(connection: Connection, caller: UserCaller, *, now: datetime) -> Secret:
    """The next token of a bound session; the present one holds for ten seconds more.

    Check the binding first. The next token follows from the present one and from the hash of the session's secret, so
    that several tabs that ask at once all get the same, and whoever knows the present one only cannot make it.

    Raises:
        Conflict: the session has got further already; the browser holds a newer token.
    """
    session = caller.session
    if session.binding_hash is None:
        raise Conflict("Only a session that is bound to its browser's storage renews its token.", code="token_unbound")
    made_of = f"{TOKEN_PREFIX}\n{session.binding_hash}"
    digest = hmac.digest(caller.token.reveal().encode(), made_of.encode(), "sha256")
    token = Secret(TOKEN_PREFIX + base64.urlsafe_b64encode(digest).decode().rstrip("="))
    store.replace_token(
        connection,
        session_id=session.id,
        old_hash=hash_text(caller.token.reveal()),
        new_hash=hash_text(token.reveal()),
        now=now,
        old_until=now + PREVIOUS_TOKEN_LIFETIME,
    )
    if store.session_by_hash(connection, hash_text(token.reveal())) is None:
        raise Conflict("This session has a newer token already.", code="token_renewed")
    return token


def step_up(uow: UnitOfWork, caller: UserCaller, proven: Proven | SecondFactor, *, now: datetime) -> None:
    """Let the session do for ten minutes what needs a fresh proof: a second factor, or the password of who has none.

    Raises:
        Unauthenticated: the proof is another person's, or of a password that was changed, or the session has ended.
        Denied: a password is not enough for whoever has a second factor.
    """
    require_session(uow.connection, caller)
    if isinstance(proven, Proven):
        _check_proof(uow, proven, user_id=caller.user.id)
        if factor_store.factors_of(uow.connection, caller.user.id).enrolled:
            raise Denied("You have a second factor; prove that one.", code="second_factor_needed")
    store.mark_stepped_up(uow.connection, session_id=caller.session.id, now=now)
    for organization_id in store.places(uow.connection, caller.user.id):
        uow.record(SteppedUp(organization_id=organization_id, user_id=caller.user.id, session_id=caller.session.id))


def record_failed_step_up(uow: UnitOfWork, caller: UserCaller) -> None:
    """Note that a wrong password or second factor was given in a session, in a transaction of its own."""
    for organization_id in store.places(uow.connection, caller.user.id):
        uow.record(
            StepUpFailed(
                organization_id=organization_id,
                outcome=Outcome.FAILURE,
                user_id=caller.user.id,
                session_id=caller.session.id,
            )
        )


def record_binding_refused(uow: UnitOfWork, caller: UserCaller) -> None:
    """Note that an act came with a session's cookie, but not from its browser's pages."""
    for organization_id in store.places(uow.connection, caller.user.id):
        uow.record(
            SessionRefused(
                organization_id=organization_id,
                outcome=Outcome.DENIED,
                user_id=caller.user.id,
                session_id=caller.session.id,
            )
        )


def change_password(
    uow: UnitOfWork, caller: UserCaller, proven: Proven | None, *, password_hash: str, now: datetime
) -> None:
    """Set the caller's password; every other session and every unused link of theirs ends.

    Args:
        uow: the transaction.
        caller: whose password it is.
        proven: that they know the password that they have; None if they have none yet.
        password_hash: of the new one, by `passwords.hash_password`.
        now: the time.

    Raises:
        StepUpRequired: the first password is set too long after signing in.
        Conflict: they have one, and nothing proves that they know it.
        Unauthenticated: the proof does not hold, or the session has ended.
    """
    require_session(uow.connection, caller)
    user = store.user(uow.connection, caller.user.id)
    if proven is not None:
        _check_proof(uow, proven, user_id=caller.user.id)
    elif user is None or user.password_hash is not None:
        raise Conflict("You have a password already; changing it needs the present one.", code="password_set")
    else:
        require_step_up(caller, now=now)
    store.set_password_hash(uow.connection, user_id=caller.user.id, password_hash=password_hash)
    store.end_sessions(uow.connection, user_id=caller.user.id, but=caller.session.id)
    store.delete_sign_in_links(uow.connection, user_id=caller.user.id)
    factor_store.delete_pendings(uow.connection, user_id=caller.user.id)
    credential = store.credential(password_hash)
    for organization_id in store.places(uow.connection, caller.user.id):
        uow.record(PasswordSet(organization_id=organization_id, user_id=caller.user.id, credential=credential))


def sign_out(uow: UnitOfWork, caller: UserCaller) -> None:
    """End the caller's session."""
    _end(uow, caller, session_id=caller.session.id)


def end_session(uow: UnitOfWork, caller: UserCaller, *, session_id: str) -> None:
    """End one of the caller's own sessions; raises NotFound for any other."""
    if store.session_of(uow.connection, user_id=caller.user.id, session_id=session_id) is None:
        raise NotFound("You have no such session.")
    _end(uow, caller, session_id=session_id)


def sign_out_everywhere(uow: UnitOfWork, caller: UserCaller) -> int:
    """End all sessions of the caller, this one too, and all unused links; how many sessions."""
    return _end_all(uow, user_id=caller.user.id)


def sign_out_member(uow: UnitOfWork, *, email: str) -> int:
    """The same for somebody else, by their address; raises NotFound when nobody has it."""
    user = store.user_by_email(uow.connection, email.strip())
    if user is None:
        raise NotFound("Nobody has this e-mail address.")
    return _end_all(uow, user_id=user.id)


def forget_ended(log: AuditLog, now: datetime) -> None:
    """Remove sessions and links that have ended by themselves: a job of maintenance."""
    with log.bookkeeping("a session or link past its end is worth nothing any more") as connection:
        store.delete_ended(connection, now=now)
        factor_store.delete_ended(connection, now=now)


def _enter(
    uow: UnitOfWork, *, user_id: str, method: str, binding: Secret | None, now: datetime
) -> NewSession | FactorAsked:
    """Begin a session, or ask for the second factor of whoever has one."""
    if not factor_store.factors_of(uow.connection, user_id).enrolled:
        return begin_session(uow, user_id=user_id, method=method, binding=binding, now=now)
    token = Secret.generate(prefix="sh_pending_")
    pending = PendingSignIn(user_id, method, tries=0, expires_at=now + PENDING_LIFETIME)
    factor_store.insert_pending(uow.connection, pending, token_hash=hash_text(token.reveal()))
    for organization_id in store.places(uow.connection, user_id):
        uow.record(SecondFactorAsked(organization_id=organization_id, user_id=user_id, method=method))
    return FactorAsked(user_id, token)


def begin_session(
    uow: UnitOfWork,
    *,
    user_id: str,
    method: str,
    binding: Secret | None,
    now: datetime,
    factor: SecondFactor | None = None,
) -> NewSession:
    """Begin a session for somebody who has proved all that is asked; raises Invalid for a binding that is too short."""
    if binding is not None and len(binding.reveal()) < MIN_BINDING:
        raise Invalid(f"The secret of a session has at least {MIN_BINDING} characters.", code="binding_short")
    token = Secret.generate(prefix=TOKEN_PREFIX)
    longest = store.strictest_policy(uow.connection, user_id).absolute
    session = Session(
        id=new_id(),
        user_id=user_id,
        created_at=now,
        last_seen_at=now,
        expires_at=now + (longest if binding is not None else min(longest, UNBOUND_LIFETIME)),
        address=uow.context.address,
        user_agent=known_user_agent(uow.context.user_agent),
        binding_hash=None if binding is None else hash_text(binding.reveal()),
        stepped_up_at=now,
        second_factor=factor,
        token_issued_at=now,
    )
    store.insert_session(uow.connection, session, token_hash=hash_text(token.reveal()))
    for organization_id in store.places(uow.connection, user_id):
        uow.record(
            SignedIn(
                organization_id=organization_id,
                user_id=user_id,
                session_id=session.id,
                method=method,
                second_factor=factor,
            )
        )
    return NewSession(session, token)


def _end(uow: UnitOfWork, caller: UserCaller, *, session_id: str) -> None:
    store.delete_session(uow.connection, session_id)
    for organization_id in store.places(uow.connection, caller.user.id):
        uow.record(SignedOut(organization_id=organization_id, user_id=caller.user.id, session_id=session_id))


def _end_all(uow: UnitOfWork, *, user_id: str) -> int:
    ended = end_everything(uow.connection, user_id=user_id)
    for organization_id in store.places(uow.connection, user_id):
        uow.record(SignedOutEverywhere(organization_id=organization_id, user_id=user_id, sessions=ended))
    return ended
