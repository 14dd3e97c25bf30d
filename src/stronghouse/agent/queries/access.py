"""Who may use the queries host: by the hashes that the control plane gave, or nobody.

Invariants:
- A key that no endpoint of this region names does not exist here, and takes the same work as one with a wrong secret.
- A key learns nothing of services whose endpoints do not name it: not even whether there are such services.
- What the control plane said last counts for `MAX_AGE_SECONDS` after it was last heard, and then for nothing.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from stronghouse.agent.queries.documents import EndpointDocument, KeyDocument
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import Denied, NotFound, Unauthenticated, Unavailable
from stronghouse.kernel.networks import IPNetwork, contains
from stronghouse.kernel.secret import Secret

MAX_AGE_SECONDS = 3600.0
"""How long keys are taken without a word from the control plane, which may have revoked them meanwhile."""
ANY_ORIGIN = "*"


@dataclass(frozen=True, slots=True)
class Grant:
    """A key that may query a service, from an address."""

    service_id: str
    key_id: str
    address: str


@dataclass(frozen=True, slots=True)
class _Key:
    document: KeyDocument
    networks: tuple[IPNetwork, ...]


class QueryAccess:
    """Decides.

    Args:
        clock: tells whether a key has expired.
        age: seconds since the control plane was last heard, 0 while it is; None if it was not since this start.
    """

    def __init__(self, clock: Clock, age: Callable[[], float | None]) -> None:
        self._clock = clock
        self._age = age
        self._endpoints: dict[str, EndpointDocument] = {}
        self._keys: dict[str, _Key] = {}

    def replace(self, endpoints: Iterable[EndpointDocument]) -> None:
        """These are the endpoints from now on."""
        self._endpoints = {endpoint.service_id: endpoint for endpoint in endpoints}
        keys = (key for endpoint in self._endpoints.values() for key in endpoint.keys)
        self._keys = {key.key_id_hash: _Key(key, key.networks) for key in keys}

    @property
    def endpoints(self) -> Mapping[str, EndpointDocument]:
        """The endpoints by the ids of their services."""
        return self._endpoints

    def check(self, service_id: str, *, key_id: str, key_secret: Secret, address: str) -> Grant:
        """What these credentials allow.

        Raises:
            Unavailable: the control plane has not been heard for too long.
            Unauthenticated: no endpoint names such a key, or it is disabled or has expired.
            Denied: it may not be used from this address.
            NotFound: there is no endpoint for this service that names it.
        """
        self._require_news()
        found = self._keys.get(_hash(key_id))
        expected = found.document.key_secret_hash if found else _NOBODY
        proven = hmac.compare_digest(_hash(key_secret.reveal()).encode(), expected.encode())
        if found is None or not proven:
            raise Unauthenticated(
                "The API key id or secret is wrong, or no query endpoint names this key.", code="key_unknown"
            )
        self._require_good(found, address)
        grant = Grant(service_id, found.document.id, address)
        if not self._names(grant):
            raise NotFound(
                "There is no such service, or its query endpoint does not name this API key.",
                code="query_endpoint_absent",
            )
        return grant

    def still_holds(self, grant: Grant) -> bool:
        """Whether a grant that was given is one that would be given now. Age and expiry end no query that runs."""
        keys = [key for key in self._keys.values() if key.document.id == grant.key_id]
        return self._names(grant) and any(
            key.document.enabled and contains(key.networks, grant.address) for key in keys
        )

    def allows_origin(self, service_id: str, origin: str) -> bool:
        """Whether pages of this origin may query a service."""
        endpoint = self._endpoints.get(service_id)
        allowed = endpoint.allowed_origins if endpoint else []
        return ANY_ORIGIN in allowed or origin.lower() in allowed

    def _names(self, grant: Grant) -> bool:
        endpoint = self._endpoints.get(grant.service_id)
        return endpoint is not None and any(key.id == grant.key_id for key in endpoint.keys)

    def _require_news(self) -> None:
        age = self._age()
        if age is None or age > MAX_AGE_SECONDS:
            raise Unavailable(
                "This region has not heard from its control plane for too long to know which API keys hold.",
                code="keys_stale",
            )

    def _require_good(self, key: _Key, address: str) -> None:
        now: datetime = self._clock.now()
        if not key.document.enabled:
            raise Unauthenticated("This API key is disabled.", code="key_disabled")
        if key.document.expires_at is not None and key.document.expires_at <= now:
            raise Unauthenticated("This API key has expired.", code="key_expired")
        if not contains(key.networks, address):
            raise Denied("This API key may not be used from this address; see its IP access list.", code="key_address")


def _hash(text: str) -> str:
    """base64(SHA-256(text)): the form that the control plane keeps."""
    return base64.b64encode(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()).decode()


_NOBODY = _hash("")
