"""What the edge is to serve, as checked values. Everything rendered for Envoy comes from these."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.networks import IPNetwork
from stronghouse.kernel.secret import Secret

MAX_ANSWER_BYTES = 4096  # Envoy's RouteConfiguration.max_direct_response_body_size_bytes
MAX_REQUEST_BYTES = 64 * 1024 * 1024
DENIED_STATUS = 403
"""The edge's own answer to an address that is not on the list; a `DirectAnswer` may not use it."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_DNS_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")
_HOST = re.compile(r"[a-z0-9.-]{1,253}(:[0-9]{1,5})?\Z")
_CONTENT_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+(; charset=utf-8)?\Z")


@dataclass(frozen=True)
class DirectAnswer:
    """An answer that the edge gives by itself: for a stopped service, or where there is nothing to serve yet.

    `status` is 200 to 599, but not 403; `body` has at most 4096 bytes in UTF-8.
    """

    status: int
    body: str
    content_type: str = "text/plain; charset=utf-8"

    def __post_init__(self) -> None:
        if not 200 <= self.status <= 599 or self.status == DENIED_STATUS:  # noqa: PLR2004 - the range of HTTP
            raise Invalid("A direct answer's status is 200 to 599 and not 403, which tells of a denied address.")
        if len(self.body.encode()) > MAX_ANSWER_BYTES:
            raise Invalid(f"A direct answer has at most {MAX_ANSWER_BYTES} bytes.")
        if not _CONTENT_TYPE.match(self.content_type):
            raise Invalid(f"{self.content_type[:64]!r} is not a content type as in application/json; charset=utf-8.")


@dataclass(frozen=True, kw_only=True)
class VirtualHost:
    """One name on one port, what stands behind it and who may reach it.

    Attributes:
        name: unique, stable; names the upstream and the access list in Envoy. Letters, digits, `.`, `_`, `-`.
        port: the TCP port it is served on, on every address of the edge.
        server_name: the server name that TLS clients must send (SNI), lower case, as in `localhost`.
        hosts: the values of Host (HTTP/2: authority) that it accepts, as in `localhost:8447`.
        upstream: the Unix socket that requests go to; or
        answer: what the edge says by itself. Just one of the two.
        allow: the blocks whose addresses may send requests; `()` is nobody, `None` is anyone.
        strip_cookies: take Cookie from requests and Set-Cookie from answers. Cookies ignore ports, so without a domain
            a service could otherwise read those of the console (design.md section 1).
        security_headers: add nosniff, Referrer-Policy, COOP and CORP; HSTS too where `server_name` has a real domain.
        max_request_bytes: longest request body; more gives 413. The edge then holds a body until it is complete.
            `None` streams bodies of any length.
        log_name: how the access log calls it.
    """

    name: str
    port: int
    server_name: str
    hosts: tuple[str, ...]
    upstream: Path | None = None
    answer: DirectAnswer | None = None
    allow: tuple[IPNetwork, ...] | None
    strip_cookies: bool = True
    security_headers: bool = True
    max_request_bytes: int | None = None
    log_name: str

    def __post_init__(self) -> None:
        if not _NAME.match(self.name) or not _NAME.match(self.log_name):
            raise Invalid("A virtual host's name has 1 to 100 letters, digits, dots, underscores or hyphens.")
        if not 1 <= self.port <= 65535:  # noqa: PLR2004 - the range of TCP
            raise Invalid("A port is 1 to 65535.")
        if not _DNS_NAME.match(self.server_name):
            raise Invalid(f"{self.server_name[:64]!r} is not a lower-case DNS name.")
        if not self.hosts or not all(_HOST.match(host) for host in self.hosts):
            raise Invalid(f"Virtual host {self.name} needs hosts in lower case, as in localhost:8447.")
        if (self.upstream is None) == (self.answer is None):
            raise Invalid(f"Virtual host {self.name} needs an upstream or an answer, and only one of them.")
        if self.max_request_bytes is not None and not 0 < self.max_request_bytes <= MAX_REQUEST_BYTES:
            raise Invalid(f"A limit for request bodies is 1 to {MAX_REQUEST_BYTES} bytes; without a limit they stream.")

    @property
    def has_domain(self) -> bool:
        """Whether the server name is under a real domain (RFC 6761 section 6.3 sets localhost apart)."""
        return "." in self.server_name and not self.server_name.endswith(".localhost")


@dataclass(frozen=True, kw_only=True)
class EdgeConfiguration:
    """Everything one Envoy needs to know.

    Attributes:
        node_id: names this edge in Envoy's own state.
        directory: private directory for configuration and the admin socket.
        log_directory: where `edge-access.log` is written.
        addresses: what to bind, as in `("127.0.0.1", "::1")`; at least one.
        virtual_hosts: what to serve.
        certificate_pem: the chain shown to TLS clients, leaf first.
        key_pem: its private key.
    """

    node_id: str
    directory: Path
    log_directory: Path
    addresses: tuple[str, ...]
    virtual_hosts: tuple[VirtualHost, ...] = ()
    certificate_pem: bytes | None = None
    key_pem: Secret | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not self.addresses:
            raise Invalid("The edge needs at least one address to listen on.")
        for address in self.addresses:
            try:
                ip_address(address)
            except ValueError:
                raise Invalid(f"{address[:64]!r} is not an IP address.") from None
        _refuse_duplicates("name", (host.name for host in self.virtual_hosts))
        # All virtual hosts share one route configuration, in which a Host stands for exactly one of them.
        _refuse_duplicates("host", (name for host in self.virtual_hosts for name in host.hosts))


def _refuse_duplicates(what: str, values: Iterable[str]) -> None:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise Invalid(f"Two virtual hosts have the same {what}: {twice[0]}.")
