"""Tables of second factors and of sign-ins that still need one."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    union,
    union_all,
    update,
)

from stronghouse.access.factors.model import AuthenticatorApp, Factors, Passkey, PendingSignIn
from stronghouse.storage.columns import Timestamp, identifier, metadata

authenticator_app = Table(
    "authenticator_app",
    metadata,
    Column("user_id", identifier(), ForeignKey("person.id"), primary_key=True),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("last_step", Integer, nullable=False),
    Column("last_used_at", Timestamp, nullable=False),
)
recovery_code = Table(
    "recovery_code",
    metadata,
    Column("user_id", identifier(), ForeignKey("person.id"), primary_key=True),
    Column("code_hash", String(64), primary_key=True),
    Column("created_at", Timestamp, nullable=False),
)
passkey = Table(
    "passkey",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("user_id", identifier(), ForeignKey("person.id"), nullable=False, index=True),
    Column("credential_id", String(1364), nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", String(64), nullable=False),
    Column("synced", Boolean, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("last_used_at", Timestamp, nullable=True),
)
spent_challenge = Table(
    "spent_challenge",
    metadata,
    Column("challenge_hash", String(64), primary_key=True),
    Column("expires_at", Timestamp, nullable=False),
)
pending_sign_in = Table(
    "pending_sign_in",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user_id", identifier(), ForeignKey("person.id"), nullable=False, index=True),
    Column("method", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
)


def factors_of(connection: Connection, user_id: str) -> Factors:
    """A person's second factors."""
    app = connection.execute(select(authenticator_app).where(authenticator_app.c.user_id == user_id)).one_or_none()
    codes = select(func.count()).select_from(recovery_code).where(recovery_code.c.user_id == user_id)
    keys = select(passkey).where(passkey.c.user_id == user_id).order_by(passkey.c.created_at, passkey.c.id)
    return Factors(
        passkeys=tuple(Passkey(**row._asdict()) for row in connection.execute(keys)),
        app=None if app is None else AuthenticatorApp(**app._asdict()),
        recovery_codes=connection.execute(codes).scalar_one(),
    )


def enrolled(connection: Connection) -> frozenset[str]:
    """Ids of all people who have a second factor."""
    query = union(select(authenticator_app.c.user_id), select(passkey.c.user_id))
    return frozenset(connection.execute(query).scalars())


def credentials(connection: Connection) -> dict[str, frozenset[str]]:
    """Fingerprints of the second factors of all people who have some, by their ids."""
    query = union_all(
        select(authenticator_app.c.user_id, authenticator_app.c.sealed_secret),
        select(passkey.c.user_id, passkey.c.public_key),
    )
    found: dict[str, set[str]] = {}
    for user_id, stored in connection.execute(query):
        found.setdefault(user_id, set()).add(fingerprint(stored))
    return {user_id: frozenset(one) for user_id, one in found.items()}


def fingerprint(stored: bytes) -> str:
    """What tells one factor's stored bytes, which are sealed or public, from others; it may stand in the audit log."""
    return hashlib.sha256(stored).hexdigest()[:32]


def replace_app(connection: Connection, app: AuthenticatorApp) -> None:
    """Keep a person's app, in place of the one that they had."""
    delete_app(connection, app.user_id)
    connection.execute(insert(authenticator_app).values(**app.__dict__))


def delete_app(connection: Connection, user_id: str) -> AuthenticatorApp | None:
    """Forget a person's app; returns it, None if they had none."""
    theirs = delete(authenticator_app).where(authenticator_app.c.user_id == user_id)
    row = connection.execute(theirs.returning(*authenticator_app.c)).one_or_none()
    return None if row is None else AuthenticatorApp(**row._asdict())


def use_app_step(connection: Connection, *, user_id: str, step: int, now: datetime) -> bool:
    """Use up the code of a time step, in one statement; False if it or a newer one was used already."""
    unused = (authenticator_app.c.user_id == user_id) & (authenticator_app.c.last_step < step)
    values = {"last_step": step, "last_used_at": now}
    return connection.execute(update(authenticator_app).where(unused).values(**values)).rowcount > 0


def insert_passkey(connection: Connection, new: Passkey) -> None:
    """Keep a new passkey."""
    connection.execute(insert(passkey).values(**new.__dict__))


def passkey_of(connection: Connection, credential_id: str) -> Passkey | None:
    """The passkey that an authenticator calls so."""
    row = connection.execute(select(passkey).where(passkey.c.credential_id == credential_id)).one_or_none()
    return None if row is None else Passkey(**row._asdict())


def mark_passkey_used(connection: Connection, *, passkey_id: str, sign_count: int, now: datetime) -> None:
    """Note how often a passkey has signed."""
    values = {"sign_count": sign_count, "last_used_at": now}
    connection.execute(update(passkey).where(passkey.c.id == passkey_id).values(**values))


def delete_passkey(connection: Connection, *, user_id: str, passkey_id: str) -> Passkey | None:
    """Forget one of a person's passkeys; returns it, None if there is none."""
    theirs = (passkey.c.user_id == user_id) & (passkey.c.id == passkey_id)
    row = connection.execute(delete(passkey).where(theirs).returning(*passkey.c)).one_or_none()
    return None if row is None else Passkey(**row._asdict())


def spend_challenge(connection: Connection, *, challenge_hash: str, expires_at: datetime) -> bool:
    """Remember that a challenge was answered; False if it was already. The transaction must be one that writes."""
    known = select(spent_challenge.c.expires_at).where(spent_challenge.c.challenge_hash == challenge_hash)
    if connection.execute(known).one_or_none() is not None:
        return False
    connection.execute(insert(spent_challenge).values(challenge_hash=challenge_hash, expires_at=expires_at))
    return True


def replace_codes(connection: Connection, hashes: Iterable[str], *, user_id: str, now: datetime) -> None:
    """Keep these recovery codes of a person, in place of those that they had."""
    connection.execute(delete(recovery_code).where(recovery_code.c.user_id == user_id))
    rows = [{"user_id": user_id, "code_hash": one, "created_at": now} for one in hashes]
    if rows:
        connection.execute(insert(recovery_code), rows)


def delete_code(connection: Connection, *, user_id: str, code_hash: str) -> bool:
    """Use up a recovery code; whether there was such a one."""
    theirs = (recovery_code.c.user_id == user_id) & (recovery_code.c.code_hash == code_hash)
    return connection.execute(delete(recovery_code).where(theirs)).rowcount > 0


def insert_pending(connection: Connection, pending: PendingSignIn, *, token_hash: str) -> None:
    """Keep a sign-in that still needs a second factor."""
    connection.execute(insert(pending_sign_in).values(**pending.__dict__, token_hash=token_hash))


def pending(connection: Connection, *, token_hash: str, now: datetime) -> PendingSignIn | None:
    """A sign-in that still needs a second factor; None if there is none, or it is over."""
    columns = [one for one in pending_sign_in.c if one.name != "token_hash"]
    open_still = (pending_sign_in.c.token_hash == token_hash) & (pending_sign_in.c.expires_at > now)
    row = connection.execute(select(*columns).where(open_still)).one_or_none()
    return None if row is None else PendingSignIn(**row._asdict())


def count_try(connection: Connection, *, token_hash: str, most: int) -> bool:
    """Note that a second factor is tried, in one statement; False if `most` were tried already."""
    few = (pending_sign_in.c.token_hash == token_hash) & (pending_sign_in.c.tries < most)
    values = {"tries": pending_sign_in.c.tries + 1}
    return connection.execute(update(pending_sign_in).where(few).values(values)).rowcount > 0


def delete_pending(connection: Connection, *, token_hash: str) -> None:
    """Forget a sign-in that has got its second factor."""
    connection.execute(delete(pending_sign_in).where(pending_sign_in.c.token_hash == token_hash))


def delete_pendings(connection: Connection, *, user_id: str) -> None:
    """Forget all sign-ins of a person that still need a second factor."""
    connection.execute(delete(pending_sign_in).where(pending_sign_in.c.user_id == user_id))


def delete_ended(connection: Connection, *, now: datetime) -> None:
    """Forget what has ended by itself."""
    connection.execute(delete(pending_sign_in).where(pending_sign_in.c.expires_at <= now))
    connection.execute(delete(spent_challenge).where(spent_challenge.c.expires_at <= now))


def delete_all(connection: Connection, *, user_id: str) -> None:
    """Forget all second factors of a person, and the sign-ins that wait for one."""
    for table in (authenticator_app, passkey, recovery_code, pending_sign_in):
        connection.execute(delete(table).where(table.c.user_id == user_id))
