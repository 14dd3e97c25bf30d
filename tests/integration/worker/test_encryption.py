"""Rows are on the disk as ciphertext or not at all; without the right key nothing opens."""

import os
from pathlib import Path

import pytest

from stronghouse.kernel.errors import Unavailable
from tests.integration.worker.service import KEY, PASSWORD, Service

CANARY = "CANARY-7f3c9a"
COLUMNS = ", ".join(f"c{number} String" for number in range(12))
VALUES = ", ".join(f"'{CANARY}' || toString(number)" for _ in range(12))


def spill_attempts() -> list[str]:
    """Statements that would use temporary files, with the little memory that they get, if they could."""
    sorting = "join_algorithm = 'full_sorting_merge'"
    rows = f"SELECT number AS k, toString(number) || '{CANARY}' AS s FROM numbers(600000)"
    return [
        f"SELECT count() FROM (SELECT s, count() FROM ({rows}) GROUP BY s)",
        f"SELECT sum(length(s)) FROM ({rows} ORDER BY s)",
        f"SELECT count() FROM (SELECT DISTINCT s FROM ({rows}))",
        f"SELECT count() FROM ({rows}) AS a JOIN ({rows}) AS b USING s",
        f"SELECT count() FROM ({rows}) AS a FULL JOIN ({rows}) AS b USING s SETTINGS {sorting}",
    ]


def test_no_row_is_in_any_file_in_plain_text(fresh: Service) -> None:
    fresh.start()
    fresh.run(f"CREATE TABLE wide (k UInt64, {COLUMNS}, INDEX i c1 TYPE bloom_filter) ENGINE = MergeTree ORDER BY k")
    fresh.run("CREATE TABLE small (s String) ENGINE = ReplacingMergeTree ORDER BY s")
    fresh.run("CREATE MATERIALIZED VIEW copied ENGINE = MergeTree ORDER BY c1 AS SELECT c1, c2 FROM wide")
    for _ in range(3):
        fresh.run(f"INSERT INTO wide SELECT number, {VALUES} FROM numbers(20000)")
    fresh.run(f"INSERT INTO small VALUES ('{CANARY}')")
    fresh.run(f"INSERT INTO small VALUES (concat('{CANARY}', 'x'))")
    assert fresh.ask(f"{CANARY}y\n", query="INSERT INTO small FORMAT TSV").status == 200
    fresh.run("CREATE TEMPORARY TABLE t (s String) ENGINE = MergeTree ORDER BY s", session_id="s")
    assert fresh.ask(f"INSERT INTO t VALUES ('{CANARY}')", session_id="s").status == 200
    fresh.run("OPTIMIZE TABLE wide FINAL")
    fresh.run(f"ALTER TABLE wide UPDATE c2 = '{CANARY} updated' WHERE k % 2 SETTINGS mutations_sync = 2")
    fresh.run(f"DELETE FROM wide WHERE c3 = '{CANARY}5'")
    for sql in spill_attempts():
        fresh.ask(sql, max_memory_usage="60000000")  # in memory, or not at all
        assert fresh.ask(sql, max_bytes_before_external_sort="1").code == 452
    assert fresh.run(f"SELECT count() FROM wide WHERE startsWith(c1, '{CANARY}')") != "0\n"
    assert fresh.files_with(CANARY.encode()) == []
    assert fresh.files_with(KEY) == fresh.files_with(KEY.hex().encode()) == fresh.files_with(PASSWORD.encode()) == []
    fresh.stop()
    assert fresh.files_with(CANARY.encode()) == []
    assert any(path.read_bytes().startswith(b"ENC") for path in fresh.data.rglob("*.bin"))


def test_temporary_files_cannot_be_made_even_by_the_engine(fresh: Service) -> None:
    """The second net: where the engine would make them is an empty file."""
    fresh.start()
    temporary = fresh.data / "engine" / "tmp"
    assert temporary.is_file()
    assert temporary.stat().st_size == 0
    fresh.stop()
    temporary.unlink()
    temporary.mkdir()
    os.chown(temporary, fresh.data.stat().st_uid, fresh.data.stat().st_gid)
    fresh.start()
    assert temporary.is_file()


def test_wide_tables_are_merged_without_temporary_files(fresh: Service) -> None:
    """A vertical merge keeps a temporary file; with nowhere to put it, parts of wide tables would pile up for ever."""
    fresh.start()
    vertical = "vertical_merge_algorithm_min_rows_to_activate = 1, vertical_merge_algorithm_min_columns_to_activate = 1"
    wide = f"{vertical}, min_bytes_for_wide_part = 0, min_rows_for_wide_part = 0"
    fresh.run(f"CREATE TABLE wide (k UInt64, {COLUMNS}) ENGINE = MergeTree ORDER BY k SETTINGS {wide}")
    for _ in range(3):
        fresh.run(f"INSERT INTO wide SELECT number, {VALUES} FROM numbers(1000)")
    fresh.run("OPTIMIZE TABLE wide FINAL")
    assert fresh.run("SELECT count(), uniqExact(_part) FROM wide") == "3000\t1\n"


def test_another_key_opens_nothing_and_writes_nothing(fresh: Service) -> None:
    fresh.start()
    fresh.run("CREATE TABLE kept (s String) ENGINE = MergeTree ORDER BY s")
    fresh.run("INSERT INTO kept VALUES ('row')")
    fresh.stop()
    before = {path: path.stat().st_mtime_ns for path in fresh.data.rglob("*")}
    for key in (bytes(32), b"", KEY[:31], KEY + b"x"):
        with pytest.raises(Unavailable) as refused:
            fresh.start(key)
        assert refused.value.code in {"data_key_wrong", "data_key_invalid"}
    after = {path: path.stat().st_mtime_ns for path in fresh.data.rglob("*")}
    assert before == after
    fresh.start()
    assert fresh.run("SELECT * FROM kept") == "row\n"


def test_data_without_their_keys_check_value_are_not_opened(fresh: Service) -> None:
    fresh.start()
    fresh.stop()
    check = fresh.data / "configuration" / "key-check.json"
    (fresh.data / "disk" / "data").mkdir(exist_ok=True)
    check.unlink()
    with pytest.raises(Unavailable) as refused:
        fresh.start()
    assert refused.value.code == "data_key_unknown"


def test_configuration_is_private_and_holds_no_key(fresh: Service) -> None:
    fresh.start()
    files = list((fresh.data / "configuration").iterdir())
    assert {file.name for file in files} == {"engine.xml", "users.xml", "key-check.json"}
    for file in files:
        assert file.stat().st_mode & 0o777 == 0o600
        assert KEY.hex().encode() not in file.read_bytes()
    for proc in ("environ", "cmdline"):
        content = Path(f"/proc/{fresh.running.pid}/{proc}").read_bytes()
        assert KEY.hex().encode() not in content
        assert PASSWORD.encode() not in content
        assert fresh.spec.password_sha256.encode() not in content
