"""What Envoy reads once, at its start: where its files and its admin socket are, and how much it may take."""

from pathlib import Path

from stronghouse.edge.listeners import file_source
from stronghouse.kernel.canonical import Json

ADMIN_SOCKET = "admin.sock"
ADMIN_PATHS = ("/ready", "/stats", "/config_dump", "/reopen_logs", "/drain_listeners", "/memory")
"""What the admin socket answers: enough to watch and to drain, nothing that changes behaviour."""
MAX_HEAP_BYTES = 512 * 1024 * 1024
MAX_CONNECTIONS = 4096
STATS: tuple[str, ...] = (
    "listener_manager.lds.",
    "listener_manager.total_listeners_",
    "cluster_manager.cds.",
    "http.edge.rds.",
    "http.edge.downstream_rq_active",
    "sds.",
)
"""The few counters that are read; every other one would only cost memory."""


def bootstrap(*, node_id: str, directory: Path) -> Json:
    """The bootstrap document of an Envoy whose working directory and configuration is `directory`."""
    return {
        "node": {"id": node_id, "cluster": "edge"},
        "admin": {
            # Relative to the working directory, so that no depth of the state directory makes it too long.
            "address": {"pipe": {"path": ADMIN_SOCKET, "mode": 0o600}},
            "allow_paths": [{"prefix": path} for path in ADMIN_PATHS],
        },
        "dynamic_resources": {
            "lds_config": file_source(str(directory / "xds" / "listeners.json")),
            "cds_config": file_source(str(directory / "xds" / "clusters.json")),
        },
        "stats_config": {"stats_matcher": {"inclusion_list": {"patterns": [{"prefix": prefix} for prefix in STATS]}}},
        "layered_runtime": {"layers": [{"name": "static", "static_layer": {}}]},
        "application_log_config": {
            "log_format": {
                "json_format": {"time": "%Y-%m-%dT%T.%e%z", "level": "%l", "logger": "%n", "message": "%j"},
            }
        },
        "overload_manager": _overload(),
    }


def _overload() -> Json:
    heap = "envoy.resource_monitors.fixed_heap"
    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [
            {
                "name": heap,
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
                    "max_heap_size_bytes": MAX_HEAP_BYTES,
                },
            },
            {
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.resource_monitors"
                    ".downstream_connections.v3.DownstreamConnectionsConfig",
                    "max_active_downstream_connections": MAX_CONNECTIONS,
                },
            },
        ],
        "actions": [
            _action("shrink_heap", heap, 0.80),
            _action("disable_http_keepalive", heap, 0.90),
            _action("stop_accepting_requests", heap, 0.95),
            _action("stop_accepting_connections", heap, 0.97),
        ],
    }


def _action(name: str, monitor: str, threshold: float) -> Json:
    return {
        "name": f"envoy.overload_actions.{name}",
        "triggers": [{"name": monitor, "threshold": {"value": threshold}}],
    }
