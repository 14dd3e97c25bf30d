"""What the control plane wants of this agent, checked, and kept on disk so that the agent can go on without it."""

import base64
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from stronghouse.agent.queries.documents import ENDPOINT_KIND, EndpointDocument
from stronghouse.agent.settings import SLOTS
from stronghouse.kernel.canonical import parse_json
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.files import write_private
from stronghouse.kernel.networks import IPNetwork, parse_source
from stronghouse.regions.protocol import Desired, WantedDocument, encode

SERVICE_KIND = "service"
_log = structlog.get_logger()
Text = Annotated[str, Field(min_length=1, max_length=253)]
HostName = Annotated[
    str, Field(max_length=253, pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$")
]
# The id becomes a directory's name: one canonical form and nothing else.
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]


class ServiceDocument(BaseModel):
    """One service as it is wanted. Unknown fields are refused: passing over one could leave something open."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Uuid
    organization_id: Uuid
    name: Text
    state: Literal["running", "stopped", "deleted"]
    slot: Annotated[int, Field(ge=0, lt=SLOTS)]
    hosts: Annotated[list[HostName], Field(min_length=1, max_length=16)]
    ip_access: Annotated[list[str], Field(max_length=1000)]
    username: Text
    password_sha256: str
    idle_scaling: bool
    idle_timeout_minutes: Annotated[int, Field(ge=1)]
    memory_gb: Annotated[int, Field(ge=1)]
    settings: Annotated[dict[Text, Annotated[str, Field(max_length=4096)]], Field(max_length=1000)] = Field(
        default_factory=dict
    )

    @field_validator("hosts")
    @classmethod
    def _are_distinct(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise ValueError("a host is named twice")
        return value

    @field_validator("ip_access")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        for source in value:
            parse_source(source)
        return value

    @field_validator("password_sha256")
    @classmethod
    def _is_sha256(cls, value: str) -> str:
        try:
            size = len(base64.b64decode(value, validate=True))
        except ValueError:  # binascii.Error is one, and text beyond ASCII is another
            size = 0
        if size != hashlib.sha256().digest_size:
            raise ValueError("not base64(SHA-256)")
        return value

    @property
    def networks(self) -> tuple[IPNetwork, ...]:
        """The access list."""
        return tuple(parse_source(source) for source in self.ip_access)


@dataclass(frozen=True)
class Wishes:
    """A desired state taken apart.

    Attributes:
        services: those that can be brought about.
        unreadable: ids with the reason why others cannot.
        endpoints: query endpoints by their services; one that cannot be read is none.
    """

    version: int
    services: tuple[ServiceDocument, ...]
    unreadable: dict[str, str]
    endpoints: dict[str, EndpointDocument] = field(default_factory=dict)


def read_wishes(desired: Desired) -> Wishes:
    """Take a desired state apart. One bad document spoils nothing but its own service."""
    services: list[ServiceDocument] = []
    unreadable: dict[str, str] = {}
    endpoints: dict[str, EndpointDocument] = {}
    taken: set[int] = set()
    for wanted in desired.documents:
        if wanted.kind == ENDPOINT_KIND:
            endpoint = _endpoint(wanted)
            if endpoint is not None:
                endpoints[wanted.id] = endpoint
            continue
        if wanted.kind != SERVICE_KIND:
            _log.warning("desired_kind_unknown", kind=wanted.kind, id=wanted.id)
            continue
        try:
            service = _service(wanted, taken)
        except Invalid as error:
            _log.error("desired_document_unreadable", id=wanted.id, reason=error.public, detail=error.detail)
            unreadable[wanted.id] = error.public
            continue
        if service.state != "deleted":
            taken.add(service.slot)
        services.append(service)
    return Wishes(desired.version, tuple(services), unreadable, endpoints)


def _endpoint(wanted: WantedDocument) -> EndpointDocument | None:
    """A query endpoint; None, which lets in nobody, where it cannot be read."""
    try:
        endpoint = EndpointDocument.model_validate(wanted.document)
    except ValidationError as error:
        _log.error("query_endpoint_unreadable", id=wanted.id, detail=_places(error))
        return None
    if endpoint.service_id != wanted.id:
        _log.error("query_endpoint_unreadable", id=wanted.id, detail="service_id")
        return None
    return endpoint


def _places(error: ValidationError) -> str:
    """The fields that are wrong, never what they hold."""
    places = sorted({".".join(str(part) for part in problem["loc"]) for problem in error.errors(include_input=False)})
    return ", ".join(places)[:300]


def _service(wanted: WantedDocument, taken: Collection[int]) -> ServiceDocument:
    try:
        service = ServiceDocument.model_validate(wanted.document)
    except ValidationError as error:
        fields = _places(error)
        raise Invalid(f"This agent does not understand the service's description: {fields}.", detail=fields) from None
    if service.id != wanted.id:
        raise Invalid("The service's description carries another service's id.")
    if service.state != "deleted" and service.slot in taken:
        raise Invalid("Another service has the same port.")
    return service


class DesiredCache:
    """The last desired state, in one file that is replaced whole and carries its own hash."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, desired: Desired) -> None:
        """Keep it durably."""
        text = encode(desired)
        digest = hashlib.sha256(text.encode()).hexdigest()
        write_private(self._path, json.dumps({"sha256": digest, "desired": text}).encode())

    def load(self) -> Desired | None:
        """What was kept last; None before the first, or when the file is damaged (which is logged)."""
        try:
            return _verified(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            _log.error("desired_cache_damaged", path=str(self._path))
            return None


def _verified(content: bytes) -> Desired:
    """The desired state in a cache file; raises ValueError unless its hash fits."""
    kept = parse_json(content)
    text = kept.get("desired") if isinstance(kept, dict) else None
    if not isinstance(kept, dict) or not isinstance(text, str):
        raise ValueError("not a cached desired state")  # noqa: TRY004 - one error for every kind of damage
    if hashlib.sha256(text.encode()).hexdigest() != kept.get("sha256"):
        raise ValueError("the hash does not fit")
    return Desired.model_validate(parse_json(text))
