"""What an audit event is, and the context (who, from where) in which it happens.

A subclass is a frozen dataclass with a `code`; its fields are the event's data and its docstring is its reference page.
"""

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from sqlalchemy import Connection

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Denied
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret


class Outcome(StrEnum):
    """How the recorded act ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    DENIED = "denied"


class ActorType(StrEnum):
    """Who acts; the values of the Cloud API's `actorType`."""

    USER = "user"
    API_KEY = "api"
    SYSTEM = "system"


@dataclass(frozen=True)
class Actor:
    """Who acts. `id` is a user's or key's UUID, or the name of a part of the system; `details` a readable name."""

    type: ActorType
    id: str
    details: str = ""


SYSTEM = Actor(ActorType.SYSTEM, "stronghouse", "Stronghouse")


class Guard(Protocol):
    """What stands between somebody's right to act, which was read before, and what they do in a transaction."""

    def check(self, connection: Connection) -> None:
        """Raise a StronghouseError when they may not act any more, or not as they could when it was decided."""
        ...

    def refused(self, error: Denied) -> None:
        """Note that the act was denied; its transaction is over."""
        ...


@dataclass(frozen=True)
class Context:
    """The circumstances of one act: who, from which address, in which request.

    Attributes:
        guard: asked at the beginning of each of the act's transactions; None where nothing was decided before it.
    """

    actor: Actor
    address: str | None = None
    user_agent: str | None = None
    request_id: str = field(default_factory=new_id)
    guard: Guard | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """Base of every event. `organization_id` is None for events of the installation itself."""

    code: ClassVar[str]
    activity: ClassVar[str | None] = None  # the Cloud API's activity type, where there is one

    organization_id: str | None
    service_id: str | None = None
    outcome: Outcome = Outcome.SUCCESS

    def summary(self) -> str:
        """One sentence for people."""
        raise NotImplementedError

    def data(self) -> dict[str, Json]:
        """The event's own fields as JSON; refuses a secret."""
        own = {f.name for f in dataclasses.fields(self)} - {"organization_id", "service_id", "outcome"}
        return {name: _plain(name, getattr(self, name)) for name in sorted(own)}


def _plain(name: str, value: object) -> Json:
    match value:
        case Secret():
            raise TypeError(f"audit field {name} holds a secret")
        case None | bool() | int() | str():
            return value
        case datetime():
            return rfc3339(value)
        case list() | tuple():
            return [_plain(name, item) for item in value]
        case dict():
            return {str(key): _plain(name, item) for key, item in value.items()}
    raise TypeError(f"audit field {name} is a {type(value).__name__}, which has no JSON form")
