"""Tables of keys, people and sessions. Secrets stand here only as hashes."""

import dataclasses
import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Integer,
    Row,
    String,
    Table,
    cast,
    delete,
    func,
    insert,
    select,
    type_coerce,
    update,
)

from stronghouse.access.factors import store as factor_store
from stronghouse.access.factors.model import SecondFactor
from stronghouse.access.model import ApiKey, Membership, Session, Source, User
from stronghouse.access.sign_in_policy.model import DEFAULT, SignInPolicy, strictest
from stronghouse.access.sign_in_policy.store import policy_of, sign_in_policy
from stronghouse.storage.columns import EPOCH, MICROSECOND, Timestamp, identifier, metadata

api_key = Table(
    "api_key",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("organization_id", identifier(), nullable=False, index=True),
    Column("name", String(256), nullable=False),
    Column("state", String(16), nullable=False),
    Column("role_ids", JSON, nullable=False),
    Column("key_id_hash", String(64), nullable=False, unique=True),
    Column("key_secret_hash", String(64), nullable=False),
    Column("key_suffix", String(8), nullable=False),
    Column("ip_access", JSON, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=True),
    Column("used_at", Timestamp, nullable=True),
)
key_policy = Table(
    "key_policy",
    metadata,
    Column("organization_id", identifier(), primary_key=True),
    Column("maximum_lifetime_days", Integer, nullable=False),
)
person = Table(
    "person",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("email", String(320), nullable=False, unique=True),
    Column("name", String(256), nullable=False),
    Column("password_hash", String(256), nullable=True),
    Column("created_at", Timestamp, nullable=False),
    Column("last_seen_at", Timestamp, nullable=True),
)
_USER = [person.c[name] for name in ("id", "email", "name", "password_hash", "created_at")]
member = Table(
    "member",
    metadata,
    Column("organization_id", identifier(), primary_key=True),
    Column("user_id", identifier(), ForeignKey("person.id"), primary_key=True),
    Column("role_ids", JSON, nullable=False),
    Column("joined_at", Timestamp, nullable=False),
)
sign_in_link = Table(
    "sign_in_link",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user_id", identifier(), ForeignKey("person.id"), nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Column("used_at", Timestamp, nullable=True),
)
session = Table(
    "session",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("user_id", identifier(), ForeignKey("person.id"), nullable=False, index=True),
    Column("created_at", Timestamp, nullable=False),
    Column("last_seen_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Column("address", String(64), nullable=True),
    Column("user_agent", String(256), nullable=True),
    Column("binding_hash", String(64), nullable=True),
    Column("stepped_up_at", Timestamp, nullable=False),
    Column("second_factor", String(32), nullable=True),
    Column("token_issued_at", Timestamp, nullable=False),
    Column("previous_token_hash", String(64), nullable=True, index=True),
    Column("previous_issued_at", Timestamp, nullable=True),
    Column("previous_until", Timestamp, nullable=True),
)
_SESSION = [session.c[field.name] for field in dataclasses.fields(Session)]


def insert_key(connection: Connection, key: ApiKey, *, key_id_hash: str, key_secret_hash: str) -> None:
    """Keep a new key."""
    connection.execute(
        insert(api_key).values(**_key_row(key), key_id_hash=key_id_hash, key_secret_hash=key_secret_hash)
    )


def update_key(connection: Connection, key: ApiKey) -> None:
    """Replace a key's fields; its hashes never change."""
    connection.execute(update(api_key).where(api_key.c.id == key.id).values(**_key_row(key)))


def delete_key(connection: Connection, key_id: str) -> None:
    """Forget a key."""
    connection.execute(delete(api_key).where(api_key.c.id == key_id))


def key(connection: Connection, *, organization_id: str, key_id: str) -> ApiKey | None:
    """An organization's key by its resource id."""
    query = select(api_key).where(api_key.c.organization_id == organization_id, api_key.c.id == key_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _key(row)


def keys(
    connection: Connection, *, organization_id: str, after: str | None = None, limit: int | None = None
) -> list[ApiKey]:
    """An organization's keys in the order of their ids, from the one after `after`."""
    query = select(api_key).where(api_key.c.organization_id == organization_id, api_key.c.id > (after or ""))
    return [_key(row) for row in connection.execute(query.order_by(api_key.c.id).limit(limit))]


def key_hashes(connection: Connection, key_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The hashes of the key id and of the secret of each of these keys, by their resource ids."""
    query = select(api_key.c.id, api_key.c.key_id_hash, api_key.c.key_secret_hash)
    rows = connection.execute(query.where(api_key.c.id.in_(list(key_ids))))
    return {row.id: (row.key_id_hash, row.key_secret_hash) for row in rows}


def key_by_hash(connection: Connection, key_id_hash: str) -> tuple[ApiKey, str] | None:
    """The key whose key id has this hash, with the hash of its secret."""
    row = connection.execute(select(api_key).where(api_key.c.key_id_hash == key_id_hash)).one_or_none()
    return None if row is None else (_key(row), str(row.key_secret_hash))


def key_suffix_taken(connection: Connection, *, organization_id: str, suffix: str) -> bool:
    """Whether a key of the organization ends like this already (Terraform finds its own key by the suffix)."""
    query = select(api_key.c.id).where(api_key.c.organization_id == organization_id, api_key.c.key_suffix == suffix)
    return connection.execute(query.limit(1)).one_or_none() is not None


def every_key(connection: Connection) -> list[tuple[ApiKey, str]]:
    """Every organization's keys, each with the `credential` of its hashes."""
    rows = connection.execute(select(api_key).order_by(api_key.c.id))
    return [(_key(row), credential(row.key_id_hash, row.key_secret_hash)) for row in rows]


def credential(*hashes: str) -> str:
    """A fingerprint of stored hashes, by which a replaced credential is noticed.

    It may stand in the audit log: what it is made of is random (a key's id) or salted (a password's hash), so that
    nobody can try guesses against it.
    """
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()[:32]


def maximum_key_lifetime(connection: Connection, organization_id: str) -> int | None:
    """Days after which keys of an organization end at the latest; None without a maximum."""
    query = select(key_policy.c.maximum_lifetime_days).where(key_policy.c.organization_id == organization_id)
    return connection.execute(query).scalar_one_or_none()


def set_maximum_key_lifetime(connection: Connection, *, organization_id: str, days: int | None) -> None:
    """Set or lift that maximum."""
    connection.execute(delete(key_policy).where(key_policy.c.organization_id == organization_id))
    if days is not None:
        connection.execute(insert(key_policy).values(organization_id=organization_id, maximum_lifetime_days=days))


def mark_key_used(connection: Connection, *, key_id: str, used_at: datetime) -> None:
    """Note when a key was used last."""
    connection.execute(update(api_key).where(api_key.c.id == key_id).values(used_at=used_at))


def insert_user(connection: Connection, user: User) -> None:
    """Keep a new person."""
    connection.execute(insert(person).values(**user.__dict__))


def set_password_hash(connection: Connection, *, user_id: str, password_hash: str | None) -> None:
    """Replace a person's password, or take it away."""
    connection.execute(update(person).where(person.c.id == user_id).values(password_hash=password_hash))


def set_name(connection: Connection, *, user_id: str, name: str) -> None:
    """Give a person another name."""
    connection.execute(update(person).where(person.c.id == user_id).values(name=name))


def user(connection: Connection, user_id: str) -> User | None:
    """A person by id."""
    row = connection.execute(select(*_USER).where(person.c.id == user_id)).one_or_none()
    return None if row is None else User(**row._asdict())


def user_by_email(connection: Connection, email: str) -> User | None:
    """A person by address, which is kept in lower case."""
    row = connection.execute(select(*_USER).where(person.c.email == email.lower())).one_or_none()
    return None if row is None else User(**row._asdict())


def insert_member(
    connection: Connection, *, organization_id: str, user_id: str, role_ids: Iterable[str], joined_at: datetime
) -> None:
    """Make a person a member of an organization."""
    row = {"organization_id": organization_id, "user_id": user_id, "role_ids": list(role_ids), "joined_at": joined_at}
    connection.execute(insert(member).values(**row))


def delete_member(connection: Connection, *, organization_id: str, user_id: str) -> None:
    """Take a person out of an organization."""
    theirs = (member.c.organization_id == organization_id) & (member.c.user_id == user_id)
    connection.execute(delete(member).where(theirs))


def memberships(connection: Connection, user_id: str) -> dict[str, tuple[str, ...]]:
    """Role ids by organization for one person."""
    rows = connection.execute(select(member.c.organization_id, member.c.role_ids).where(member.c.user_id == user_id))
    return {row.organization_id: tuple(row.role_ids) for row in rows}


def every_holding(connection: Connection) -> list[tuple[str, tuple[str, ...]]]:
    """Who holds which roles, in every organization: ids of people and keys, each with ids of roles."""
    found = [*connection.execute(select(member.c.user_id, member.c.role_ids))]
    found += connection.execute(select(api_key.c.id, api_key.c.role_ids))
    return [(str(holder), tuple(role_ids)) for holder, role_ids in found]


def places(connection: Connection, user_id: str) -> list[str | None]:
    """Where to record what a person did: in each of their organizations, or in none if they are in none."""
    return [*memberships(connection, user_id)] or [None]


def every_membership(connection: Connection, *, now: datetime, organization_id: str | None = None) -> list[Membership]:
    """Everyone's place in every organization, or in one, with what they could sign in with at `now`."""
    open_links = (
        select(func.count(), func.max(sign_in_link.c.expires_at))
        .where(sign_in_link.c.user_id == person.c.id)
        .where(sign_in_link.c.used_at.is_(None), sign_in_link.c.expires_at > now)
    )
    sessions = select(func.count()).where(session.c.user_id == person.c.id, _live(now))
    query = select(
        member.c.organization_id,
        member.c.role_ids,
        member.c.joined_at,
        person,
        sessions.scalar_subquery().label("open_sessions"),
        open_links.with_only_columns(func.count()).scalar_subquery().label("open_links"),
        open_links.with_only_columns(func.max(sign_in_link.c.expires_at)).scalar_subquery().label("links_until"),
    ).join_from(member, person, member.c.user_id == person.c.id)
    if organization_id is not None:
        query = query.where(member.c.organization_id == organization_id)
    with_factor = factor_store.enrolled(connection)
    return [
        Membership(
            organization_id=row.organization_id,
            user=User(row.id, row.email, row.name, row.password_hash, row.created_at),
            role_ids=tuple(row.role_ids),
            joined_at=row.joined_at,
            last_seen_at=row.last_seen_at,
            second_factor=row.id in with_factor,
            open_sessions=row.open_sessions,
            open_links=row.open_links,
            links_until=row.links_until,
        )
        for row in connection.execute(query.order_by(member.c.organization_id, person.c.email))
    ]


def insert_sign_in_link(connection: Connection, *, token_hash: str, user_id: str, expires_at: datetime) -> None:
    """Keep a one-time link."""
    connection.execute(insert(sign_in_link).values(token_hash=token_hash, user_id=user_id, expires_at=expires_at))


def use_sign_in_link(connection: Connection, *, token_hash: str, now: datetime) -> str | None:
    """Spend a link that is neither used nor expired, in one statement; returns whose it was."""
    unused = (
        (sign_in_link.c.token_hash == token_hash) & sign_in_link.c.used_at.is_(None) & (sign_in_link.c.expires_at > now)
    )
    statement = update(sign_in_link).where(unused).values(used_at=now).returning(sign_in_link.c.user_id)
    return connection.execute(statement).scalar_one_or_none()


def sign_in_link_owner(connection: Connection, *, token_hash: str, now: datetime) -> User | None:
    """Whom a link signs in that is neither used nor expired."""
    unused = sign_in_link.c.used_at.is_(None) & (sign_in_link.c.expires_at > now)
    query = select(sign_in_link.c.user_id).where(sign_in_link.c.token_hash == token_hash, unused)
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else user(connection, found)


def insert_session(connection: Connection, new: Session, *, token_hash: str) -> None:
    """Keep a new session."""
    connection.execute(insert(session).values(**new.__dict__, token_hash=token_hash))
    connection.execute(update(person).where(person.c.id == new.user_id).values(last_seen_at=new.created_at))


def session_by_hash(connection: Connection, token_hash: str) -> Session | None:
    """The session with this token hash."""
    return _one_session(connection, session.c.token_hash == token_hash)


def session_by_previous_hash(connection: Connection, token_hash: str, *, now: datetime) -> Session | None:
    """The session whose token this was until a moment ago, with the time at which that one was made."""
    condition = (session.c.previous_token_hash == token_hash) & (session.c.previous_until > now)
    row = connection.execute(select(*_SESSION, session.c.previous_issued_at).where(condition)).one_or_none()
    if row is None:
        return None
    fields = row._asdict()
    fields["token_issued_at"] = fields.pop("previous_issued_at")
    return _session_of(fields)


def session_of(connection: Connection, *, user_id: str, session_id: str) -> Session | None:
    """A person's session by its id."""
    return _one_session(connection, (session.c.user_id == user_id) & (session.c.id == session_id))


def sessions_of(connection: Connection, user_id: str, now: datetime) -> list[Session]:
    """A person's live sessions, the newest first."""
    query = select(*_SESSION).where(session.c.user_id == user_id, _live(now))
    rows = connection.execute(query.order_by(session.c.created_at.desc(), session.c.id))
    return [_session(row) for row in rows]


def replace_token(
    connection: Connection, *, session_id: str, old_hash: str, new_hash: str, now: datetime, old_until: datetime
) -> None:
    """Give a session its next token, if `old_hash` is still that of its present one."""
    present = (session.c.id == session_id) & (session.c.token_hash == old_hash)
    values = {
        "token_hash": new_hash,
        "token_issued_at": now,
        "previous_token_hash": old_hash,
        "previous_issued_at": session.c.token_issued_at,
        "previous_until": old_until,
    }
    connection.execute(update(session).where(present).values(**values))


def mark_session_seen(connection: Connection, *, session_id: str, now: datetime) -> None:
    """Note a session's last use, and with it the person's."""
    whose = select(session.c.user_id).where(session.c.id == session_id).scalar_subquery()
    connection.execute(update(session).where(session.c.id == session_id).values(last_seen_at=now))
    connection.execute(update(person).where(person.c.id == whose).values(last_seen_at=now))


def mark_stepped_up(connection: Connection, *, session_id: str, now: datetime) -> None:
    """Note that a session's person has proved again who they are."""
    connection.execute(update(session).where(session.c.id == session_id).values(stepped_up_at=now))


def mark_second_factor(connection: Connection, *, session_id: str, factor: str) -> None:
    """Note that a session's person has proved a second factor in it."""
    connection.execute(update(session).where(session.c.id == session_id).values(second_factor=factor))


def forget_second_factors(connection: Connection, *, user_id: str) -> None:
    """Note that no session of a person stands on a second factor any more: they have none."""
    connection.execute(update(session).where(session.c.user_id == user_id).values(second_factor=None))


def delete_session(connection: Connection, session_id: str) -> None:
    """End a session."""
    connection.execute(delete(session).where(session.c.id == session_id))


def end_sessions(connection: Connection, *, user_id: str, but: str | None = None) -> int:
    """End all sessions of a person, or all except one; how many."""
    of_theirs = delete(session).where(session.c.user_id == user_id)
    return connection.execute(of_theirs if but is None else of_theirs.where(session.c.id != but)).rowcount


def delete_ended(connection: Connection, *, now: datetime) -> None:
    """Forget sessions and links that have ended by themselves."""
    connection.execute(delete(session).where(~_live(now)))
    connection.execute(delete(sign_in_link).where(sign_in_link.c.expires_at <= now))


def delete_sign_in_links(connection: Connection, *, user_id: str) -> None:
    """Forget all links of a person, so that none works any more."""
    connection.execute(delete(sign_in_link).where(sign_in_link.c.user_id == user_id))


def strictest_policy(connection: Connection, user_id: str) -> SignInPolicy:
    """What a person's sign-ins are held to: of each rule the strictest of their organizations."""
    return strictest(policy_of(connection, one) for one in memberships(connection, user_id))


def _live(now: datetime) -> ColumnElement[bool]:
    """What `Session.is_live` says of each session and its person's strictest policy, for the database."""
    return (
        (session.c.expires_at > now)
        & (_since(session.c.created_at, now) < _strictest("absolute_minutes"))
        & (_since(session.c.last_seen_at, now) <= _strictest("idle_minutes"))
    )


def _since(column: ColumnElement[Any], now: datetime) -> ColumnElement[int]:
    """Microseconds between a stored time and now."""
    return ((now - EPOCH) // MICROSECOND) - type_coerce(column, BigInteger)


def _strictest(name: str) -> ColumnElement[int]:
    """The shortest such time among the organizations of a session's person, in microseconds."""
    place, default = member.alias(), getattr(DEFAULT, name)
    joined = place.outerjoin(sign_in_policy, sign_in_policy.c.organization_id == place.c.organization_id)
    shortest = (
        select(func.min(func.coalesce(sign_in_policy.c[name], default)))
        .select_from(joined)
        .where(place.c.user_id == session.c.user_id)
        .correlate(session)
        .scalar_subquery()
    )
    return cast(func.coalesce(shortest, default), BigInteger) * (timedelta(minutes=1) // MICROSECOND)


def _one_session(connection: Connection, which: ColumnElement[bool]) -> Session | None:
    row = connection.execute(select(*_SESSION).where(which)).one_or_none()
    return None if row is None else _session(row)


def _session(row: Row[Any]) -> Session:
    return _session_of(row._asdict())


def _session_of(fields: dict[str, Any]) -> Session:
    proven = fields["second_factor"]
    return Session(**{**fields, "second_factor": None if proven is None else SecondFactor(proven)})


def _key_row(key: ApiKey) -> dict[str, Any]:
    row = dict(key.__dict__)
    row["role_ids"] = list(key.role_ids)
    row["ip_access"] = [entry.__dict__ for entry in key.ip_access]
    return row


def _key(row: Row[Any]) -> ApiKey:
    fields = row._asdict()
    del fields["key_id_hash"], fields["key_secret_hash"]
    fields["role_ids"] = tuple(fields["role_ids"])
    fields["ip_access"] = tuple(Source(**entry) for entry in fields["ip_access"])
    return ApiKey(**fields)
