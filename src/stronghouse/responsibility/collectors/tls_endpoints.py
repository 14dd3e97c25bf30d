"""Looks at TLS endpoints from outside: certificate, protocol versions, plain text. Every look is a real connection."""

import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from socket import create_connection
from typing import cast

from stronghouse.access.certificates import expires_at
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock, rfc3339
from stronghouse.kernel.errors import Invalid
from stronghouse.responsibility.collectors.tls_hello import VERSIONS, Answer, offer_plaintext, offer_version
from stronghouse.responsibility.facts import Facts, Resource

VERSION = 1
METHOD = (
    "For each address: one ClientHello each that offers only TLS 1.0, 1.1, 1.2 or 1.3 and the first record of the "
    "answer; one HTTP request without TLS; one handshake that verifies chain and name against our authority."
)
TIMEOUT_SECONDS = 3.0
CONCURRENCY = 4


@dataclass(frozen=True)
class TlsEndpoint:
    """Somewhere that ought to speak TLS.

    Attributes:
        host: the name its certificate must carry.
        port: its TCP port.
        addresses: where to connect, as in `("127.0.0.1", "::1")`.
        service_id: the service it belongs to, if it does.
        expected: whether something must answer; a stopped service's port may be closed.
        required_versions: the protocol versions that it must accept; the channel between planes speaks only 1.3.
    """

    host: str
    port: int
    addresses: tuple[str, ...]
    service_id: str | None = None
    expected: bool = True
    required_versions: tuple[str, ...] = ("1.2", "1.3")


def collect_tls_endpoints(
    endpoints: Sequence[TlsEndpoint], *, authority_pem: str, target: str, clock: Clock, timeout: float = TIMEOUT_SECONDS
) -> Facts:
    """Facts about `endpoints`, one resource for each address. Blocks; a dead endpoint costs at most a few timeouts."""
    started = clock.now()
    looks = [(endpoint, address) for endpoint in endpoints for address in endpoint.addresses]
    with ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="tls") as pool:
        resources = list(pool.map(lambda look: _look(look[0], look[1], authority_pem, timeout), looks))
    return Facts(
        collector="tls_endpoints",
        version=VERSION,
        method=METHOD,
        target=target,
        collected_at=started,
        resources=tuple(resources),
    )


def _look(endpoint: TlsEndpoint, address: str, authority_pem: str, timeout: float) -> Resource:
    fields: dict[str, Json] = {
        "id": f"endpoint/{endpoint.host}:{endpoint.port}@{address}",
        "kind": "endpoint",
        "service_id": endpoint.service_id,
        "host": endpoint.host,
        "expected": endpoint.expected,
        "required_versions": [*endpoint.required_versions],
        "reachable": True,
        "unreachable_because": None,
    }
    where = (address, endpoint.port)
    try:
        versions = {
            version: offer_version(*where, server_name=endpoint.host, version=version, timeout=timeout)
            for version in VERSIONS
        }
        plain = offer_plaintext(*where, server_name=endpoint.host, timeout=timeout)
        fields["versions"] = {version: _answer(answer) for version, answer in versions.items()}
        fields["plaintext"] = _answer(plain)
        fields["handshake"] = _handshake(endpoint, address, authority_pem, timeout)
    except OSError as error:
        fields.update(reachable=False, unreachable_because=error.strerror or type(error).__name__)
    return Resource(fields)


def _answer(answer: Answer) -> Json:
    return {"outcome": answer.outcome.value, "detail": answer.detail}


def _handshake(endpoint: TlsEndpoint, address: str, authority_pem: str, timeout: float) -> Json:
    """A verifying handshake; where it fails, a second one that verifies nothing still tells when the leaf expires."""
    try:
        trusting = ssl.create_default_context(cadata=authority_pem)
        with (
            create_connection((address, endpoint.port), timeout=timeout) as plain,
            trusting.wrap_socket(plain, server_hostname=endpoint.host) as secured,
        ):
            leaf = secured.getpeercert() or {}
            return {
                "trusted": True,
                "problem": None,
                "protocol": secured.version(),
                "names": [value for _, value in cast("Sequence[tuple[str, str]]", leaf.get("subjectAltName", ()))],
                "not_before": _moment(leaf["notBefore"]),
                "not_after": _moment(leaf["notAfter"]),
            }
    except ssl.SSLCertVerificationError as error:
        problem = error.verify_message
    except ssl.SSLError as error:
        problem = error.reason or "the handshake failed"
    not_after = _unverified_expiry(endpoint, address, timeout)
    return {
        "trusted": False,
        "problem": problem,
        "protocol": None,
        "names": [],
        "not_before": None,
        "not_after": not_after,
    }


def _unverified_expiry(endpoint: TlsEndpoint, address: str, timeout: float) -> str | None:
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE  # only to read what is shown; the verdict has been given above
    try:
        with (
            create_connection((address, endpoint.port), timeout=timeout) as plain,
            blind.wrap_socket(plain, server_hostname=endpoint.host) as secured,
        ):
            leaf = secured.getpeercert(binary_form=True)
        return None if leaf is None else rfc3339(expires_at(ssl.DER_cert_to_PEM_cert(leaf).encode()))
    except (ssl.SSLError, Invalid):
        return None


def _moment(text: object) -> str:
    return rfc3339(datetime.fromtimestamp(ssl.cert_time_to_seconds(str(text)), UTC))
