"""What Stronghouse can change by itself: access lists made shorter, keys given an end or switched off."""

from dataclasses import dataclass
from datetime import datetime

from stronghouse.access import api_keys
from stronghouse.access.api_keys import KeyChange
from stronghouse.access.model import ApiKey, Source
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.system import SYSTEM_ROLES
from stronghouse.audit.event import ActorType
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.networks import contains, parse_source
from stronghouse.responsibility.guidance.model import Caller
from stronghouse.services import actions as services
from stronghouse.services.model import Service
from stronghouse.services.requests import ServiceChange


@dataclass(frozen=True)
class NarrowService:
    """Take entries out of a service's IP access list."""

    service: Service
    remove: tuple[Source, ...]

    permission = Permission.IP_ACCESS_MANAGE

    @property
    def service_id(self) -> str:
        """The service."""
        return self.service.id

    @property
    def aspect(self) -> str:
        """The list."""
        return f"service/{self.service.id}/ip_access"

    def before(self) -> Json:
        """The entries that there are."""
        return _sources(self.service.ip_access)

    def after(self) -> Json:
        """The entries that stay."""
        return _sources(self._kept())

    def loses(self) -> list[str]:
        """Each block that is no longer let in."""
        lost = [f"Clients from {_described(entry)} can no longer reach {self.service.name}." for entry in self.remove]
        if not self._kept():
            lost.append(f"Nobody can reach {self.service.name} any more until its list names someone.")
        lost.append(f"The service is {self.service.state.value} in region {self.service.region}; its data stays.")
        return lost

    def lock_out(self, caller: Caller) -> str | None:
        """Whether the caller's own address is let in now and would not be."""
        if _admits(self.service.ip_access, caller.address) and not _admits(self._kept(), caller.address):
            return f"your own address {caller.address} could no longer reach {self.service.name}"
        return None

    def carry_out(self, uow: UnitOfWork, _caller: Caller, *, now: datetime) -> str | None:  # noqa: ARG002 - one shape
        """Remove the entries."""
        changed = services.update_service(
            uow,
            ServiceChange(remove_ip_access=tuple(entry.source for entry in self.remove)),
            organization_id=self.service.organization_id,
            service_id=self.service.id,
        )
        return changed.region

    def _kept(self) -> tuple[Source, ...]:
        return tuple(entry for entry in self.service.ip_access if entry not in self.remove)


class _OfKey:
    """What changes of an API key have in common."""

    key: ApiKey
    permission = Permission.API_KEYS_UPDATE
    service_id = None

    def _is_own(self, caller: Caller) -> bool:
        actor = caller.principal.actor
        return actor.type is ActorType.API_KEY and actor.id == self.key.id

    def _update(self, uow: UnitOfWork, caller: Caller, change: KeyChange, now: datetime) -> None:
        api_keys.update_key(
            uow,
            change,
            organization_id=self.key.organization_id,
            key_id=self.key.id,
            editor=caller.principal,
            now=now,
        )


@dataclass(frozen=True)
class NarrowKey(_OfKey):
    """Take entries out of an API key's IP access list."""

    key: ApiKey
    remove: tuple[Source, ...]

    @property
    def aspect(self) -> str:
        """The list."""
        return f"key/{self.key.id}/ip_access"

    def before(self) -> Json:
        """The entries that there are."""
        return _sources(self.key.ip_access)

    def after(self) -> Json:
        """The entries that stay."""
        return _sources(self._kept())

    def loses(self) -> list[str]:
        """Each block from which the key no longer works."""
        named = key_in_words(self.key)
        lost = [f"{named} no longer works from {_described(entry)}." for entry in self.remove]
        if not self._kept():
            lost.append(f"{named} stops working everywhere until its list names someone.")
        return lost

    def lock_out(self, caller: Caller) -> str | None:
        """Whether it is the caller's own key, used from an address that would be refused."""
        if self._is_own(caller) and not _admits(self._kept(), caller.address):
            return "it is the key that makes this request, and it would no longer work from your address"
        return None

    def carry_out(self, uow: UnitOfWork, caller: Caller, *, now: datetime) -> str | None:
        """Keep what is narrow enough."""
        self._update(uow, caller, KeyChange(ip_access=self._kept()), now)
        return None

    def _kept(self) -> tuple[Source, ...]:
        return tuple(entry for entry in self.key.ip_access if entry not in self.remove)


@dataclass(frozen=True)
class ExpireKey(_OfKey):
    """Give an API key an end."""

    key: ApiKey
    expires_at: datetime

    @property
    def aspect(self) -> str:
        """Its end."""
        return f"key/{self.key.id}/expiry"

    def before(self) -> Json:
        """When it ends now, or null."""
        return None if self.key.expires_at is None else rfc3339(self.key.expires_at)

    def after(self) -> Json:
        """When it will end."""
        return rfc3339(self.expires_at)

    def loses(self) -> list[str]:
        """Who uses the key."""
        return [f"{key_in_words(self.key)} stops working at {rfc3339(self.expires_at)}."]

    def lock_out(self, caller: Caller) -> str | None:
        """Whether it is the caller's own key."""
        return "it is the key that makes this request; use another key" if self._is_own(caller) else None

    def carry_out(self, uow: UnitOfWork, caller: Caller, *, now: datetime) -> str | None:
        """Set the end."""
        self._update(uow, caller, KeyChange(expires_at=self.expires_at), now)
        return None


@dataclass(frozen=True)
class DisableKey(_OfKey):
    """Switch an API key off. It can be switched on again."""

    key: ApiKey

    @property
    def aspect(self) -> str:
        """Whether it works."""
        return f"key/{self.key.id}/state"

    def before(self) -> Json:
        """Its state, and its last use: a key that was used meanwhile is another matter."""
        used = None if self.key.used_at is None else rfc3339(self.key.used_at)
        return {"state": self.key.state, "usedAt": used}

    def after(self) -> Json:
        """Switched off."""
        used = None if self.key.used_at is None else rfc3339(self.key.used_at)
        return {"state": "disabled", "usedAt": used}

    def loses(self) -> list[str]:
        """Who uses the key."""
        return [f"{key_in_words(self.key)} stops working at once; it can be enabled again."]

    def lock_out(self, caller: Caller) -> str | None:
        """Whether it is the caller's own key."""
        return "it is the key that makes this request" if self._is_own(caller) else None

    def carry_out(self, uow: UnitOfWork, caller: Caller, *, now: datetime) -> str | None:
        """Switch it off."""
        self._update(uow, caller, KeyChange(state="disabled"), now)
        return None


def key_in_words(key: ApiKey) -> str:
    """A key for people: its name, the end of its id, its roles and its last use."""
    roles = ", ".join(_role_names(key)) or "no role"
    used = "never used" if key.used_at is None else f"last used {key.used_at.date().isoformat()}"
    return f"API key {key.name} (…{key.key_suffix}, {roles}, {used})"


def _role_names(key: ApiKey) -> list[str]:
    """The system's roles by name; the organization's own, which it has given names that say little here, by number."""
    names = [SYSTEM_ROLES[role].name for role in key.role_ids if role in SYSTEM_ROLES]
    own = len(key.role_ids) - len(names)
    return [*names, *([f"{own} custom role{'s' if own > 1 else ''}"] if own else [])]


def _sources(entries: tuple[Source, ...]) -> list[Json]:
    return [{"source": entry.source, "description": entry.description} for entry in entries]


def _described(entry: Source) -> str:
    return f"{entry.source} ({entry.description})" if entry.description else entry.source


def _admits(entries: tuple[Source, ...], address: str | None) -> bool:
    return address is not None and contains([parse_source(entry.source) for entry in entries], address)
