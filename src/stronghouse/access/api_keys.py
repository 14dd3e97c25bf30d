"""What may be done with API keys: create, change, delete, and tell whose a presented one is."""

import base64
import dataclasses
import hashlib
import secrets
import string
from dataclasses import dataclass
from datetime import datetime

from stronghouse.access import store
from stronghouse.access.events import KeyCreated, KeyDeleted, KeyUpdated
from stronghouse.access.key_policy import check_lifetime
from stronghouse.access.key_secrets import new_key_secret
from stronghouse.access.model import ApiKey, KeyState, Principal, Source
from stronghouse.access.roles import store as role_store
from stronghouse.access.roles.changes import check_given
from stronghouse.access.roles.system import find_role, rights
from stronghouse.audit.event import ActorType
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Conflict, Invalid, NotFound
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.networks import parse_source
from stronghouse.kernel.secret import Secret

KEYS_PER_ORGANIZATION = 100  # as in the managed cloud
MAX_NAME = 256
KEY_ID_LENGTH = 20
SUFFIX_LENGTH = 4
ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class KeyHashes:
    """A key whose id and secret the caller made: base64(SHA-256(text)) of each, and the id's last four letters."""

    key_id_hash: str
    key_id_suffix: str
    key_secret_hash: str


@dataclass(frozen=True)
class KeyRequest:
    """What a new key should be."""

    name: str
    role_ids: tuple[str, ...] = ()
    ip_access: tuple[Source, ...] = ()
    state: KeyState = "enabled"
    expires_at: datetime | None = None
    hashes: KeyHashes | None = None


@dataclass(frozen=True)
class KeyChange:
    """What should change; None leaves a field as it is. `clear_expiry` removes the expiry."""

    name: str | None = None
    role_ids: tuple[str, ...] | None = None
    ip_access: tuple[Source, ...] | None = None
    state: KeyState | None = None
    expires_at: datetime | None = None
    clear_expiry: bool = False


@dataclass(frozen=True)
class NewKey:
    """A created key; id and secret are shown once, and None when the caller made them."""

    key: ApiKey
    key_id: Secret | None
    key_secret: Secret | None


def hash_text(text: str) -> str:
    """base64(SHA-256(text)): the form in which the Cloud API takes hashes of generated secrets."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def create_key(
    uow: UnitOfWork, request: KeyRequest, *, organization_id: str, creator: Principal | None, now: datetime
) -> NewKey:
    """Create a key; `creator` None is the installation itself, on its first start.

    Raises:
        Invalid: a role, an address or a hash is malformed, or the expiry has passed or exceeds the maximum.
        Denied: it would hold permissions that its creator does not.
        Conflict: too many keys, or the key id is in use.
    """
    check_name(request.name)
    _check_roles(uow, request.role_ids, organization_id=organization_id, creator=creator)
    check_sources(request.ip_access)
    _check_expiry(request.expires_at, now)
    check_lifetime(uow.connection, organization_id=organization_id, created_at=now, expires_at=request.expires_at)
    _check_room(uow, organization_id)
    key_id, key_secret = (None, None) if request.hashes else _generate(uow, organization_id)
    hashes = request.hashes or _hashes(key_id, key_secret)
    _check_hashes(uow, hashes)
    key = ApiKey(
        id=new_id(),
        organization_id=organization_id,
        name=request.name,
        state=request.state,
        role_ids=tuple(dict.fromkeys(request.role_ids)),
        key_suffix=hashes.key_id_suffix,
        ip_access=request.ip_access,
        created_at=now,
        expires_at=request.expires_at,
        used_at=None,
    )
    store.insert_key(uow.connection, key, key_id_hash=hashes.key_id_hash, key_secret_hash=hashes.key_secret_hash)
    uow.record(
        KeyCreated(
            organization_id=organization_id,
            key_id=key.id,
            name=key.name,
            state=key.state,
            role_ids=list(key.role_ids),
            ip_access=[entry.source for entry in key.ip_access],
            expires_at=key.expires_at,
            credential=store.credential(hashes.key_id_hash, hashes.key_secret_hash),
        )
    )
    return NewKey(key, key_id, key_secret)


def update_key(
    uow: UnitOfWork, change: KeyChange, *, organization_id: str, key_id: str, editor: Principal, now: datetime
) -> ApiKey:
    """Change a key and record one event for each aspect that is different afterwards.

    Raises:
        NotFound, Invalid: as for creation.
        Denied: the editor does not hold all that the key holds or would hold.
    """
    key = find_key(uow, organization_id=organization_id, key_id=key_id)
    if change.name is not None:
        check_name(change.name)
    _check_roles(uow, key.role_ids, organization_id=organization_id, creator=editor)
    if change.role_ids is not None:
        _check_roles(uow, change.role_ids, organization_id=organization_id, creator=editor)
    check_sources(change.ip_access or ())
    _check_expiry(change.expires_at, now)
    fields = ("name", "role_ids", "ip_access", "state", "expires_at")
    wanted = {name: getattr(change, name) for name in fields if getattr(change, name) is not None}
    if change.role_ids is not None:
        wanted["role_ids"] = tuple(dict.fromkeys(change.role_ids))
    if change.clear_expiry:
        wanted["expires_at"] = None
    changed = dataclasses.replace(key, **wanted)
    if _ends_later(changed.expires_at, key.expires_at):
        check_lifetime(
            uow.connection,
            organization_id=organization_id,
            created_at=key.created_at,
            expires_at=changed.expires_at,
        )
    updates = _updates(key, changed)
    if updates:
        store.update_key(uow.connection, changed)
    for event in updates:
        uow.record(event)
    return changed


def delete_key(uow: UnitOfWork, *, organization_id: str, key_id: str, editor: Principal) -> None:
    """Delete a key; the next request with it is refused.

    Raises:
        Conflict: it is the key that makes this request.
    """
    key = find_key(uow, organization_id=organization_id, key_id=key_id)
    _check_roles(uow, key.role_ids, organization_id=organization_id, creator=editor)
    if editor.actor.type is ActorType.API_KEY and editor.actor.id == key.id:
        raise Conflict("A key cannot delete itself; use another key.", code="key_in_use")
    store.delete_key(uow.connection, key.id)
    uow.record(KeyDeleted(organization_id=organization_id, key_id=key.id, name=key.name))


def find_key(uow: UnitOfWork, *, organization_id: str, key_id: str) -> ApiKey:
    """An organization's key; raises NotFound."""
    key = store.key(uow.connection, organization_id=organization_id, key_id=key_id)
    if key is None:
        raise NotFound("There is no such API key.")
    return key


def check_name(name: str) -> None:
    """Raise Invalid unless `name` is 1 to 256 printable characters."""
    if not 1 <= len(name.strip()) <= MAX_NAME or not name.isprintable():
        raise Invalid(f"A name has 1 to {MAX_NAME} printable characters.", code="name_invalid")


def check_sources(sources: tuple[Source, ...]) -> None:
    """Raise Invalid unless each entry names an address or a block."""
    for entry in sources:
        parse_source(entry.source)


def _check_roles(
    uow: UnitOfWork, role_ids: tuple[str, ...], *, organization_id: str, creator: Principal | None
) -> None:
    roles = role_store.roles_held(uow.connection, organization_id, role_ids)
    for role_id in role_ids:
        find_role(roles, role_id)
    check_given(rights(roles, role_ids), organization_id=organization_id, giver=creator)


def _check_expiry(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise Invalid("expireAt has passed already.", code="expiry_past")


def _check_room(uow: UnitOfWork, organization_id: str) -> None:
    found = store.keys(uow.connection, organization_id=organization_id, limit=KEYS_PER_ORGANIZATION)
    if len(found) >= KEYS_PER_ORGANIZATION:
        raise Conflict(
            f"An organization has at most {KEYS_PER_ORGANIZATION} API keys; delete one first.", code="keys_exhausted"
        )


def _ends_later(after: datetime | None, before: datetime | None) -> bool:
    """Whether an end was put off: a nearer one is always allowed, however far it is still."""
    return before is not None and (after is None or after > before)


def _generate(uow: UnitOfWork, organization_id: str) -> tuple[Secret, Secret]:
    while True:
        key_id = "".join(secrets.choice(ALPHABET) for _ in range(KEY_ID_LENGTH))
        if not store.key_suffix_taken(uow.connection, organization_id=organization_id, suffix=key_id[-SUFFIX_LENGTH:]):
            return Secret(key_id), new_key_secret()


def _hashes(key_id: Secret | None, key_secret: Secret | None) -> KeyHashes:
    if key_id is None or key_secret is None:
        raise Invalid("A key needs an id and a secret.", code="key_incomplete")
    return KeyHashes(hash_text(key_id.reveal()), key_id.reveal()[-SUFFIX_LENGTH:], hash_text(key_secret.reveal()))


def _check_hashes(uow: UnitOfWork, hashes: KeyHashes) -> None:
    for value in (hashes.key_id_hash, hashes.key_secret_hash):
        try:
            size = len(base64.b64decode(value, validate=True))
        except ValueError:
            size = 0
        if size != hashlib.sha256().digest_size:
            raise Invalid(
                "hashData holds base64(SHA-256(text)) for both the key id and the secret.", code="hash_malformed"
            )
    if len(hashes.key_id_suffix) != SUFFIX_LENGTH or not hashes.key_id_suffix.isprintable():
        raise Invalid("keyIdSuffix is the last four characters of the key id.", code="hash_malformed")
    if store.key_by_hash(uow.connection, hashes.key_id_hash) is not None:
        raise Conflict("A key with this key id exists already.", code="key_exists")


def _updates(before: ApiKey, after: ApiKey) -> list[KeyUpdated]:
    def expiry(key: ApiKey) -> str | None:
        return None if key.expires_at is None else rfc3339(key.expires_at)

    aspects: list[tuple[str, str | list[str] | None, str | list[str] | None]] = [
        ("name-changed", before.name, after.name),
        ("role-changed", list(before.role_ids), list(after.role_ids)),
        ("state-changed", before.state, after.state),
        ("date-changed", expiry(before), expiry(after)),
        ("ip-access-list-changed", _lines(before.ip_access), _lines(after.ip_access)),
    ]
    return [
        KeyUpdated(organization_id=before.organization_id, key_id=before.id, change=change, before=old, after=new)
        for change, old, new in aspects
        if old != new
    ]


def _lines(sources: tuple[Source, ...]) -> list[str]:
    return [f"{entry.source} {entry.description}".strip() for entry in sources]
