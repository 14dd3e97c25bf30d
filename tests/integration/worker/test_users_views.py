"""The rights of views: nobody reads rows or tables by way of another that they may not read, but who was let to."""

import time
from collections.abc import Iterator

import pytest

from tests.integration.worker.service import Service
from tests.integration.worker.users import DENIED, create, refused, send, tenants, told


@pytest.fixture(scope="module")
def shop() -> Iterator[Service]:
    with tenants() as service:
        yield service


VIEWS = (
    "CREATE VIEW shop.{name} SQL SECURITY DEFINER AS SELECT tenant, note FROM shop.orders",
    "CREATE VIEW shop.{name} DEFINER = dan SQL SECURITY DEFINER AS SELECT tenant, note FROM shop.orders",
    "CREATE VIEW shop.{name} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT tenant, note FROM shop.orders",
    "CREATE VIEW shop.{name} DEFINER = CURRENT_USER AS SELECT tenant, note FROM shop.orders",
    "CREATE OR REPLACE VIEW shop.{name} DEFINER = 'dan' SQL SECURITY DEFINER AS SELECT tenant, note FROM shop.orders",
)


@pytest.mark.parametrize("place", range(len(VIEWS)))
def test_a_definers_view_shows_the_definers_rows_to_everybody(shop: Service, place: int) -> None:
    name = f"definers{place}"
    told(shop, "dan", VIEWS[place].format(name=name))
    for user in ("alice", "carol", "default", "dan"):
        assert told(shop, user, f"SELECT note FROM shop.{name}") == "two"
    told(shop, "dan", f"DROP VIEW shop.{name}")


@pytest.mark.parametrize("clause", ["", "SQL SECURITY INVOKER"])
def test_an_invokers_view_shows_the_readers_rows(shop: Service, clause: str) -> None:
    told(shop, "dan", f"CREATE OR REPLACE VIEW shop.readers {clause} AS SELECT note FROM shop.orders")
    assert told(shop, "alice", "SELECT note FROM shop.readers ORDER BY note") == "one\nuno"
    assert told(shop, "bob", "SELECT note FROM shop.readers") == "two"
    assert told(shop, "carol", "SELECT count() FROM shop.readers") == "0"


def test_a_definers_view_gives_no_more_than_the_definer_has(shop: Service) -> None:
    for sql in (
        "CREATE DATABASE vault",
        "CREATE TABLE vault.gold (n UInt8) ENGINE = MergeTree ORDER BY n",
        "INSERT INTO vault.gold VALUES (79)",
        "GRANT SELECT ON vault.gold TO dan",
    ):
        shop.run(sql)
    refused(shop, "alice", "SELECT * FROM vault.gold", DENIED)
    told(shop, "dan", "CREATE VIEW shop.window SQL SECURITY DEFINER AS SELECT n FROM vault.gold")
    assert told(shop, "alice", "SELECT n FROM shop.window") == "79", "which is what such a view is for"
    shop.run("REVOKE SELECT ON vault.gold FROM dan")
    message = refused(shop, "alice", "SELECT n FROM shop.window", DENIED)
    assert "dan: Not enough privileges" in message
    refused(shop, "dan", "CREATE VIEW shop.hole SQL SECURITY DEFINER AS SELECT n FROM vault.gold", DENIED)
    told(shop, "dan", "DROP VIEW shop.window")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIEW shop.x DEFINER = bob SQL SECURITY DEFINER AS SELECT * FROM shop.orders",
        "CREATE VIEW shop.x DEFINER = alice SQL SECURITY DEFINER AS SELECT * FROM shop.orders",
        "CREATE VIEW shop.x DEFINER = missing SQL SECURITY DEFINER AS SELECT * FROM shop.orders",
        "CREATE VIEW shop.x SQL SECURITY NONE AS SELECT * FROM shop.orders",
        "CREATE MATERIALIZED VIEW shop.x ENGINE = Memory DEFINER = bob SQL SECURITY DEFINER AS SELECT 1",
        "ALTER TABLE shop.readers MODIFY SQL SECURITY DEFINER",
        "ALTER TABLE shop.readers MODIFY SQL SECURITY NONE",
        "ALTER TABLE shop.readers MODIFY DEFINER = default SQL SECURITY DEFINER",
        "ALTER TABLE shop.readers MODIFY DEFINER = CURRENT_USER SQL SECURITY DEFINER",
        "SET default_view_definer = 'default'",
        "SET default_normal_view_sql_security = 'DEFINER'",
    ],
)
def test_no_view_is_made_to_run_as_another(shop: Service, sql: str) -> None:
    told(shop, "dan", "CREATE OR REPLACE VIEW shop.readers AS SELECT note FROM shop.orders")
    for user in ("dan", "default"):
        assert send(shop, user, sql).code in {DENIED, 452}, (user, sql, send(shop, user, sql).text)
    assert told(shop, "carol", "SELECT count() FROM shop.readers") == "0"


def test_nobody_but_the_owner_has_a_view_run_as_the_owner(shop: Service) -> None:
    sql = "CREATE VIEW shop.owners DEFINER = default SQL SECURITY DEFINER AS SELECT name FROM shop.tenants"
    refused(shop, "dan", sql, DENIED)
    told(shop, "default", sql)
    assert told(shop, "alice", "SELECT count() FROM shop.owners") == "3"
    shop.run("DROP VIEW shop.owners")


def test_a_view_of_somebody_who_is_gone_shows_nothing(shop: Service) -> None:
    create(shop, "erin", then=("GRANT SELECT, CREATE VIEW ON shop.* TO erin",))
    told(shop, "erin", "CREATE VIEW shop.left SQL SECURITY DEFINER AS SELECT name FROM shop.tenants")
    assert told(shop, "alice", "SELECT count() FROM shop.left") == "3"
    shop.run("DROP USER erin")
    assert "definer, is gone" in refused(shop, "alice", "SELECT count() FROM shop.left", 192)
    create(shop, "erin", then=("GRANT SELECT, CREATE VIEW ON shop.* TO erin",))
    refused(shop, "alice", "SELECT count() FROM shop.left", 192)
    shop.run("DROP VIEW shop.left")
    shop.run("DROP USER erin")


def test_a_materialized_view_is_fed_with_the_definers_rights(shop: Service) -> None:
    for sql in (
        "CREATE TABLE shop.events (n UInt8) ENGINE = MergeTree ORDER BY n",
        "GRANT INSERT ON shop.events TO alice",
        "GRANT SELECT ON shop.events TO dan",
    ):
        shop.run(sql)
    told(shop, "dan", "CREATE MATERIALIZED VIEW shop.sums ENGINE = MergeTree ORDER BY n AS SELECT n FROM shop.events")
    told(shop, "alice", "INSERT INTO shop.events VALUES (5), (6)")
    assert told(shop, "dan", "SELECT sum(n) FROM shop.sums") == "11"
    told(shop, "alice", "INSERT INTO shop.events SELECT 7")
    assert told(shop, "dan", "SELECT sum(n) FROM shop.sums") == "18"
    told(shop, "dan", "DROP TABLE shop.sums")


def test_who_is_subject_to_a_policy_makes_no_materialized_view_of_the_table(shop: Service) -> None:
    for sql in (
        "CREATE MATERIALIZED VIEW shop.m ENGINE = Memory AS SELECT * FROM shop.orders",
        "CREATE MATERIALIZED VIEW shop.m REFRESH EVERY 1 SECOND ENGINE = Memory AS SELECT * FROM shop.orders",
    ):
        assert "row policies" in refused(shop, "dan", sql, DENIED)


def test_a_refreshable_view_reads_as_its_definer(shop: Service) -> None:
    told(shop, "dan", "CREATE VIEW shop.between AS SELECT note FROM shop.orders")
    told(
        shop,
        "dan",
        "CREATE MATERIALIZED VIEW shop.fresh REFRESH EVERY 1 HOUR ENGINE = MergeTree ORDER BY note "
        "AS SELECT note FROM shop.between",
    )
    deadline = time.monotonic() + 20
    while (seen := told(shop, "dan", "SELECT note FROM shop.fresh")) == "" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert seen == "two"
    told(shop, "dan", "DROP TABLE shop.fresh")
    told(shop, "dan", "DROP VIEW shop.between")
