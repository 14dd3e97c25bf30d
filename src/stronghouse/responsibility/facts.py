"""What a collector saw: the form in which facts travel, are judged, and become evidence.

Facts come from agents, so nothing in them is believed before it is read through these typed accessors.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import parse_rfc3339, rfc3339
from stronghouse.kernel.errors import Invalid

MAX_RESOURCES = 20_000
MAX_TEXT = 4096
_T = TypeVar("_T")


class Place(StrEnum):
    """Where a collector runs."""

    CONTROL = "control"
    REGION = "region"


COLLECTORS: Mapping[str, frozenset[Place]] = {
    "audit_tree": frozenset({Place.CONTROL}),
    "packages": frozenset({Place.CONTROL}),
    "documents": frozenset({Place.CONTROL}),
    "tls_endpoints": frozenset({Place.CONTROL, Place.REGION}),
    "listening_sockets": frozenset({Place.CONTROL, Place.REGION}),
    "disk_encryption": frozenset({Place.REGION}),
    "data_keys": frozenset({Place.REGION}),
    "network_access": frozenset({Place.REGION}),
    "worker_sandbox": frozenset({Place.REGION}),
    "service_authentication": frozenset({Place.REGION}),
    "plane_access": frozenset({Place.REGION}),
    "notification_channels": frozenset({Place.CONTROL}),
    "components": frozenset({Place.CONTROL, Place.REGION}),
    "findings": frozenset({Place.CONTROL}),
    "guidance": frozenset({Place.CONTROL}),
    "control_access": frozenset({Place.CONTROL}),
    "declared_state": frozenset({Place.CONTROL}),
    "agents": frozenset({Place.CONTROL}),
    "key_ages": frozenset({Place.CONTROL}),
    "audit_progress": frozenset({Place.CONTROL}),
    "own_files": frozenset({Place.CONTROL, Place.REGION}),
    "own_process": frozenset({Place.CONTROL, Place.REGION}),
    "rendered_configuration": frozenset({Place.CONTROL, Place.REGION}),
    "service_places": frozenset({Place.REGION}),
    "service_logs": frozenset({Place.REGION}),
    "database_users": frozenset({Place.REGION}),
    "host_system": frozenset({Place.CONTROL, Place.REGION}),
    "host_updates": frozenset({Place.CONTROL, Place.REGION}),
    "host_sshd": frozenset({Place.CONTROL, Place.REGION}),
    "host_firewall": frozenset({Place.CONTROL, Place.REGION}),
    "host_access": frozenset({Place.CONTROL, Place.REGION}),
    "host_listening": frozenset({Place.CONTROL, Place.REGION}),
}
"""Every collector and where it runs."""
OF_EVERY_SERVICE = frozenset(
    {
        "data_keys",
        "database_users",
        "disk_encryption",
        "network_access",
        "rendered_configuration",
        "service_authentication",
        "service_logs",
        "service_places",
        "tls_endpoints",
        "worker_sandbox",
    }
)
"""Collectors that have something to say of each service of their region: an answer that leaves one out is no answer."""
CONTROL_PLACE = "control"


def place_of(region: str | None) -> str:
    """How a place is stored and shown."""
    return CONTROL_PLACE if region is None else f"region/{region}"


def places_of(collector: str, regions: Iterable[str]) -> list[str | None]:
    """Where a collector runs: None for the control plane, then the regions."""
    where = COLLECTORS[collector]
    control: list[str | None] = [None] if Place.CONTROL in where else []
    return control + (sorted(regions) if Place.REGION in where else [])


class Observation:
    """A JSON object out of facts, read field by field; a missing or mistyped field raises Invalid."""

    def __init__(self, fields: Mapping[str, Json]) -> None:
        self.fields = fields

    def text(self, name: str) -> str:
        """A text."""
        return _typed(name, self.fields.get(name), str)

    def optional_text(self, name: str) -> str | None:
        """A text, or None where the field is null."""
        return None if self._is_null(name) else self.text(name)

    def flag(self, name: str) -> bool:
        """A truth value."""
        return _typed(name, self.fields.get(name), bool)

    def number(self, name: str) -> int:
        """An integer."""
        value = self.fields.get(name)
        return _typed(name, None if isinstance(value, bool) else value, int)

    def optional_number(self, name: str) -> int | None:
        """An integer, or None where the field is null."""
        return None if self._is_null(name) else self.number(name)

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        return [_typed(name, item, str) for item in _typed(name, self.fields.get(name), list)]

    def optional_texts(self, name: str) -> list[str] | None:
        """A list of texts, or None where the field is null."""
        return None if self._is_null(name) else self.texts(name)

    def counts(self, name: str) -> dict[str, int]:
        """Numbers by name."""
        counted = Observation(_typed(name, self.fields.get(name), dict))
        return {key: counted.number(key) for key in counted.fields}

    def part(self, name: str) -> "Observation":
        """An object."""
        return Observation(_typed(name, self.fields.get(name), dict))

    def parts(self, name: str) -> list["Observation"]:
        """A list of objects."""
        return [Observation(_typed(name, item, dict)) for item in _typed(name, self.fields.get(name), list)]

    def _is_null(self, name: str) -> bool:
        """Whether the field says that there is no value: a field that is missing says nothing."""
        return name in self.fields and self.fields[name] is None


class Resource(Observation):
    """One thing that a collector looked at. `id` is stable, as in `service/<uuid>`; `kind` says what its fields are.

    `service_id` names the service it belongs to, `organization_id` the organization (facts of the control plane only:
    an agent must not choose who sees what it says); a resource with neither belongs to the installation.
    """

    def __init__(self, fields: Mapping[str, Json]) -> None:
        super().__init__(fields)
        self.id = self.text("id")
        self.kind = self.text("kind")
        self.service_id = self.text("service_id") if fields.get("service_id") is not None else None
        self.organization_id = self.text("organization_id") if fields.get("organization_id") is not None else None
        if len(self.id) > MAX_TEXT:
            raise Invalid("A resource's id is too long.", code="facts_malformed")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything one run of a collector saw.

    Attributes:
        collector: its name, one of `COLLECTORS`.
        version: of the collector; raised when it looks in another way.
        method: exactly how it looked, for a person who wants to repeat it.
        target: what it looked at, as in `region local`.
        collected_at: when.
        resources: what it found.
    """

    collector: str
    version: int
    method: str
    target: str
    collected_at: datetime
    resources: tuple[Resource, ...] = field(default=())

    def of_kind(self, kind: str) -> Iterator[Resource]:
        """The resources of one kind."""
        return (resource for resource in self.resources if resource.kind == kind)

    def only(self, resources: Iterable[Resource]) -> "Facts":
        """The same facts about these resources alone."""
        return replace(self, resources=tuple(resources))

    def to_json(self) -> dict[str, Json]:
        """As JSON."""
        return {
            "collector": self.collector,
            "version": self.version,
            "method": self.method,
            "target": self.target,
            "collected_at": rfc3339(self.collected_at),
            "resources": [dict(resource.fields) for resource in self.resources],
        }

    @classmethod
    def from_json(cls, value: Json) -> "Facts":
        """Read what came from a collector; raises Invalid for anything that `to_json` would not give."""
        if not isinstance(value, dict):
            raise Invalid("Facts are a JSON object.", code="facts_malformed")
        document = Observation(value)
        resources = tuple(Resource(part.fields) for part in document.parts("resources"))
        if len(resources) > MAX_RESOURCES or len({resource.id for resource in resources}) != len(resources):
            raise Invalid("Facts name each resource once, and at most 20,000 of them.", code="facts_malformed")
        try:
            collected_at = parse_rfc3339(document.text("collected_at"))
        except ValueError:
            raise Invalid("Facts need the time of collection.", code="facts_malformed") from None
        return cls(
            collector=document.text("collector"),
            version=document.number("version"),
            method=document.text("method"),
            target=document.text("target"),
            collected_at=collected_at,
            resources=resources,
        )


def _typed(name: str, value: object, kind: type[_T]) -> _T:
    if not isinstance(value, kind):
        raise Invalid(f"The facts lack {name!r}, or it is no {kind.__name__}.", code="facts_malformed")
    return value
