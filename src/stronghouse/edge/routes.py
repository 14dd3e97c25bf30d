"""Who may reach what: the one route configuration, with each virtual host's access list and pins.

The role-based access control (RBAC) filter in the listeners denies everything; a virtual host's entry here replaces
that with its own rule. So what has no entry, or a Host that matches none, is denied.
"""

from stronghouse.edge.configuration import DirectAnswer, VirtualHost
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.networks import IPNetwork

ROUTE_NAME = "edge"
RBAC_FILTER = "envoy.filters.http.rbac"
BUFFER_FILTER = "envoy.filters.http.buffer"
RBAC_PER_ROUTE = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute"
CLIENT_HEADER = "x-sh-client-ip"
CONNECTION_HEADERS = {
    # The direct remote address: X-Forwarded-For is wrong for loopback clients, and a client can write it.
    CLIENT_HEADER: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
    "x-sh-client-port": "%DOWNSTREAM_DIRECT_REMOTE_PORT%",
    "x-sh-tls-version": "%DOWNSTREAM_TLS_VERSION%",
    "x-sh-tls-cipher": "%DOWNSTREAM_TLS_CIPHER%",
}
"""What a worker is told of the connection that a request came by; its session log keeps it."""
STREAM_IDLE_SECONDS = 3600
"""A stream on which nothing moved for this long, in either direction, is given up. There is no other time limit."""
RETRY_ON = "connect-failure,reset-before-request"
"""Only failures in which no byte of the request had been sent, so that nothing can be done twice."""


def route_configuration(hosts: tuple[VirtualHost, ...]) -> Json:
    """The route configuration for all of `hosts`."""
    return {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        "name": ROUTE_NAME,
        "virtual_hosts": [_virtual_host(host) for host in hosts],
        "request_headers_to_add": [_set(name, value) for name, value in CONNECTION_HEADERS.items()],
    }


def access_rule(host: VirtualHost) -> Json:
    """The RBAC rules of `host`: its port and its server name and, together with them, an allowed address."""
    pins: Json = {
        "and_rules": {
            "rules": [
                {"destination_port": host.port},
                {"requested_server_name": {"exact": host.server_name, "ignore_case": True}},
            ]
        }
    }
    if host.allow is None:
        principals: list[Json] = [{"any": True}]
    else:
        principals = [{"direct_remote_ip": _cidr(network)} for network in host.allow]
    policies: dict[str, Json] = {"access-list": {"permissions": [pins], "principals": principals}} if principals else {}
    return {"action": "ALLOW", "policies": policies}


def _virtual_host(host: VirtualHost) -> Json:
    filters: dict[str, Json] = {RBAC_FILTER: {"@type": RBAC_PER_ROUTE, "rbac": {"rules": access_rule(host)}}}
    if host.max_request_bytes is not None:
        filters[BUFFER_FILTER] = {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute",
            "buffer": {"max_request_bytes": host.max_request_bytes},
        }
    return {
        "name": host.name,
        "domains": list(host.hosts),
        "require_tls": "ALL",
        "routes": [_route(host)],
        "typed_per_filter_config": filters,
        "request_headers_to_remove": ["cookie"] if host.strip_cookies else [],
        "response_headers_to_remove": ["set-cookie"] if host.strip_cookies else [],
        "response_headers_to_add": _security_headers(host) if host.security_headers else [],
    }


def _route(host: VirtualHost) -> Json:
    route: dict[str, Json] = {"name": host.log_name, "match": {"prefix": "/"}}
    if host.answer is not None:
        return route | _direct(host.answer)
    return route | {
        "route": {
            "cluster": host.name,
            "timeout": "0s",
            "idle_timeout": f"{STREAM_IDLE_SECONDS}s",
            "retry_policy": {
                "retry_on": RETRY_ON,
                "num_retries": 10,
                "retry_back_off": {"base_interval": "0.025s", "max_interval": "1s"},
            },
        }
    }


def _direct(answer: DirectAnswer) -> dict[str, Json]:
    return {
        "direct_response": {"status": answer.status, "body": {"inline_string": answer.body}},
        "response_headers_to_add": [_set("content-type", answer.content_type), _set("cache-control", "no-store")],
    }


def _security_headers(host: VirtualHost) -> list[Json]:
    headers = [
        _set("x-content-type-options", "nosniff"),
        _set("referrer-policy", "same-origin", keep=True),
        _set("cross-origin-opener-policy", "same-origin", keep=True),
        _set("cross-origin-resource-policy", "same-origin", keep=True),
    ]
    if host.has_domain:
        # Never for localhost: the browser would then refuse plain HTTP to every other program on this machine.
        headers.append(_set("strict-transport-security", "max-age=63072000"))
    return headers


def _set(key: str, value: str, *, keep: bool = False) -> Json:
    """A header to set; with `keep`, only where the upstream did not choose a value."""
    action = "ADD_IF_ABSENT" if keep else "OVERWRITE_IF_EXISTS_OR_ADD"
    return {"header": {"key": key, "value": value}, "append_action": action}


def _cidr(network: IPNetwork) -> Json:
    return {"address_prefix": str(network.network_address), "prefix_len": network.prefixlen}
