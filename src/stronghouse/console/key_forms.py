"""What somebody fills in about an API key, read and checked, and what a change of one would do.

An end is always the end of a day, so that what a preview says is what is done a minute later.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from pydantic import BaseModel, Field

from stronghouse.access import api_keys
from stronghouse.access.api_keys import KeyChange
from stronghouse.access.model import ApiKey, Source
from stronghouse.access.roles.policies import Rights
from stronghouse.access.roles.system import Roles, find_role, rights
from stronghouse.console.form_errors import Unfilled
from stronghouse.console.key_view import role_names
from stronghouse.kernel.canonical import Json, canonical_json
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import StronghouseError
from stronghouse.services import access_preview
from stronghouse.services.access_preview import Preview

MAX_LIST = 32_000
"""Characters of an IP access list: a thousand entries without much to say about each fit into a form."""
HERE = "added in the console"
Expiry = Literal["keep", "30", "90", "365", "date", "never"]


class KeyForm(BaseModel):
    """The fields of a new key, or of a changed one."""

    name: str = Field(default="", max_length=512)
    role: list[str] = Field(default_factory=list, max_length=100)
    sources: str = Field(default="", max_length=MAX_LIST)
    here: bool = False
    expiry: Expiry = "90"
    last_day: str = Field(default="", max_length=32)
    form_id: str = Field(default="", max_length=64)
    current_password: str = Field(default="", max_length=512, repr=False)


class ChangeForm(KeyForm):
    """The fields of a changed key: `act` "apply" does to just the key that was shown what was shown."""

    act: str = Field(default="preview", max_length=16)
    version: str = Field(default="", max_length=64)


@dataclass(frozen=True)
class WantedKey:
    """What a form says that a key should be."""

    name: str
    role_ids: tuple[str, ...]
    ip_access: tuple[Source, ...]
    expires_at: datetime | None


@dataclass(frozen=True)
class KeyPreview:
    """A change of a key before it is made.

    Attributes:
        roles: the organization's.
        gains: permissions that the key would have and has not.
        loses: permissions that it has and would not have any more.
        sources: what becomes of its IP access list.
    """

    key: ApiKey
    wanted: WantedKey
    roles: Roles
    gains: tuple[str, ...]
    loses: tuple[str, ...]
    sources: Preview

    @property
    def renamed(self) -> bool:
        """Whether the name changes."""
        return self.wanted.name != self.key.name

    @property
    def new_roles(self) -> tuple[str, ...]:
        """Roles that it gets."""
        return role_names((one for one in self.wanted.role_ids if one not in self.key.role_ids), self.roles)

    @property
    def old_roles(self) -> tuple[str, ...]:
        """Roles that it loses."""
        return role_names((one for one in self.key.role_ids if one not in self.wanted.role_ids), self.roles)

    @property
    def ends_otherwise(self) -> bool:
        """Whether its end changes."""
        return self.wanted.expires_at != self.key.expires_at

    @property
    def changes_anything(self) -> bool:
        """Whether there is anything to do."""
        roles = bool(self.new_roles or self.old_roles)
        return self.renamed or roles or self.ends_otherwise or self.sources.changes_anything


def read_form(form: KeyForm, *, key: ApiKey | None, roles: Roles, own_address: str | None, now: datetime) -> WantedKey:
    """What a form says; `key` is the one to change, None for a new one.

    Raises:
        Unfilled: with a sentence for each field that cannot be taken.
    """
    wrong: dict[str, str] = {}
    name, expires_at = form.name.strip(), None if key is None else key.expires_at
    sources: tuple[Source, ...] = ()
    try:
        api_keys.check_name(name)
    except StronghouseError as error:
        wrong["name"] = error.public
    role_ids = tuple(dict.fromkeys(one.lower() for one in form.role))
    if not role_ids and (key is None or key.role_ids):
        wrong["role"] = "Choose at least one role; without any, the key may do nothing."
    try:
        for one in role_ids:
            find_role(roles, one)
    except StronghouseError as error:
        wrong["role"] = error.public
    try:
        sources = _sources(form, own_address)
    except StronghouseError as error:
        wrong["sources"] = error.public
    if form.expiry != "keep" or key is None:
        try:
            expires_at = _end(form, now)
        except ValueError as error:
            wrong["last_day"] = str(error)
    if wrong:
        raise Unfilled(wrong)
    return WantedKey(name, role_ids, sources, expires_at)


def change_of(key: ApiKey, wanted: WantedKey) -> KeyChange:
    """The change that makes `key` what is wanted; what is so already is left alone."""
    return KeyChange(
        name=wanted.name if wanted.name != key.name else None,
        role_ids=wanted.role_ids if set(wanted.role_ids) != set(key.role_ids) else None,
        ip_access=None if _same_list(wanted.ip_access, key.ip_access) else wanted.ip_access,
        expires_at=wanted.expires_at if wanted.expires_at != key.expires_at else None,
        clear_expiry=wanted.expires_at is None and key.expires_at is not None,
    )


def preview_of(key: ApiKey, wanted: WantedKey, roles: Roles) -> KeyPreview:
    """What a change would do."""
    before, after = rights(roles, key.role_ids), rights(roles, wanted.role_ids)
    return KeyPreview(
        key=key,
        wanted=wanted,
        roles=roles,
        gains=_beyond(after, before),
        loses=_beyond(before, after),
        sources=access_preview.preview(key.ip_access, wanted.ip_access, own_address=None, connected=None),
    )


def _beyond(more: Rights, less: Rights) -> tuple[str, ...]:
    """The permissions that one holds and the other does not, or on fewer services."""
    return tuple(
        permission.value
        for permission in sorted(more.all_permissions)
        if (
            permission not in less.organization
            if permission.scope == "organization"
            else not more.services_with(permission) <= less.services_with(permission)
        )
    )


def key_version(key: ApiKey) -> str:
    """A name for all that can be changed of a key, by which a form knows the key that it was made for."""
    end = None if key.expires_at is None else rfc3339(key.expires_at)
    roles: list[Json] = [*sorted(key.role_ids)]
    parts: list[Json] = [key.name, roles, access_preview.list_version(key.ip_access), key.state, end]
    return hashlib.sha256(canonical_json(parts)).hexdigest()


def last_day(expires_at: datetime | None) -> str:
    """The day at whose end a key ends, as a form takes it; empty for one that does not end."""
    if expires_at is None:
        return ""
    return (expires_at - timedelta(microseconds=1)).date().isoformat()


def _same_list(one: tuple[Source, ...], other: tuple[Source, ...]) -> bool:
    return access_preview.list_version(one) == access_preview.list_version(other)


def _sources(form: KeyForm, own_address: str | None) -> tuple[Source, ...]:
    typed = access_preview.parse_lines(form.sources)
    return access_preview.with_own(typed, own_address if form.here else None, HERE)


def _end(form: KeyForm, now: datetime) -> datetime | None:
    """When a key ends; raises ValueError with a sentence."""
    if form.expiry == "never":
        return None
    try:
        if form.expiry == "date":
            day = date.fromisoformat(form.last_day.strip())
        else:
            day = now.date() + timedelta(days=int(form.expiry))
        end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError("Say the last day as in 2027-01-31.") from None
    if end <= now:
        raise ValueError("This day has passed already.")
    return end
