"""dbt with dbt-clickhouse, as a user with grants of its own: a project with an incremental model, run twice."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.clients.curl import Curl
from tests.support.dbt_program import dbt_program

PROJECT = Path(__file__).with_name("dbt_project")
BUILDER = "builder pass word"
GRANTS = """
CREATE USER builder IDENTIFIED WITH sha256_password BY 'builder pass word'
GRANT SELECT ON raw.* TO builder
GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW ON shop.* TO builder
GRANT SELECT, INSERT, ALTER, TRUNCATE, OPTIMIZE ON shop.* TO builder
"""
INSTALLING = 300
"""Seconds: the first test session in a clone installs dbt."""


class Dbt:
    """The project, in a directory of its own."""

    def __init__(self, program: Path, directory: Path, port: int) -> None:
        self._program = program
        self._directory = directory
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DBT_")},
            "DBT_PROFILES_DIR": str(directory),
            "DBT_ENV_SECRET_PASSWORD": BUILDER,
            "SHOP_PORT": str(port),
            "SHOP_USER": "builder",
            "DO_NOT_TRACK": "1",
        }

    def __call__(self, verb: str) -> dict[str, str]:
        """What became of each node, by its name."""
        done = subprocess.run(
            [str(self._program), verb],
            cwd=self._directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        results = self._directory / "target" / "run_results.json"
        assert results.exists(), done.stdout + done.stderr
        told: dict[str, Any] = json.loads(results.read_text())
        results.unlink()
        statuses = {result["unique_id"].split(".")[2]: result["status"] for result in told["results"]}
        assert done.returncode == 0, done.stdout
        return statuses


@pytest.mark.slow  # dbt takes two to three seconds to start, and is started five times
@pytest.mark.timeout(INSTALLING)
def test_a_project_is_seeded_run_twice_and_tested(port: int, curl: Curl, tmp_path: Path) -> None:
    directory = tmp_path / "project"
    shutil.copytree(PROJECT, directory)
    dbt = Dbt(dbt_program(), directory, port)
    curl.run("CREATE DATABASE raw")
    for statement in GRANTS.strip().splitlines():
        curl.run(statement)
    curl.run(
        "CREATE TABLE raw.orders (id UInt32, customer UInt32, amount Float64, placed DateTime) "
        "ENGINE = MergeTree ORDER BY id"
    )
    curl.run("INSERT INTO raw.orders VALUES (1, 1, 10, '2026-01-01 10:00:00'), (2, 2, 5, '2026-01-02 10:00:00')")
    assert dbt("seed") == {"raw_customers": "success"}
    models = dict.fromkeys(("staged_orders", "customer_totals", "daily_totals"), "success")
    assert dbt("run") == models
    assert curl.run("SELECT day, orders, total FROM shop.daily_totals ORDER BY day") == (
        "2026-01-01\t1\t10\n2026-01-02\t1\t5\n"
    )
    assert set(dbt("test").values()) == {"pass"}

    curl.run(
        "INSERT INTO raw.orders VALUES (3, 3, 7, '2026-01-02 11:00:00'), (4, 1, 1, '2026-01-03 00:00:00'), "
        "(5, 1, 100, '2026-01-01 12:00:00')"
    )
    assert dbt("run") == models
    assert curl.run("SELECT day, orders, total FROM shop.daily_totals ORDER BY day") == (
        "2026-01-01\t1\t10\n2026-01-02\t2\t12\n2026-01-03\t1\t1\n"
    ), "the newest day is made anew, days before it are left as they are"
    assert curl.run("SELECT name, orders, total FROM shop.customer_totals ORDER BY customer") == (
        "Ada\t3\t111\nBlaise\t1\t5\nCharles\t1\t7\n"
    )
    with pytest.raises(AssertionError, match="totals_agree"):
        dbt("test")  # the order that came late is in one total and not in the other
    assert set(curl.run("SHOW TABLES FROM shop").split()) == {*models, "raw_customers"}, "nothing is left over"
