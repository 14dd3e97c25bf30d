"""What the edge writes about each request and about each connection that never became one.

One JSON object a line. The path goes in without its query string, which for ClickHouse may hold `password=` and SQL
text; no header that may carry a credential is written at all. The user agent is a client's free text, so it is cut.
"""

from pathlib import Path

from stronghouse.kernel.canonical import Json

FILE_NAME = "edge-access.log"
_CONNECTION: dict[str, Json] = {
    "time": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
    "client_ip": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
    "client_port": "%DOWNSTREAM_DIRECT_REMOTE_PORT%",
    "port": "%DOWNSTREAM_LOCAL_PORT%",
    "server_name": "%REQUESTED_SERVER_NAME%",
    "tls_version": "%DOWNSTREAM_TLS_VERSION%",
    "tls_cipher": "%DOWNSTREAM_TLS_CIPHER%",
    "connection_id": "%CONNECTION_ID%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "duration_ms": "%DURATION%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
}


def request_log(directory: Path) -> Json:
    """The access logger of HTTP requests: one line for each, denied ones included."""
    return _file_log(
        directory,
        {
            "kind": "request",
            **_CONNECTION,
            "service": "%ROUTE_NAME%",
            "method": "%REQ(:METHOD)%",
            "path": "%REQ_WITHOUT_QUERY(:PATH):512%",
            "host": "%REQ(:AUTHORITY):300%",
            "protocol": "%PROTOCOL%",
            "status": "%RESPONSE_CODE%",
            "request_id": "%REQ(X-REQUEST-ID)%",
            "user_agent": "%REQ(USER-AGENT):200%",
            "upstream_attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        },
    )


def refused_connection_log(directory: Path) -> Json:
    """The access logger of refused connections: failed TLS, unknown or absent server name, no TLS, over the limit.

    A connection that carried requests has a line for each of them already and gets none of its own.
    """
    log = _file_log(
        directory,
        {
            "kind": "connection",
            **_CONNECTION,
            "tls_failure": "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%",
            "termination": "%CONNECTION_TERMINATION_DETAILS%",
        },
    )
    no_chain: Json = {"response_flag_filter": {"flags": ["NR"]}}
    failed = [_when("connection.transport_failure_reason != ''"), _when("connection.termination_details != ''")]
    return {**log, "filter": {"or_filter": {"filters": [no_chain, *failed]}}}


def _when(expression: str) -> Json:
    """A filter by an expression of the Common Expression Language; an attribute without a value counts as false."""
    return {
        "extension_filter": {
            "name": "envoy.access_loggers.extension_filters.cel",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                "expression": expression,
            },
        }
    }


def _file_log(directory: Path, fields: dict[str, Json]) -> dict[str, Json]:
    return {
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": str(directory / FILE_NAME),
            "log_format": {
                "json_format": fields,
                "formatters": [
                    {
                        "name": "envoy.formatter.req_without_query",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.formatter"
                            ".req_without_query.v3.ReqWithoutQuery"
                        },
                    }
                ],
            },
        },
    }
