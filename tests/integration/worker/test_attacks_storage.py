"""Attempts to leave rows unencrypted, and to end, hold up or blind the service, by the service's owner."""

import time

import pytest

from tests.integration.worker.attack import ABSENT, CANARY, DENIED, FIXED, Attempts, hold, send
from tests.integration.worker.service import Service

PLAIN = Attempts(
    [
        *(
            (f"CREATE TABLE plain (a Int) ENGINE = {engine}", DENIED)
            for engine in ("Log", "StripeLog", "TinyLog", "Set", "Join(ANY, LEFT, a)", "File(CSV)")
        ),
        ("CREATE TABLE plain (a Int) ENGINE = EmbeddedRocksDB PRIMARY KEY a", DENIED),
        ("CREATE TEMPORARY TABLE plain (a Int) ENGINE = Log", DENIED),
        ("CREATE MATERIALIZED VIEW plain ENGINE = StripeLog AS SELECT 1 AS a", DENIED),
        ("CREATE TABLE plain (a Int) ENGINE = Buffer(default, t, 1, 1, 1, 1, 1, 1, 1)", DENIED),
        ("CREATE DATABASE plain ENGINE = Memory", DENIED),
        ("CREATE DATABASE plain ENGINE = Ordinary", DENIED),
        ("CREATE DATABASE plain ENGINE = Atomic SETTINGS disk = 'local'", FIXED),
        ("ALTER DATABASE default MODIFY SETTING disk = 'local'", DENIED),
        ("CREATE TABLE plain (a Int) ENGINE = MergeTree ORDER BY a SETTINGS storage_policy = 'default'", FIXED),
        ("CREATE TABLE plain (a Int) ENGINE = MergeTree ORDER BY a SETTINGS disk = 'local'", FIXED),
        ("CREATE TABLE plain (a Int) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local)", FIXED),
        ("CREATE TABLE plain (a Int) ENGINE = MergeTree ORDER BY a SETTINGS table_disk = 1", FIXED),
        (
            "CREATE TABLE plain (a Int, PROJECTION p (SELECT a) WITH SETTINGS (disk = 'x')) ENGINE = Memory",
            FIXED,
        ),
        ("ALTER TABLE kept MODIFY SETTING max_parts_in_total = 5, disk = 'local'", FIXED),
        ("ALTER TABLE kept RESET SETTING storage_policy", FIXED),
        ("ALTER TABLE kept RESET SETTING max_parts_in_total, disk", FIXED),
        ("ALTER TABLE kept MOVE PARTITION tuple() TO DISK 'local'", DENIED),
        ("ALTER TABLE kept MOVE PARTITION tuple() TO VOLUME 'main'", DENIED),
        ("ALTER TABLE kept MODIFY TTL d + INTERVAL 1 DAY TO DISK 'local'", DENIED),
        ("ALTER TABLE kept MODIFY SETTING enable_vertical_merge_algorithm = 1", FIXED),
        ("ALTER TABLE kept MODIFY SETTING fsync_part_directory = 1", FIXED),
        ("ALTER TABLE kept MODIFY SETTING search_orphaned_parts_disks = 'any'", FIXED),
        ("SET max_bytes_before_external_sort = 1", FIXED),
        ("SET max_bytes_ratio_before_external_group_by = DEFAULT", FIXED),
        ("SELECT (SELECT 1 SETTINGS max_bytes_before_external_join = 1)", FIXED),
        ("SET join_algorithm = 'grace_hash'", FIXED),
        ("SELECT 1 SETTINGS max_threads = 1, join_algorithm = 'hash,partial_merge'", FIXED),
        ("SET default_table_engine = 'Log'", FIXED),
        ("SET temporary_files_codec = 'NONE'", FIXED),
        ("SET make_distributed_plan = 1", FIXED),
        ("CREATE TABLE plain (a Int CODEC(AES_128_GCM_SIV)) ENGINE = MergeTree ORDER BY a", DENIED),
    ],
    [
        f"INSERT INTO kept SELECT today(), number, '{CANARY}' FROM numbers(100)",
        "ALTER TABLE kept MODIFY SETTING max_parts_in_total = 500",
        "SET join_algorithm = 'hash,parallel_hash'",
        "CREATE TEMPORARY TABLE temporary (a Int)",
        "CREATE TABLE packed (a Int CODEC(Delta, ZSTD(3))) ENGINE = MergeTree ORDER BY a",
        "DROP TABLE packed",
        "ALTER TABLE kept MODIFY TTL d + INTERVAL 100 YEAR",
        "OPTIMIZE TABLE kept FINAL",
    ],
)

LOGS = Attempts(
    [
        *(
            (f"SET {change}", FIXED)
            for change in (
                "log_queries = 0",
                "log_queries",
                "log_queries_probability = 0",
                "log_queries_cut_to_length = 1",
                "log_query_settings = 0",
                "log_queries_min_query_duration_ms = 100000",
                "log_comment = 'forged'",
                "opentelemetry_start_trace_probability = 1",
                "query_profiler_real_time_period_ns = 1000000",
                "memory_profiler_sample_probability = 1",
                "trace_profile_events = 1",
                "allow_custom_error_code_in_throwif = 1",
                "format_display_secrets_in_show_and_select = 1",
                "profile = 'x'",
            )
        ),
        ("SELECT logTrace('forged')", DENIED),
        ("SYSTEM RELOAD CONFIG", DENIED),
        ("SYSTEM RELOAD USERS", DENIED),
        ("SELECT throwIf(1, 'forged', toInt16(516))", 42),
    ],
    ["SET send_logs_level = 'none'", "SELECT 1 SETTINGS max_threads = 1"],
)

ENDS = Attempts(
    [
        ("SYSTEM SHUTDOWN", DENIED),
        ("SYSTEM KILL", DENIED),
        ("SYSTEM SUSPEND FOR 10 SECOND", DENIED),
        ("SYSTEM STOP THREAD FUZZER", DENIED),
        ("SYSTEM JEMALLOC PURGE", DENIED),
        ("SYSTEM UNLOAD PRIMARY KEY", DENIED),
        ("SELECT sleep(3.5)", 160),
        ("SET function_sleep_max_microseconds_per_block = 100000000", FIXED),
        ("SET ast_fuzzer_runs = 5", FIXED),
        ("SELECT * FROM fuzzQuery('SELECT 1')", DENIED),
        ("SELECT * FROM fuzzJSON('{}')", DENIED),
        ("SET memory_tracker_fault_probability = 1", FIXED),
        ("SET merge_tree_storage_snapshot_sleep_ms = 10000", FIXED),
        ("SET sleep_after_receiving_query_ms = 10000", FIXED),
        ("SET ignore_drop_queries_probability = 1", FIXED),
        ("SET max_memory_usage_for_user = 1", FIXED),
        ("SET max_concurrent_queries_for_all_users = 1", FIXED),
        ("SET max_untracked_memory = 10000000000", FIXED),
        ("SET max_threads = 100000", FIXED),
        ("SET max_threads = '1e9'", FIXED),
        ("SET max_parser_depth = 100000", FIXED),
        ("SET max_ast_depth = 100000", FIXED),
        ("SET function_base58_max_input_size = 100000000", FIXED),
        ("SET local_filesystem_read_method = 'io_uring'", FIXED),
        ("SET os_thread_priority = -20", FIXED),
        ("SET run_query_in_background = 1", FIXED),
        ("SET enable_streaming_queries = 1", FIXED),
        ("SET implicit_transaction = 1", FIXED),
        ("BEGIN TRANSACTION", ABSENT),
        ("SET TRANSACTION SNAPSHOT 1", ABSENT),
        ("SELECT transactionID()", DENIED),
        ("CREATE WORKLOAD w", DENIED),
        ("CREATE RESOURCE r (READ DISK local)", DENIED),
        (f"SELECT {'(' * 2000}1{')' * 2000}", 306),
        ("SELECT repeat('x', 1000000000), repeat('y', 1000000000)", 241),
        ("SELECT groupArray(repeat('x', 1000000)) FROM numbers(100000)", 241),
    ],
    [
        "SELECT sleep(0.1)",
        "SET max_threads = 4, max_memory_usage = 1000000000, max_execution_time = 60",
        "SELECT 1",
        "SYSTEM STOP MERGES kept",
        "SYSTEM START MERGES kept",
    ],
)


@pytest.mark.parametrize("attempts", [PLAIN, LOGS, ENDS], ids=["plain", "logs", "ends"])
def test_rows_stay_encrypted_logs_stay_true_and_the_service_stays(service: Service, attempts: Attempts) -> None:
    service.run("CREATE TABLE IF NOT EXISTS kept (d Date, n Int, s String) ENGINE = MergeTree ORDER BY n")
    hold(service, attempts)
    assert service.files_with(CANARY.encode()) == []


def test_an_endless_query_ends_by_its_own_limit(service: Service) -> None:
    began = time.monotonic()
    for sql in (
        "SELECT count() FROM system.numbers WHERE NOT ignore(sleep(0.1)) SETTINGS max_execution_time = 1",
        "SELECT sum(number) FROM loop(numbers(10)) SETTINGS max_execution_time = 1",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count() FROM r",
    ):
        assert send(service, "owner", sql).code in {159, 306}, sql
    assert time.monotonic() - began < 20
