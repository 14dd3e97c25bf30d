"""A service's query endpoint, and the origins that it names."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stronghouse.kernel.errors import Invalid

ANY_ORIGIN = "*"
MAX_ORIGINS = 64
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_ORIGIN = re.compile(rf"(?P<scheme>https?://)?(?P<host>{_LABEL}(\.{_LABEL})*)(?P<port>:[0-9]{{1,5}})?\Z")


class QueryRole(StrEnum):
    """What statements may do: the Cloud API's names of its database roles."""

    READ_ONLY = "sql_console_read_only"
    ADMIN = "sql_console_admin"


@dataclass(frozen=True)
class EndpointRequest:
    """What an endpoint is to be; it replaces all that there was. `allowed_origins` is a list with commas."""

    roles: tuple[QueryRole, ...]
    key_ids: tuple[str, ...]
    allowed_origins: str = ""


@dataclass(frozen=True)
class QueryEndpoint:
    """A service has one at most. `id` stays the same for as long as there is one; `key_ids` name API keys."""

    id: str
    service_id: str
    organization_id: str
    roles: tuple[QueryRole, ...]
    key_ids: tuple[str, ...]
    allowed_origins: str
    created_at: datetime


def origins_of(text: str) -> tuple[str, ...]:
    """The origins that a list names, as browsers send them, or `*` for every one; empty for none.

    A name without a scheme stands for its origin by HTTPS.

    Raises:
        Invalid: an entry is neither an origin nor a host name nor `*`, or there are too many.
    """
    entries = [entry.strip().lower() for entry in text.split(",") if entry.strip()]
    if len(entries) > MAX_ORIGINS:
        raise Invalid(f"allowedOrigins names at most {MAX_ORIGINS} origins.", code="origins_too_many")
    return tuple(dict.fromkeys(_origin(entry) for entry in entries))


def _origin(entry: str) -> str:
    found = _ORIGIN.match(entry)
    if entry == ANY_ORIGIN:
        return entry
    if found is None:
        raise Invalid(
            f"{entry[:64]!r} in allowedOrigins is not an origin as in https://app.example.com, nor '*'.",
            code="origin_invalid",
        )
    scheme, port = found["scheme"] or "https://", found["port"] or ""
    usual = {"https://": ":443", "http://": ":80"}[scheme]
    return f"{scheme}{found['host']}{'' if port == usual else port}"
