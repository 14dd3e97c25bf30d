"""What the edge listens on and what it refuses before a request is routed: TLS, server names, header hygiene, limits.

One listener a port, bound to every address; in it one filter chain for each server name. All chains read the same
route configuration. Access lists are not here on purpose: changing one would replace the listener, and Envoy then cuts
the streams of everybody who came through it, allowed or not.
"""

from itertools import groupby

from stronghouse.edge.access_log import refused_connection_log, request_log
from stronghouse.edge.clusters import BUFFER_BYTES
from stronghouse.edge.configuration import EdgeConfiguration, VirtualHost
from stronghouse.edge.local_replies import local_replies
from stronghouse.edge.routes import BUFFER_FILTER, RBAC_FILTER, ROUTE_NAME, STREAM_IDLE_SECONDS
from stronghouse.kernel.canonical import Json

STAT_PREFIX = "edge"
SECRET_NAME = "edge"  # noqa: S105 - a name, not a secret
MAX_CONNECTIONS = 1024
"""Open connections for each server name and port. More are closed at once: one service cannot starve the others."""
MAX_HEADER_KIB = 128
KEEP_ALIVE_SECONDS = 600
CIPHER_SUITES: list[Json] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
]
GROUPS: list[Json] = ["X25519MLKEM768", "X25519", "P-256"]
"""Key exchange, best first. The first is hybrid and keeps recorded traffic safe from a later quantum computer."""
REMOVED_HEADERS: list[Json] = [
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "proxy",
    "x-rewrite-url",
]
REMOVED_PREFIXES: list[Json] = ["x-sh-", "x-forwarded-", "x-envoy-", "x-original-"]
"""Taken from every request: what claims who the client is, and what would steer Envoy itself (`x-envoy-`)."""


def listeners(configuration: EdgeConfiguration) -> list[Json]:
    """One listener for each port of the virtual hosts, in order of port."""
    hosts = sorted(configuration.virtual_hosts, key=lambda host: (host.port, host.server_name, host.name))
    return [
        _listener(configuration, port, list(of_port)) for port, of_port in groupby(hosts, key=lambda host: host.port)
    ]


def _listener(configuration: EdgeConfiguration, port: int, hosts: list[VirtualHost]) -> Json:
    first, *others = [_address(address, port) for address in configuration.addresses]
    return {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": f"port-{port}",
        "address": first,
        "additional_addresses": [{"address": other} for other in others],
        # With SO_REUSEPORT a second Envoy of the same user could bind the same port unnoticed and take half of it.
        "enable_reuse_port": False,
        "connection_balance_config": {"exact_balance": {}},
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "listener_filters": [
            {
                "name": "envoy.filters.listener.tls_inspector",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
                },
            }
        ],
        "listener_filters_timeout": "5s",
        "access_log": [refused_connection_log(configuration.log_directory)],
        "filter_chains": [
            _filter_chain(configuration, port, name, list(of_name))
            for name, of_name in groupby(hosts, key=lambda host: host.server_name)
        ],
    }


def _address(address: str, port: int) -> Json:
    return {"socket_address": {"address": address, "port_value": port}}


def _filter_chain(configuration: EdgeConfiguration, port: int, server_name: str, hosts: list[VirtualHost]) -> Json:
    return {
        "name": server_name,
        "filter_chain_match": {"server_names": [server_name], "transport_protocol": "tls"},
        "transport_socket": _tls(configuration),
        "transport_socket_connect_timeout": "10s",
        "filters": [
            {
                "name": "envoy.filters.network.connection_limit",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit",
                    "stat_prefix": f"{port}",
                    "max_connections": MAX_CONNECTIONS,
                },
            },
            {
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": _connection_manager(configuration, hosts),
            },
        ],
    }


def _tls(configuration: EdgeConfiguration) -> Json:
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_sni": True,
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_params": {
                    "tls_minimum_protocol_version": "TLSv1_2",
                    "tls_maximum_protocol_version": "TLSv1_3",
                    "cipher_suites": CIPHER_SUITES,
                    "ecdh_curves": GROUPS,
                },
                "tls_certificate_sds_secret_configs": [
                    {
                        "name": SECRET_NAME,
                        "sds_config": file_source(str(configuration.directory / "sds" / "certificate.json")),
                    }
                ],
            },
        },
    }


def file_source(path: str) -> Json:
    """A subscription to one file, read again whenever it is replaced by a rename."""
    return {"resource_api_version": "V3", "path_config_source": {"path": path}}


def _connection_manager(configuration: EdgeConfiguration, hosts: list[VirtualHost]) -> Json:
    deny: Json = {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": {"action": "ALLOW"},
    }
    rbac: Json = {"name": RBAC_FILTER, "typed_config": deny}
    router: Json = {
        "name": "envoy.filters.http.router",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
            "suppress_envoy_headers": True,
            "dynamic_stats": False,
        },
    }
    body_limit: Json = {
        "name": BUFFER_FILTER,
        "disabled": True,  # until a virtual host sets its own limit
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
            "max_request_bytes": 1,
        },
    }
    return {
        "@type": "type.googleapis.com/envoy.extensions.filters.network"
        ".http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": STAT_PREFIX,
        "rds": {
            "route_config_name": ROUTE_NAME,
            "config_source": file_source(str(configuration.directory / "xds" / "routes.json")),
        },
        "http_filters": [rbac, body_limit, router],
        # A web socket never ends its request, so it passes by the filter that waits for the end of the body.
        "upgrade_configs": [{"upgrade_type": "websocket", "filters": [rbac, router]}],
        "access_log": [request_log(configuration.log_directory)],
        "local_reply_config": local_replies(hosts),
        **_hygiene(),
    }


def _hygiene() -> dict[str, Json]:
    removals: list[Json] = [{"remove": name} for name in REMOVED_HEADERS]
    removals += [
        {"remove_on_match": {"key_matcher": {"prefix": prefix, "ignore_case": True}}} for prefix in REMOVED_PREFIXES
    ]
    return {
        "codec_type": "AUTO",
        "use_remote_address": True,
        "skip_xff_append": True,
        "early_header_mutation_extensions": [
            {
                "name": "envoy.http.early_header_mutation.header_mutation",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.http.early_header_mutation"
                    ".header_mutation.v3.HeaderMutation",
                    "mutations": removals,
                },
            }
        ],
        "normalize_path": True,
        "server_header_transformation": "PASS_THROUGH",
        "max_request_headers_kb": MAX_HEADER_KIB,
        "request_headers_timeout": "10s",
        "stream_idle_timeout": f"{STREAM_IDLE_SECONDS}s",
        "common_http_protocol_options": {
            "idle_timeout": f"{KEEP_ALIVE_SECONDS}s",
            # An upstream might fold underscores and hyphens into one (CGI, WSGI): x_sh_client_ip must not get there.
            "headers_with_underscores_action": "REJECT_REQUEST",
            "max_headers_count": 100,
        },
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": BUFFER_BYTES,
            "initial_connection_window_size": 4 * BUFFER_BYTES,
        },
    }
