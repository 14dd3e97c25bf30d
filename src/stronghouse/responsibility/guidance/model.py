"""The words of guidance: rules that a profile sets, differences from them, acts that end a difference."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from stronghouse.access.model import ApiKey, Membership, Principal
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.system import Roles
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.canonical import Json, canonical_json
from stronghouse.notifications.model import Channel
from stronghouse.responsibility.model import Severity
from stronghouse.services.model import Service

CONTROL_SETTING = "control"
"""What stands for the setting in the differences of required controls; their resource is the control's id."""
ORGANIZATION = "organization"
"""The resource of what concerns the organization as a whole."""
LONGEST_DECLINED = timedelta(days=365)


@dataclass(frozen=True)
class State:
    """An organization's settings as they are at `now`, read from one snapshot."""

    organization_id: str
    now: datetime
    services: tuple[Service, ...]
    keys: tuple[ApiKey, ...]
    members: tuple[Membership, ...]
    roles: Roles
    rows: tuple[str, ...]
    """The ids of all rows of the matrix."""
    accountable: Mapping[str, str]
    """Who answers for a row: user ids by row id."""
    channels: tuple[Channel, ...]
    """Where notices go."""
    hosted: frozenset[str]
    """The ids of the regions for which it is declared who carries the machines."""


@dataclass(frozen=True)
class Caller:
    """Who wants a plan carried out, and from which address they come."""

    principal: Principal
    address: str | None


class Change(Protocol):
    """Something that Stronghouse can do by itself to end a difference."""

    @property
    def aspect(self) -> str:
        """What is changed, as in `key/ID/expiry`: two changes of one aspect see each other's work."""
        ...

    @property
    def permission(self) -> Permission:
        """What the caller needs, as for the same change by hand."""
        ...

    @property
    def service_id(self) -> str | None:
        """The service on which it is needed; None for what is about the organization."""
        ...

    def before(self) -> Json:
        """The state that the plan was made for, all of it that is changed."""
        ...

    def after(self) -> Json:
        """The state that the change brings about."""
        ...

    def loses(self) -> list[str]:
        """Who or what loses access by it, a sentence each."""
        ...

    def lock_out(self, caller: Caller) -> str | None:
        """Why the caller would lock themselves out by it; None if they would not."""
        ...

    def carry_out(self, uow: UnitOfWork, caller: Caller, *, now: datetime) -> str | None:
        """Do it through the area that owns the setting; the region to tell of it, if any."""
        ...


@dataclass(frozen=True)
class Found:
    """One thing that is not as a rule wants it. Without a `change` a person has to mend it, as `remediation` says."""

    resource: str
    name: str
    is_now: str
    remediation: str
    change: Change | None = None


@dataclass(frozen=True)
class Rule:
    """A setting with the value that a profile wants.

    Attributes:
        value: as it stands in the profile.
        wanted: the same in words.
        strictness: a rule is at least as strict as another where none of these numbers is lower.
        find: what differs.
    """

    value: Json
    wanted: str
    strictness: tuple[int, ...]
    find: Callable[[State], Iterable[Found]]


@dataclass(frozen=True)
class Setting:
    """Something that can be observed now and compared. `rule` reads a profile's value; raises Invalid."""

    id: str
    title: str
    severity: Severity
    rule: Callable[[Json], Rule]


@dataclass(frozen=True)
class Desired:
    """A rule in a profile: why it is wanted and what it costs."""

    setting: Setting
    rule: Rule
    why: str
    costs: str


@dataclass(frozen=True)
class Profile:
    """A set of desired settings and of controls that must be proven, with what it inherits worked in.

    Attributes:
        audience: for whom it is.
        threat: which threat it answers.
        controls: ids of required controls, and why each one is.
    """

    id: str
    title: str
    audience: str
    threat: str
    inherits: str | None
    settings: Mapping[str, Desired]
    controls: Mapping[str, str]


@dataclass(frozen=True)
class Difference:
    """One thing that is not as a profile wants it. Its id is `SETTING/RESOURCE`."""

    setting: str
    title: str
    severity: Severity
    found: Found
    wanted: str
    why: str
    costs: str

    @property
    def id(self) -> str:
        """The same for as long as the same setting of the same resource differs."""
        return f"{self.setting}/{self.found.resource}"

    @property
    def before_hash(self) -> str | None:
        """SHA-256 of the state that the plan was made for; None without a plan."""
        change = self.found.change
        return None if change is None else state_hash(change.before())


def state_hash(value: Json) -> str:
    """SHA-256 of a state's canonical JSON, hex."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


class AdviceState(StrEnum):
    """What became of the advice to end a difference."""

    OPEN = "open"
    DECLINED = "declined"
    TASK = "task"
    OVERDUE = "overdue"
    """A task whose time is over."""


@dataclass(frozen=True)
class Choice:
    """The profile that an organization chose."""

    organization_id: str
    profile: str
    chosen_at: datetime
    actor_type: str
    actor_id: str
    actor_details: str


@dataclass(frozen=True)
class Declined:
    """Advice that was declined until a date. `advice` is a setting's id, or a difference's."""

    id: str
    organization_id: str
    profile: str
    advice: str
    reason: str
    declined_at: datetime
    until: datetime
    actor_type: str
    actor_id: str
    actor_details: str

    def covers(self, difference: Difference, now: datetime) -> bool:
        """Whether it is in force at `now` and speaks of this difference."""
        return self.declined_at <= now < self.until and self.advice in {difference.setting, difference.id}


@dataclass(frozen=True)
class Task:
    """A finding that was opened for a difference, so that a person mends it. When it is due is said by the finding."""

    organization_id: str
    difference: str
    profile: str
    finding_id: str
    opened_at: datetime
