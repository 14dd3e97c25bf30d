"""Where requests go: one Envoy cluster for each virtual host with an upstream, reached over a Unix socket."""

import os
from pathlib import Path

from stronghouse.edge.configuration import VirtualHost
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Invalid

MAX_SOCKET_PATH = 107
"""Longest path of a Unix socket, in bytes: sockaddr_un.sun_path is 108 with its closing zero (unix(7))."""
UPSTREAM_IDLE_SECONDS = 30
"""How long the edge keeps an idle connection to a worker. Workers keep theirs for 60 s: the edge must be the first to
close, or a request could be written to a connection that the worker is just closing."""
BUFFER_BYTES = 256 * 1024
"""How much of one stream the edge holds in each direction before it stops reading from the sender."""
MAX_STREAMS = 4096


def cluster(host: VirtualHost, upstream: Path, *, directory: Path) -> Json:
    """The cluster of `host`; raises Invalid when its socket cannot be named in 107 bytes even from `directory`."""
    endpoint: Json = {"endpoint": {"address": {"pipe": {"path": socket_path(upstream, directory=directory)}}}}
    return {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": host.name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "load_assignment": {"cluster_name": host.name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": MAX_STREAMS,
                    "max_pending_requests": MAX_STREAMS,
                    "max_requests": MAX_STREAMS,
                    "max_retries": MAX_STREAMS,
                }
            ]
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": f"{UPSTREAM_IDLE_SECONDS}s"},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
    }


def socket_path(socket: Path, *, directory: Path) -> str:
    """A path by which Envoy, whose working directory is `directory`, can connect to `socket`.

    The absolute path where it fits, else the relative one: with both under one state directory that is always short,
    however deep the state directory lies.

    Raises:
        Invalid: neither fits in 107 bytes.
    """
    absolute = str(socket.absolute())
    if len(os.fsencode(absolute)) <= MAX_SOCKET_PATH:
        return absolute
    # Resolved, because the kernel follows ".." through the real directories and not through the names in a link.
    relative = os.path.relpath(socket.parent.resolve() / socket.name, directory.resolve())
    if len(os.fsencode(relative)) <= MAX_SOCKET_PATH:
        return relative
    raise Invalid(
        f"The socket path {absolute} is longer than the {MAX_SOCKET_PATH} bytes that Unix sockets allow; "
        "choose a shorter state directory."
    )
