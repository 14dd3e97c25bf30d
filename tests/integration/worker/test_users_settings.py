"""Settings profiles and quotas: what they hold people to, and that the owner gets out of any of them."""

import pytest

from tests.integration.worker.service import Service
from tests.integration.worker.users import DENIED, QUOTA, create, refused, send, told

CONSTRAINT, READ_ONLY, UNKNOWN_SETTING, NO_PROFILE, NO_KEY = 452, 164, 115, 180, 496
MAX_THREADS = "SELECT getSetting('max_threads')"


@pytest.fixture(scope="module")
def people(service: Service) -> Service:
    """Users, and a table that all may read and write."""
    service.run("CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n")
    service.run("INSERT INTO kept SELECT number FROM numbers(100)")
    create(service, "alice", "bob", "carol", then=("GRANT SELECT, INSERT ON default.kept TO alice, bob, carol",))
    return service


# --- settings profiles


def test_settings_come_from_profiles_roles_and_the_user_and_the_last_word_counts(people: Service) -> None:
    people.run("CREATE SETTINGS PROFILE base SETTINGS max_threads = 2, max_block_size = 1000 TO alice")
    assert told(people, "alice", f"{MAX_THREADS}, getSetting('max_block_size')") == "2\t1000"
    assert told(people, "bob", "SELECT getSetting('max_block_size')") != "1000"
    people.run("CREATE ROLE busy SETTINGS max_threads = 3")
    people.run("GRANT busy TO alice")
    assert told(people, "alice", MAX_THREADS) == "3"
    people.run("ALTER USER alice SETTINGS max_threads = 4")
    assert told(people, "alice", MAX_THREADS) == "4", "a connection that waited is not used with old settings"
    people.run("ALTER USER alice DROP ALL SETTINGS")
    people.run("REVOKE busy FROM alice")
    people.run("CREATE SETTINGS PROFILE wider SETTINGS PROFILE base, max_block_size = 2000")
    people.run("ALTER SETTINGS PROFILE base TO NONE")
    people.run("ALTER USER alice SETTINGS PROFILE wider")
    assert told(people, "alice", f"{MAX_THREADS}, getSetting('max_block_size')") == "2\t2000"
    people.run("ALTER USER alice DROP ALL PROFILES")
    people.run("DROP SETTINGS PROFILE base, wider")
    people.run("DROP ROLE busy")
    assert told(people, "alice", "SELECT getSetting('max_block_size')") not in {"1000", "2000"}


@pytest.mark.parametrize(
    ("setting", "allowed", "forbidden"),
    [
        ("max_block_size = 1000 MIN 500 MAX 2000", "500", "499"),
        ("max_block_size = 1000 MIN 500 MAX 2000", "2000", "2001"),
        ("max_block_size = 1000 CONST", "1000", "1001"),
        ("max_block_size = 1000 READONLY", "1000", "999"),
        ("max_block_size = 1000 WRITABLE", "77", ""),
    ],
)
def test_constraints_hold_wherever_a_setting_can_be_set(
    people: Service, setting: str, allowed: str, forbidden: str
) -> None:
    people.run(f"CREATE SETTINGS PROFILE OR REPLACE held SETTINGS {setting} TO alice")
    assert told(people, "alice", "SELECT getSetting('max_block_size')") == "1000"
    assert told(people, "alice", f"SELECT 1 SETTINGS max_block_size = {allowed}") == "1"
    assert told(people, "alice", "SELECT getSetting('max_block_size')", max_block_size=allowed) == allowed
    if forbidden:
        for sql in (
            f"SELECT 1 SETTINGS max_block_size = {forbidden}",
            f"SET max_block_size = {forbidden}",
            f"INSERT INTO kept SELECT 1 SETTINGS max_block_size = {forbidden}",
        ):
            message = refused(people, "alice", sql, CONSTRAINT)
            assert message.count("DB::Exception") == 1
            assert "max_block_size" in message
        refused(people, "alice", "SELECT 1", CONSTRAINT, max_block_size=forbidden)
        within = f"SELECT * FROM (SELECT getSetting('max_block_size') SETTINGS max_block_size = {forbidden})"
        assert told(people, "alice", within) in {"1000", allowed}, "there the engine puts the nearest value that may be"
    people.run("DROP SETTINGS PROFILE held")


def test_a_read_only_user_changes_nothing_not_even_the_own_password(people: Service) -> None:
    told(people, "alice", "INSERT INTO kept VALUES (1000)")
    people.run("ALTER USER alice SETTINGS readonly = 1")
    people.run("GRANT CREATE ROLE ON *.* TO alice")
    for sql in (
        "INSERT INTO kept VALUES (1001)",
        "INSERT INTO kept SELECT 1001",
        "SET max_threads = 1",
        "SELECT 1 SETTINGS max_threads = 1",
        "CREATE ROLE by_reader",
        "ALTER USER alice IDENTIFIED BY 'another long one'",
    ):
        refused(people, "alice", sql, READ_ONLY)
    assert told(people, "alice", "SELECT count() FROM kept WHERE n >= 1000") == "1"
    people.run("ALTER USER alice SETTINGS readonly = 2")
    assert told(people, "alice", "SELECT 1 SETTINGS max_threads = 1") == "1"
    refused(people, "alice", "INSERT INTO kept VALUES (1001)", READ_ONLY)
    refused(people, "alice", "SELECT 1 SETTINGS readonly = 0", READ_ONLY)
    people.run("ALTER USER alice DROP ALL SETTINGS")
    told(people, "alice", "INSERT INTO kept VALUES (1001)")
    people.run("REVOKE CREATE ROLE ON *.* FROM alice")


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ("no_such_setting = 1", UNKNOWN_SETTING),
        ("param_x = 1", UNKNOWN_SETTING),
        ("max_execution_time = 'many'", 72),
        ("PROFILE missing", NO_PROFILE),
        ("default_view_definer = 'default'", CONSTRAINT),
        ("additional_table_filters = '{}'", CONSTRAINT),
        ("log_comment = '${profiles.default.max_threads}'", CONSTRAINT),
    ],
)
def test_a_profile_that_would_not_work_is_refused(people: Service, settings: str, code: int) -> None:
    refused(people, "default", f"CREATE SETTINGS PROFILE bad SETTINGS {settings} TO alice", code)
    assert told(people, "alice", "SELECT 1") == "1"
    assert told(people, "default", "SHOW SETTINGS PROFILES") == ""


@pytest.mark.parametrize(
    "settings",
    ["readonly = 1", "max_memory_usage = 1", "max_query_size = 65536", "max_ast_elements = 1000",
     "max_execution_time = 1e-9", "max_result_rows = 1", "max_threads = 1 CONST", "max_rows_to_read = 1"],
)  # fmt: skip
def test_no_profile_for_everybody_keeps_the_owner_from_dropping_it(people: Service, settings: str) -> None:
    people.run(f"CREATE SETTINGS PROFILE trap SETTINGS {settings} TO ALL")
    send(people, "default", "SELECT sum(n) FROM kept")
    people.run("DROP SETTINGS PROFILE trap")
    assert told(people, "default", "SELECT count() > 0 FROM kept") == "1"


def test_profiles_are_shown_and_renamed(people: Service) -> None:
    people.run("CREATE SETTINGS PROFILE seen SETTINGS max_threads = 2 MIN 1 MAX 4, max_block_size CONST TO alice")
    shown = told(people, "default", "SHOW CREATE SETTINGS PROFILE seen")
    assert shown == (
        "CREATE SETTINGS PROFILE `seen` SETTINGS max_threads = 2 MIN 1 MAX 4, max_block_size CONST TO alice"
    )
    people.run("ALTER SETTINGS PROFILE seen RENAME TO viewed")
    assert told(people, "default", "SHOW SETTINGS PROFILES") == "viewed"
    elements = "SELECT setting_name, value, min, max, writability FROM system.settings_profile_elements ORDER BY index"
    assert told(people, "default", elements) == "max_threads\t2\t1\t4\t\\N\nmax_block_size\t\\N\t\\N\t\\N\tCONST"
    assert told(people, "bob", "SELECT count() FROM system.settings_profile_elements") == "0"
    refused(people, "bob", "SHOW CREATE SETTINGS PROFILE viewed", DENIED)
    refused(people, "bob", "CREATE SETTINGS PROFILE own SETTINGS max_threads = 1 TO bob", DENIED)
    refused(people, "bob", "DROP SETTINGS PROFILE viewed", DENIED)
    people.run("DROP SETTINGS PROFILE viewed")


# --- quotas


@pytest.mark.parametrize(
    ("limit", "within", "beyond"),
    [
        ("queries = 2", "SELECT 1", "SELECT 1"),
        ("query_selects = 2", "SELECT 1", "SELECT 1"),
        ("query_inserts = 2", "INSERT INTO kept VALUES (7)", "INSERT INTO kept VALUES (7)"),
        ("errors = 1", "SELECT missing", "SELECT 1"),
        ("result_rows = 15", "SELECT number FROM numbers(8)", "SELECT 1"),
        ("result_bytes = 15", "SELECT 'twelve bytes'", "SELECT 1"),
        ("read_rows = 150", "SELECT max(n) FROM kept WHERE n + 1 > 0", "SELECT 1"),
        ("read_bytes = 1500", "SELECT max(n) FROM kept WHERE n + 1 > 0", "SELECT 1"),
        ("written_bytes = 15", "INSERT INTO kept SELECT 7", "SELECT 1"),
        ("execution_time = 0.15", "SELECT sleep(0.1)", "SELECT 1"),
    ],
)
def test_a_quota_lets_somebody_use_so_much_and_no_more(people: Service, limit: str, within: str, beyond: str) -> None:
    people.run(f"CREATE QUOTA OR REPLACE q KEYED BY user_name FOR INTERVAL 1 year MAX {limit} TO bob")
    codes = [send(people, "bob", within).code for _ in range(2)]
    assert QUOTA not in codes
    message = refused(people, "bob", beyond, QUOTA)
    assert limit.split(" = ", maxsplit=1)[0] in message
    assert "`bob`" in message
    assert told(people, "carol", "SELECT 1") == "1"
    people.run("DROP QUOTA q")
    assert told(people, "bob", "SELECT 1") == "1"


def test_statements_of_another_kind_do_not_count(people: Service) -> None:
    people.run("CREATE QUOTA q FOR INTERVAL 1 year MAX query_selects = 1, query_inserts = 1 TO bob")
    assert [send(people, "bob", "SELECT 1").code for _ in range(2)] == [0, QUOTA]
    people.run("ALTER QUOTA q FOR INTERVAL 1 year MAX query_inserts = 1")
    assert [send(people, "bob", "INSERT INTO kept VALUES (7)").code for _ in range(2)] == [0, QUOTA]
    people.run("DROP QUOTA q")


def test_what_is_counted_together_is_what_the_key_says(people: Service) -> None:
    people.run("CREATE QUOTA q KEYED BY user_name FOR INTERVAL 1 year MAX queries = 1 TO bob, carol")
    assert [send(people, user, "SELECT 1").code for user in ("bob", "carol", "bob")] == [0, 0, QUOTA]
    people.run("ALTER QUOTA q NOT KEYED FOR INTERVAL 2 year MAX queries = 1, FOR INTERVAL 1 year NO LIMITS")
    assert [send(people, user, "SELECT 1").code for user in ("bob", "carol")] == [0, QUOTA]
    people.run("ALTER QUOTA q KEYED BY ip_address FOR INTERVAL 3 year MAX queries = 1, FOR INTERVAL 2 year NO LIMITS")
    places = ("192.0.2.1", "192.0.2.2", "192.0.2.1")
    assert [send(people, "bob", "SELECT 1", address=place).code for place in places] == [0, 0, QUOTA]
    people.run("ALTER QUOTA q KEYED BY client_key FOR INTERVAL 4 year MAX queries = 1, FOR INTERVAL 3 year NO LIMITS")
    assert [send(people, "bob", "SELECT 1", quota_key=key).code for key in ("one", "two", "one")] == [0, 0, QUOTA]
    refused(people, "bob", "SELECT 1", NO_KEY)
    people.run("DROP QUOTA q")


def test_a_quota_reaches_people_by_their_roles_and_spares_who_is_left_out(people: Service) -> None:
    people.run("CREATE ROLE limited")
    people.run("GRANT limited TO bob")
    people.run("CREATE QUOTA q FOR INTERVAL 1 year MAX queries = 1 TO limited")
    assert [send(people, "bob", "SELECT 1").code for _ in range(2)] == [0, QUOTA]
    people.run("REVOKE limited FROM bob")
    assert told(people, "bob", "SELECT 1") == "1"
    people.run("ALTER QUOTA q TO ALL EXCEPT bob, default")
    assert send(people, "bob", "SELECT 1").code == 0
    assert QUOTA in [send(people, "carol", "SELECT 1").code for _ in range(2)]
    people.run("DROP QUOTA q")
    people.run("DROP ROLE limited")


def test_everybody_sees_what_they_used_and_nobody_else(people: Service) -> None:
    people.run("CREATE QUOTA seen KEYED BY user_name FOR INTERVAL 1 year MAX queries = 50 TO bob, carol")
    told(people, "bob", "SELECT 1")
    told(people, "bob", "SELECT 1")
    used = "SELECT quota_name, quota_key, queries, max_queries FROM system.quota_usage"
    assert told(people, "bob", used) == "seen\tbob\t3\t50"
    assert told(people, "carol", used) == "seen\tcarol\t1\t50"
    assert told(people, "bob", "SHOW CURRENT QUOTA").startswith("seen\tbob\t")
    everybody = "SELECT quota_key FROM system.quotas_usage ORDER BY quota_key"
    assert told(people, "default", everybody) == "bob\ncarol"
    assert told(people, "bob", everybody) == "", "that takes SHOW QUOTAS, as in ClickHouse"
    assert told(people, "bob", "SELECT count() FROM system.quotas") == "0"
    assert told(people, "default", "SELECT name, keys FROM system.quotas") == "seen\t['user_name']"
    shown = told(people, "default", "SHOW CREATE QUOTA seen")
    assert shown == "CREATE QUOTA seen KEYED BY user_name FOR INTERVAL 1 year MAX queries = 50 TO bob, carol"
    for sql in ("SHOW QUOTAS", "SHOW CREATE QUOTA seen", "DROP QUOTA seen", "ALTER QUOTA seen TO NONE"):
        refused(people, "bob", sql, DENIED)
    people.run("DROP QUOTA seen")


def test_no_quota_keeps_the_owner_from_dropping_it(people: Service) -> None:
    people.run("CREATE QUOTA trap FOR INTERVAL 100 year MAX queries = 0 TO ALL")
    refused(people, "default", "SELECT 1", QUOTA)
    assert told(people, "default", "SHOW QUOTAS") == "trap"
    people.run("DROP QUOTA trap")
    assert told(people, "default", "SELECT 1") == "1"
