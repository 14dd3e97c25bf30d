"""Query endpoints as the control plane wants them, checked."""

import base64
import binascii
import hashlib
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.networks import IPNetwork, parse_source

ENDPOINT_KIND = "query_endpoint"
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]


class KeyDocument(BaseModel):
    """An API key that an endpoint names: its hashes, base64 of SHA-256, and what else makes it hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Uuid
    key_id_hash: str
    key_secret_hash: str
    enabled: bool
    expires_at: Annotated[AwareDatetime, Field(strict=False)] | None
    ip_access: Annotated[list[str], Field(max_length=1000)]

    @field_validator("key_id_hash", "key_secret_hash")
    @classmethod
    def _is_sha256(cls, value: str) -> str:
        try:
            size = len(base64.b64decode(value, validate=True))
        except binascii.Error:
            size = 0
        if size != hashlib.sha256().digest_size:
            raise ValueError("not base64(SHA-256)")
        return value

    @field_validator("ip_access")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        try:
            for source in value:
                parse_source(source)
        except Invalid:
            raise ValueError("not a network") from None
        return value

    @property
    def networks(self) -> tuple[IPNetwork, ...]:
        """The access list."""
        return tuple(parse_source(source) for source in self.ip_access)


class EndpointDocument(BaseModel):
    """One service's endpoint. Unknown fields are refused: passing over one could leave something open."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Uuid
    service_id: Uuid
    roles: Annotated[list[Literal["sql_console_read_only", "sql_console_admin"]], Field(min_length=1, max_length=2)]
    allowed_origins: Annotated[list[str], Field(max_length=64)]
    keys: Annotated[list[KeyDocument], Field(max_length=100)]
