"""Replacing an API key by a successor with the same rights, while both work for a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from stronghouse.access import key_policy
from stronghouse.access.api_keys import (
    MAX_NAME,
    KeyChange,
    KeyHashes,
    KeyRequest,
    NewKey,
    create_key,
    find_key,
    update_key,
)
from stronghouse.access.events import KeyRotated
from stronghouse.access.model import ApiKey, Principal
from stronghouse.access.permissions import Permission
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Conflict, Denied, Invalid

SHORTEST_OVERLAP = timedelta(minutes=1)
LONGEST_OVERLAP = timedelta(days=30)
DEFAULT_OVERLAP = timedelta(hours=24)


@dataclass(frozen=True)
class Rotation:
    """A successor, with its secret, and the key that it takes the place of, with its new end."""

    successor: NewKey
    predecessor: ApiKey


def rotate_key(
    uow: UnitOfWork,
    *,
    organization_id: str,
    key_id: str,
    overlap: timedelta,
    hashes: KeyHashes | None = None,
    editor: Principal,
    now: datetime,
) -> Rotation:
    """Make a successor with the same name, roles, IP access list and lifetime; the old key ends after `overlap`.

    The old one is renamed, so that its name finds the successor. What names a key by its id, as query endpoints do,
    still names the old one.

    Raises:
        NotFound: there is no such key.
        Invalid: the overlap is not between a minute and 30 days, or the hashes are malformed.
        Denied: the editor may not change keys, or the key may do more than they.
        Conflict: the key does not work any more, or there are too many keys.
    """
    if not SHORTEST_OVERLAP <= overlap <= LONGEST_OVERLAP:
        raise Invalid("The overlap is between one minute and 30 days.", code="overlap_invalid")
    if not editor.may(Permission.API_KEYS_UPDATE, organization_id):
        raise Denied(f"Rotating a key needs {Permission.API_KEYS_UPDATE.value} too.", code="permission_missing")
    old = find_key(uow, organization_id=organization_id, key_id=key_id)
    if old.state != "enabled" or (old.expires_at is not None and old.expires_at <= now):
        raise Conflict("This key is disabled or has ended, so there is nothing to overlap: make a new key.")
    ends_at = now + overlap if old.expires_at is None else min(old.expires_at, now + overlap)
    changed = update_key(
        uow,
        KeyChange(name=_old_name(old, ends_at), expires_at=ends_at),
        organization_id=organization_id,
        key_id=old.id,
        editor=editor,
        now=now,
    )
    request = _successor(uow.connection, old, hashes, now)
    successor = create_key(uow, request, organization_id=organization_id, creator=editor, now=now)
    uow.record(
        KeyRotated(
            organization_id=organization_id,
            key_id=old.id,
            successor_id=successor.key.id,
            name=old.name,
            ends_at=ends_at,
        )
    )
    return Rotation(successor, changed)


def _successor(connection: Connection, old: ApiKey, hashes: KeyHashes | None, now: datetime) -> KeyRequest:
    return KeyRequest(
        name=old.name,
        role_ids=old.role_ids,
        ip_access=old.ip_access,
        expires_at=_end_of_successor(connection, old, now),
        hashes=hashes,
    )


def _end_of_successor(connection: Connection, old: ApiKey, now: datetime) -> datetime | None:
    """As long after it is made as the old one's end was, but within the organization's maximum."""
    days = key_policy.maximum_lifetime_days(connection, old.organization_id)
    allowed = None if days is None else timedelta(days=days)
    lifetime = None if old.expires_at is None else old.expires_at - old.created_at
    if lifetime is None or (allowed is not None and allowed < lifetime):
        lifetime = allowed
    return None if lifetime is None else now + lifetime


def _old_name(old: ApiKey, ends_at: datetime) -> str:
    end = f" (until {ends_at:%Y-%m-%d %H:%M})"
    return old.name[: MAX_NAME - len(end)] + end
