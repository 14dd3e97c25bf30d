"""Tables of keys, people and sessions. Secrets stand here only as hashes."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Connection, ForeignKey, Row, String, Table, delete, func, insert, select, update

from stronghouse.access.model import ApiKey, Membership, Session, Source, User
from stronghouse.storage.columns import Timestamp, identifier, metadata

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
person = Table(
    "person",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("email", String(320), nullable=False, unique=True),
    Column("name", String(256), nullable=False),
    Column("password_hash", String(256), nullable=True),
    Column("created_at", Timestamp, nullable=False),
)
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
)


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


def mark_key_used(connection: Connection, *, key_id: str, used_at: datetime) -> None:
    """Note when a key was used last."""
    connection.execute(update(api_key).where(api_key.c.id == key_id).values(used_at=used_at))


def insert_user(connection: Connection, user: User) -> None:
    """Keep a new person."""
    connection.execute(insert(person).values(**user.__dict__))


def set_password_hash(connection: Connection, *, user_id: str, password_hash: str) -> None:
    """Replace a person's password."""
    connection.execute(update(person).where(person.c.id == user_id).values(password_hash=password_hash))


def user(connection: Connection, user_id: str) -> User | None:
    """A person by id."""
    row = connection.execute(select(person).where(person.c.id == user_id)).one_or_none()
    return None if row is None else User(**row._asdict())


def user_by_email(connection: Connection, email: str) -> User | None:
    """A person by address, which is kept in lower case."""
    row = connection.execute(select(person).where(person.c.email == email.lower())).one_or_none()
    return None if row is None else User(**row._asdict())


def insert_member(
    connection: Connection, *, organization_id: str, user_id: str, role_ids: Iterable[str], joined_at: datetime
) -> None:
    """Make a person a member of an organization."""
    row = {"organization_id": organization_id, "user_id": user_id, "role_ids": list(role_ids), "joined_at": joined_at}
    connection.execute(insert(member).values(**row))


def memberships(connection: Connection, user_id: str) -> dict[str, tuple[str, ...]]:
    """Role ids by organization for one person."""
    rows = connection.execute(select(member.c.organization_id, member.c.role_ids).where(member.c.user_id == user_id))
    return {row.organization_id: tuple(row.role_ids) for row in rows}


def every_membership(connection: Connection, *, now: datetime) -> list[Membership]:
    """Everyone's place in every organization, with what they could sign in with at `now`."""
    open_links = (
        select(func.count(), func.max(sign_in_link.c.expires_at))
        .where(sign_in_link.c.user_id == person.c.id)
        .where(sign_in_link.c.used_at.is_(None), sign_in_link.c.expires_at > now)
    )
    sessions = select(func.count()).where(session.c.user_id == person.c.id, session.c.expires_at > now)
    query = select(
        member.c.organization_id,
        member.c.role_ids,
        person,
        sessions.scalar_subquery().label("open_sessions"),
        open_links.with_only_columns(func.count()).scalar_subquery().label("open_links"),
        open_links.with_only_columns(func.max(sign_in_link.c.expires_at)).scalar_subquery().label("links_until"),
    ).join_from(member, person, member.c.user_id == person.c.id)
    return [
        Membership(
            organization_id=row.organization_id,
            user=User(row.id, row.email, row.name, row.password_hash, row.created_at),
            role_ids=tuple(row.role_ids),
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


def insert_session(connection: Connection, new: Session, *, token_hash: str) -> None:
    """Keep a new session."""
    connection.execute(insert(session).values(**new.__dict__, token_hash=token_hash))


def session_by_hash(connection: Connection, token_hash: str) -> Session | None:
    """The session with this token hash."""
    row = connection.execute(select(session).where(session.c.token_hash == token_hash)).one_or_none()
    return (
        None
        if row is None
        else Session(**{name: value for name, value in row._asdict().items() if name != "token_hash"})
    )


def mark_session_seen(connection: Connection, *, session_id: str, now: datetime) -> None:
    """Note a session's last use."""
    connection.execute(update(session).where(session.c.id == session_id).values(last_seen_at=now))


def delete_session(connection: Connection, session_id: str) -> None:
    """End a session."""
    connection.execute(delete(session).where(session.c.id == session_id))


def end_other_sessions(connection: Connection, *, user_id: str, but: str) -> None:
    """End all sessions of a person except one."""
    connection.execute(delete(session).where(session.c.user_id == user_id, session.c.id != but))


def delete_sign_in_links(connection: Connection, *, user_id: str) -> None:
    """Forget all links of a person, so that none works any more."""
    connection.execute(delete(sign_in_link).where(sign_in_link.c.user_id == user_id))


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
