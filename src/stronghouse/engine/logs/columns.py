"""The columns of the log tables: where each comes from, and what a ClickHouse server has beyond ours.

The names, types and order are those of the engine's own tables, so that what is written for them works with ours.
"""

from dataclasses import dataclass
from typing import Final

_INTERFACES: Final = (
    "'TCP' = 1, 'HTTP' = 2, 'gRPC' = 3, 'MySQL' = 4, 'PostgreSQL' = 5, 'Local' = 6, "
    "'TCP_Interserver' = 7, 'Prometheus' = 8, 'Background' = 9, 'ArrowFlight' = 10"
)
_METHODS: Final = "Enum8('UNKNOWN' = 0, 'GET' = 1, 'POST' = 2, 'OPTIONS' = 3, 'PUT' = 4, 'DELETE' = 5, 'HEAD' = 6)"
_QUERY_TYPES: Final = (
    "Enum8('QueryStart' = 1, 'QueryFinish' = 2, 'ExceptionBeforeStart' = 3, 'ExceptionWhileProcessing' = 4)"
)
_SESSION_TYPES: Final = "Enum8('LoginFailure' = 0, 'LoginSuccess' = 1, 'Logout' = 2)"
_AUTH_TYPES: Final = (
    "Nullable(Enum8('NO_PASSWORD' = 0, 'PLAINTEXT_PASSWORD' = 1, 'SHA256_PASSWORD' = 2, 'DOUBLE_SHA1_PASSWORD' = 3, "
    "'LDAP' = 4, 'KERBEROS' = 5, 'SSL_CERTIFICATE' = 6, 'BCRYPT_PASSWORD' = 7, 'SSH_KEY' = 8, 'HTTP' = 9, 'JWT' = 10, "
    "'SCRAM_SHA256_PASSWORD' = 11, 'NO_AUTHENTICATION' = 12))"
)
_NAME: Final = "LowCardinality(String)"
_NAMES: Final = "Array(LowCardinality(String))"


@dataclass(frozen=True)
class Column:
    """A column of a log.

    Attributes:
        name, type: ClickHouse's.
        source: the expression over the record `r` and the engine's own row `e` that gives it; empty for a column that
            is not kept.
        shown: for one that is not kept, the expression over the kept ones that the `system` table shows; empty for
            the type's default value.
    """

    name: str
    type: str
    source: str = ""
    shown: str = ""


def _time(name: str) -> str:
    return f"fromUnixTimestamp64Micro(r.{name}, 'UTC')"


_EVENT: Final = _time("event_time_microseconds")
_START: Final = _time("query_start_time_microseconds")
_CONSTANT: Final = (
    Column("hostname", _NAME, shown="toLowCardinality(hostName())"),
    Column("clickhouse_version", _NAME, "version()"),
    Column("system_processor", _NAME),
)
_TIMES: Final = (
    Column("event_date", "Date", f"toDate({_EVENT})"),
    Column("event_time", "DateTime", f"toDateTime({_EVENT})"),
    Column("event_time_microseconds", "DateTime64(6)", _EVENT),
)


def _recorded(type_name: str, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, type_name, f"r.{name}") for name in names)


def _engines(type_name: str, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, type_name, f"e.{name}") for name in names)


def _either(type_name: str, *names: str) -> tuple[Column, ...]:
    """What the front counts, unless the engine counted more: it does not tell the front of everything."""
    return tuple(Column(name, type_name, f"greatest(r.{name}, e.{name})") for name in names)


def _absent(type_name: str, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, type_name) for name in names)


QUERY_LOG: Final[tuple[Column, ...]] = (
    *_CONSTANT,
    Column("type", _QUERY_TYPES, "r.type"),
    *_TIMES,
    Column("query_start_time", "DateTime", f"toDateTime({_START})"),
    Column("query_start_time_microseconds", "DateTime64(6)", _START),
    *_recorded("UInt64", "query_duration_ms"),
    *_either("UInt64", "read_rows", "read_bytes", "written_rows", "written_bytes", "result_rows", "result_bytes"),
    *_engines("UInt64", "memory_usage"),
    *_recorded(_NAME, "current_database"),
    *_recorded("String", "query"),
    *_absent("String", "formatted_query"),
    Column("normalized_query_hash", "UInt64", "normalizedQueryHash(r.query)"),
    Column("query_kind", _NAME, "if(r.query_kind = '', e.query_kind, r.query_kind)"),
    *_engines(_NAMES, "databases", "tables", "columns", "partitions", "projections", "views"),
    *_recorded("Int32", "exception_code"),
    *_recorded("String", "exception"),
    *_absent("String", "stack_trace"),
    Column("is_initial_query", "UInt8", shown="toUInt8(1)"),
    Column("connection_address", "IPv6", shown="address"),
    Column("connection_port", "UInt16", shown="port"),
    *_recorded(_NAME, "user"),
    *_recorded("String", "query_id"),
    Column("address", "IPv6", "toIPv6OrDefault(r.address)"),
    Column("port", "UInt16", "r.port"),
    Column("initial_user", _NAME, shown="user"),
    Column("initial_query_id", "String", shown="query_id"),
    Column("initial_address", "IPv6", shown="address"),
    Column("initial_port", "UInt16", shown="port"),
    Column("initial_query_start_time", "DateTime", shown="query_start_time"),
    Column("initial_query_start_time_microseconds", "DateTime64(6)", shown="query_start_time_microseconds"),
    Column("authenticated_user", _NAME, shown="user"),
    Column("interface", f"Enum8('Unknown' = 0, {_INTERFACES})", shown="'HTTP'"),
    *_recorded("UInt8", "is_secure"),
    *_absent(_NAME, "os_user", "client_hostname", "client_name", "client_agent"),
    *_absent("UInt32", "client_revision", "client_version_major", "client_version_minor", "client_version_patch"),
    *_absent("UInt32", "script_query_number", "script_line_number"),
    *_recorded(_METHODS, "http_method"),
    *_recorded(_NAME, "http_user_agent"),
    *_recorded("String", "http_referer", "forwarded_for", "quota_key"),
    *_absent("UInt64", "distributed_depth"),
    *_absent("UInt32", "revision"),
    *_absent("String", "http_handler_name", "http_request_url", "log_comment"),
    *_absent("Array(UInt64)", "thread_ids"),
    *_engines("UInt64", "peak_threads_usage"),
    *_absent("Map(LowCardinality(String), UInt64)", "ProfileEvents"),
    Column("Settings", "Map(LowCardinality(String), LowCardinality(String))", "r.settings"),
    *_engines(_NAMES, "used_aggregate_functions", "used_aggregate_function_combinators", "used_database_engines"),
    *_engines(_NAMES, "used_data_type_families", "used_dictionaries", "used_formats", "used_functions"),
    *_engines(_NAMES, "used_storages", "used_table_functions"),
    *_absent(_NAMES, "used_executable_user_defined_functions"),
    *_engines(_NAMES, "used_sql_user_defined_functions", "used_row_policies"),
    *_engines(_NAMES, "used_privileges", "missing_privileges"),
    *_absent("Tuple(UInt64, UInt64, UUID)", "transaction_id"),
    *_absent("Enum8('Unknown' = 0, 'None' = 1, 'Write' = 2, 'Read' = 3)", "query_cache_usage"),
    *_absent("Map(LowCardinality(String), UInt64)", "asynchronous_read_counters"),
    *_absent("UInt8", "is_internal"),
    *_recorded(_NAMES, "roles"),
)
"""The query log; the last column is ours: the names of the roles in force."""

SESSION_LOG: Final[tuple[Column, ...]] = (
    *_CONSTANT,
    Column("type", _SESSION_TYPES, "r.type"),
    Column("auth_id", "UUID", "toUUIDOrDefault(r.auth_id)"),
    *_recorded("String", "session_id"),
    *_TIMES,
    Column("user", "Nullable(String)", "r.user"),
    Column("auth_type", _AUTH_TYPES, "nullIf(r.auth_type, '')"),
    *_recorded(_NAMES, "profiles", "roles"),
    Column(
        "settings",
        "Array(Tuple(LowCardinality(String), String))",
        "arrayZip(mapKeys(r.settings), mapValues(r.settings))",
    ),
    Column("client_address", "IPv6", "toIPv6OrDefault(r.client_address)"),
    Column("client_port", "UInt16", "r.client_port"),
    Column("interface", f"Enum8({_INTERFACES})", "'HTTP'"),
    *_absent("String", "client_hostname"),
    *_recorded("String", "client_name"),
    *_absent("UInt32", "client_revision", "client_version_major", "client_version_minor", "client_version_patch"),
    *_recorded("String", "failure_reason"),
    *_absent(_NAMES, "certificate_subjects"),
    *_absent(_NAME, "certificate_serial", "certificate_issuer"),
    *_absent("Nullable(DateTime64(0, 'UTC'))", "certificate_not_before", "certificate_not_after"),
    *_recorded(_NAME, "tls_version", "tls_cipher"),
)
"""The session log; the last two columns are ours."""
