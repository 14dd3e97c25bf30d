"""Which settings are fixed, which may not be touched, and which take certain values only.

Two nets hold each fixed setting: the engine's own constraints (`FIXED`, rendered into its users file) and the refusal
of the name before the statement runs. A setting that the engine cannot constrain is in the second net alone.
"""

from collections.abc import Mapping

from stronghouse.engine.errors import setting_violation

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
    "http_max_tries": "1",
    "default_table_engine": "MergeTree",
    "default_temporary_table_engine": "Memory",
    "additional_result_filter": "",
    "log_comment": "",
}
"""Settings with the one value that each may have."""

FIXED_OF_TABLES = (
    "storage_policy",
    "disk",
    "table_disk",
    "fsync_part_directory",
    "enable_vertical_merge_algorithm",
)
"""Settings of tables that nobody may set: each would put data on another disk, need temporary files, or (the third)
make every insert into an encrypted disk fail."""

REFUSED = frozenset(
    {
        *FIXED,
        *FIXED_OF_TABLES,
        "profile",
        "additional_table_filters",
        "default_view_definer",
        "default_normal_view_sql_security",
        "default_materialized_view_sql_security",
        # Expressions in text, files and addresses named by a setting.
        "parallel_replicas_custom_key",
        "schema_inference_hints",
        "input_format_record_errors_file_path",
        "output_format_schema",
        "format_template_row",
        "format_template_resultset",
        "format_avro_schema_registry_url",
        "into_outfile_create_parent_directories",
        "implicit_transaction",
    }
)
REFUSED_PARTS = ("dialect",)
"""Another dialect would make the engine read other SQL than what was checked."""

JOIN_ALGORITHMS = frozenset({"default", "direct", "hash", "parallel_hash", "full_sorting_merge", "ie_join"})
"""The ones that work in memory."""
ALLOWED_VALUES: Mapping[str, frozenset[str]] = {
    "join_algorithm": JOIN_ALGORITHMS,
    "format_schema_source": frozenset({"file", "string"}),  # the third, `query`, is SQL in text
}

DEFAULTS: Mapping[str, str] = {"max_execution_time": "3600", "connect_timeout": "1", "receive_timeout": "300"}
"""What a new connection has where it differs from the engine's own; clients may change them."""


def check_setting(name: str, value: str | None) -> None:
    """Refuse a setting that may not be set, or not to this value (None: reset to its default).

    Raises:
        DatabaseError: 452, as ClickHouse says for its own constraints.
    """
    lowered = name.lower()
    if lowered in REFUSED or any(part in lowered for part in REFUSED_PARTS):
        raise setting_violation(f"Setting {name} should not be changed: this service sets it itself.")
    allowed = ALLOWED_VALUES.get(lowered)
    if allowed is None or value is None:
        return
    if not {part.strip().lower() for part in value.split(",")} <= allowed:
        raise setting_violation(f"Setting {name} can be made of {', '.join(sorted(allowed))} only, in this service.")
