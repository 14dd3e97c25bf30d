"""Which settings are fixed, which may not be touched, and which take certain values only.

Two nets hold each fixed setting: the engine's own constraints (`FIXED`, rendered into its users file) and the refusal
of the name before the statement runs. All other settings are in the second net alone: the reviewed tables say which
may be set, and a name that is in none of them is unknown.
"""

from collections.abc import Mapping
from functools import cache

from stronghouse.engine.boundary.classification import Entry, Table, Verdict, by_lower_case
from stronghouse.engine.errors import DatabaseError, setting_violation

SPILLS = tuple(
    f"max_bytes_{kind}before_external_{operation}"
    for operation in ("group_by", "sort", "distinct", "join")
    for kind in ("", "ratio_")
)
"""Above these an operation writes rows to temporary files, which nothing encrypts: all are 0, which means never."""

EXPRESSIONS = ("input_format_values_interpret_expressions", "input_format_values_deduce_templates_of_expressions")
"""Whether text in VALUES may be evaluated as SQL, which no check of the statement sees. Both are needed: with only the
first at 0 the template path still evaluates."""

FIXED: Mapping[str, str] = {
    **dict.fromkeys((*SPILLS, *EXPRESSIONS), "0"),
    "implicit_select": "0",
    "implicit_table_at_top_level": "",
    "allow_introspection_functions": "0",
    "allow_experimental_eval_table_function": "0",
    "allow_python_table_function": "0",
    "http_max_tries": "1",
    "default_table_engine": "MergeTree",
    "default_temporary_table_engine": "Memory",
    "additional_result_filter": "",
    "log_comment": "",
    # Schemas of formats are given as text; as files they would be read from the service's own directory.
    "format_schema_source": "string",
    # The engine's default: nobody sleeps longer in one step.
    "function_sleep_max_microseconds_per_block": "3000000",
}
"""Settings with the one value that each may have."""

FIXED_OF_TABLES = (
    "storage_policy",
    "disk",
    "table_disk",
    "fsync_part_directory",
    "enable_vertical_merge_algorithm",
)
"""Settings of tables that nobody may set: each would put data on another disk, need temporary files, or (the fourth)
make every insert into an encrypted disk fail."""

JOIN_ALGORITHMS = frozenset({"default", "direct", "hash", "parallel_hash", "full_sorting_merge", "ie_join"})
"""The ones that work in memory."""
ALLOWED_VALUES: Mapping[str, frozenset[str]] = {
    "join_algorithm": JOIN_ALGORITHMS,
    "format_schema_source": frozenset({"string"}),
    "local_filesystem_read_method": frozenset({"read", "pread", "pread_threadpool"}),
}

MAX_THREADS = 256
MAXIMA: Mapping[str, int] = {
    **dict.fromkeys(
        (
            *("max_threads", "max_insert_threads", "max_final_threads", "max_parsing_threads", "max_download_threads"),
            *("max_threads_for_indexes", "max_streams_for_merge_tree_reading"),
        ),
        MAX_THREADS,
    ),
    # The engine's defaults, which keep it within its stack and its memory limit.
    "max_parser_depth": 1000,
    "max_parser_backtracks": 1_000_000,
    "max_ast_depth": 1000,
    "max_ast_elements": 50_000,
    "max_expanded_ast_elements": 500_000,
    "max_analyze_depth": 5000,
    "max_subquery_depth": 100,
    "max_recursive_cte_evaluation_depth": 1000,
    "input_format_json_max_depth": 1000,
    "input_format_binary_max_type_complexity": 1000,
    "max_untracked_memory": 4 << 20,
    # Decoding takes time that grows with the square of the length, and nothing stops it.
    "function_base58_max_input_size": 10_000,
    "max_rand_distribution_trials": 1_000_000_000,
}
"""Settings whose larger values could end the service for everybody."""

MINIMA: Mapping[str, int] = {
    "max_query_size": 1 << 16,
    "max_parser_depth": 100,
    "max_parser_backtracks": 10_000,
    "max_ast_depth": 100,
    "max_ast_elements": 1000,
    "max_expanded_ast_elements": 1000,
    "max_analyze_depth": 100,
    "max_subquery_depth": 20,
}
"""Settings whose smaller values could make the service's own statements on a user's connection fail, which set the
user's roles among other things; with 0 most of them have no limit."""

UNLIMITED = ("max_query_size", "0")
"""No limit of the engine's; there is one of admission."""

DEFAULTS: Mapping[str, str] = {"max_execution_time": "3600", "connect_timeout": "1", "receive_timeout": "300"}
"""What a new connection has where it differs from the engine's own; clients may change them."""

_TABLES = (Table.SETTINGS, Table.MERGE_TREE_SETTINGS, Table.OTHER_SETTINGS)


def check_setting(name: str, value: str | None, *, administrator: bool = False) -> None:
    """Refuse a setting that may not be set, or not to this value (None: reset to its default).

    Raises:
        DatabaseError: 452, as ClickHouse says for its own constraints, or 115 for a name that is none.
    """
    lowered = name.lower()
    if lowered.startswith("param_"):  # SET param_x = '…' gives a query parameter
        return
    entry = _entries().get(lowered)
    if entry is None:
        raise DatabaseError(115, "UNKNOWN_SETTING", f"Unknown setting '{name}'")
    if entry.verdict is Verdict.ADMIN and not administrator:
        raise setting_violation(f"Setting {name} can be changed by this service's owner only: {entry.because}.")
    if entry.verdict is Verdict.REFUSE:
        raise setting_violation(f"Setting {name} should not be changed in this service: {entry.because}.")
    if entry.verdict is Verdict.FIXED and lowered not in ALLOWED_VALUES:
        raise setting_violation(f"Setting {name} should not be changed: this service sets it itself.")
    if value is not None:
        _check_value(name, value)


def _check_value(name: str, value: str) -> None:
    allowed = ALLOWED_VALUES.get(name.lower())
    if allowed is not None and not {part.strip().lower() for part in value.split(",")} <= allowed:
        raise setting_violation(f"Setting {name} can be made of {', '.join(sorted(allowed))} only, in this service.")
    most = MAXIMA.get(name.lower())
    least = MINIMA.get(name.lower())
    if least is not None and (name.lower(), value) != UNLIMITED and not _is_at_least(value.strip(), least):
        raise setting_violation(f"Setting {name} shouldn't be less than {least} in this service.")
    if most is not None and not value.strip().startswith("auto") and not _is_at_most(value.strip(), most):
        raise setting_violation(f"Setting {name} shouldn't be greater than {most} in this service.")


def _is_at_most(value: str, most: int) -> bool:
    return value.isascii() and value.isdigit() and int(value[:20]) <= most and len(value) <= len(str(most)) + 1


def _is_at_least(value: str, least: int) -> bool:
    return value.isascii() and value.isdigit() and int(value[:20]) >= least


@cache
def _entries() -> Mapping[str, Entry]:
    """Every setting's entry; of one in two tables, the stricter."""
    found: dict[str, Entry] = {}
    for table in _TABLES:
        for name, entry in by_lower_case(table).items():
            if name not in found or found[name].verdict is Verdict.ALLOW:
                found[name] = entry
    return found
