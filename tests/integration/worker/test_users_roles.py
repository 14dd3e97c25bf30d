"""Roles: within each other, in sessions and requests, by default, and taken away again."""

from collections.abc import Iterator

import pytest

from tests.integration.worker.service import Service
from tests.integration.worker.users import DENIED, SECRET, UNKNOWN_ROLE, create, refused, send, told

NOT_GRANTED = 512


@pytest.fixture(scope="module")
def shop(service: Service) -> Service:
    """Tables, and users without any right."""
    for sql in (
        "CREATE DATABASE shop",
        "CREATE TABLE shop.goods (a UInt8) ENGINE = MergeTree ORDER BY a",
        "CREATE TABLE shop.other (a UInt8) ENGINE = MergeTree ORDER BY a",
        "INSERT INTO shop.goods VALUES (1), (2)",
    ):
        service.run(sql)
    create(service, "alice", "bob", "carol", "dave")
    return service


@pytest.fixture
def two_roles(shop: Service) -> Iterator[Service]:
    """A role for each table; Dave has both."""
    for sql in (
        "CREATE ROLE goods, others",
        "GRANT SELECT ON shop.goods TO goods",
        "GRANT SELECT ON shop.other TO others",
        "GRANT goods, others TO dave",
    ):
        shop.run(sql)
    yield shop
    shop.run("DROP ROLE goods, others")


def test_roles_within_roles_add_up_and_end_with_their_chain(shop: Service) -> None:
    for sql in (
        "CREATE ROLE clerk, manager, auditor",
        "GRANT SELECT ON shop.goods TO clerk",
        "GRANT SELECT ON shop.other TO auditor",
        "GRANT clerk TO manager",
        "GRANT manager TO bob WITH ADMIN OPTION",
    ):
        shop.run(sql)
    assert told(shop, "bob", "SELECT currentRoles(), enabledRoles(), defaultRoles()") == (
        "['manager']\t['clerk','manager']\t['manager']"
    )
    assert told(shop, "bob", "SELECT count() FROM shop.goods") == "2"
    assert told(shop, "bob", "SHOW CURRENT ROLES") == "manager\t1\t1"
    assert {row.split("\t")[0] for row in told(shop, "bob", "SHOW ENABLED ROLES").split("\n")} == {"clerk", "manager"}
    told(shop, "bob", "GRANT manager TO carol")
    assert told(shop, "carol", "SELECT count() FROM shop.goods") == "2"
    refused(shop, "carol", "GRANT manager TO dave", DENIED)
    refused(shop, "bob", "GRANT clerk TO dave", DENIED)
    refused(shop, "bob", "SET ROLE clerk", NOT_GRANTED)
    told(shop, "bob", "REVOKE ADMIN OPTION FOR manager FROM bob")
    refused(shop, "bob", "GRANT manager TO dave", DENIED)
    shop.run("REVOKE clerk FROM manager")
    refused(shop, "bob", "SELECT count() FROM shop.goods", DENIED)
    shop.run("GRANT clerk TO manager")
    shop.run("DROP ROLE clerk")
    refused(shop, "carol", "SELECT count() FROM shop.goods", DENIED)
    shop.run("CREATE ROLE clerk")
    shop.run("GRANT SELECT ON shop.goods TO clerk")
    refused(shop, "carol", "SELECT count() FROM shop.goods", DENIED)
    shop.run("DROP ROLE clerk, manager, auditor")
    assert told(shop, "bob", "SHOW GRANTS") == ""


def test_roles_in_a_ring_are_no_trouble(shop: Service) -> None:
    shop.run("CREATE ROLE hen, egg")
    shop.run("GRANT hen TO egg")
    answer = send(shop, "default", "GRANT egg TO hen")
    assert answer.code in {0, 36}, answer.text
    shop.run("GRANT hen TO dave")
    assert told(shop, "dave", "SELECT currentRoles()") == "['hen']"
    shop.run("DROP ROLE hen, egg")


def test_a_session_keeps_the_roles_that_it_set_and_a_request_names_its_own(two_roles: Service) -> None:
    told(two_roles, "dave", "SET ROLE goods", session_id="one")
    assert told(two_roles, "dave", "SELECT currentRoles()", session_id="one") == "['goods']"
    assert told(two_roles, "dave", "SELECT count() FROM shop.goods", session_id="one") == "2"
    refused(two_roles, "dave", "SELECT count() FROM shop.other", DENIED, session_id="one")
    assert told(two_roles, "dave", "SELECT role_name FROM system.current_roles", session_id="one") == "goods"
    assert told(two_roles, "dave", "SHOW CURRENT ROLES", session_id="one").split("\t")[0] == "goods"
    assert told(two_roles, "dave", "SELECT count() FROM shop.other", role="others", session_id="one") == "0"
    assert told(two_roles, "dave", "SELECT count() FROM shop.other") == "0"
    told(two_roles, "dave", "SET ROLE NONE", session_id="one")
    refused(two_roles, "dave", "SELECT count() FROM shop.goods", DENIED, session_id="one")
    told(two_roles, "dave", "SET ROLE ALL EXCEPT goods", session_id="one")
    assert told(two_roles, "dave", "SELECT currentRoles()", session_id="one") == "['others']"
    told(two_roles, "dave", "SET ROLE DEFAULT", session_id="one")
    assert told(two_roles, "dave", "SELECT currentRoles()", session_id="one") == "['goods','others']"
    refused(two_roles, "dave", "SET ROLE missing", UNKNOWN_ROLE, session_id="one")
    refused(two_roles, "dave", "SELECT 1", UNKNOWN_ROLE, role="missing")
    refused(two_roles, "alice", "SELECT 1", NOT_GRANTED, role="goods")


def test_default_roles_are_those_in_force_after_signing_in(two_roles: Service) -> None:
    two_roles.run("SET DEFAULT ROLE others TO dave")
    assert told(two_roles, "dave", "SELECT currentRoles(), defaultRoles()") == "['others']\t['others']"
    refused(two_roles, "dave", "SELECT count() FROM shop.goods", DENIED)
    assert told(two_roles, "dave", "SELECT count() FROM shop.goods", role="goods") == "2"
    two_roles.run("SET DEFAULT ROLE NONE TO dave")
    assert told(two_roles, "dave", "SELECT currentRoles()") == "[]"
    two_roles.run("ALTER USER dave DEFAULT ROLE ALL EXCEPT goods")
    assert told(two_roles, "dave", "SELECT currentRoles()") == "['others']"
    two_roles.run("REVOKE goods, others FROM dave")
    refused(two_roles, "dave", "SELECT 1", NOT_GRANTED, role="goods")


def test_a_session_loses_a_role_as_soon_as_it_is_taken(shop: Service) -> None:
    shop.run("CREATE ROLE passing")
    shop.run("GRANT SELECT ON shop.goods TO passing")
    shop.run("GRANT passing TO dave")
    told(shop, "dave", "SET ROLE passing", session_id="two")
    assert told(shop, "dave", "SELECT count() FROM shop.goods", session_id="two") == "2"
    shop.run("REVOKE passing FROM dave")
    refused(shop, "dave", "SELECT count() FROM shop.goods", DENIED, session_id="two")
    assert told(shop, "dave", "SELECT currentRoles()", session_id="two") == "[]"
    shop.run("DROP ROLE passing")


def test_several_roles_can_be_named_by_a_request(shop: Service) -> None:
    shop.run("CREATE ROLE x, y, z")
    shop.run("GRANT x, y, z TO dave")
    path = "/?role=x&role=z&query=SELECT%20currentRoles()"
    connection = shop.connection()
    connection.request("POST", path, headers={"X-ClickHouse-User": "dave", "X-ClickHouse-Key": SECRET})
    assert connection.getresponse().read() == b"['x','z']\n"
    connection.close()
    shop.run("DROP ROLE x, y, z")
