"""The reviewed tables against the engine that runs: nothing that it lists is missing, and the harmless things work."""

from collections.abc import Mapping

import pytest

from stronghouse.engine.boundary.classification import Entry, Table, Verdict, classified, reasons
from stronghouse.engine.configuration import DATABASE_ENGINES, TABLE_ENGINES
from stronghouse.engine.settings import ALLOWED_VALUES, FIXED, FIXED_OF_TABLES, MAXIMA
from tests.integration.worker.service import Service

LISTED = {
    Table.FUNCTIONS: "SELECT name FROM system.functions WHERE origin = 'System'",
    Table.TABLE_FUNCTIONS: "SELECT name FROM system.table_functions",
    Table.TABLE_ENGINES: "SELECT name FROM system.table_engines",
    Table.DATABASE_ENGINES: "SELECT name FROM system.database_engines",
    Table.SETTINGS: "SELECT name FROM system.settings",
    Table.MERGE_TREE_SETTINGS: "SELECT name FROM system.merge_tree_settings",
    Table.FORMATS: "SELECT name FROM system.formats",
    Table.CODECS: "SELECT name FROM system.codecs",
}


def allowed(entries: Mapping[str, Entry]) -> set[str]:
    return {name for name, entry in entries.items() if entry.verdict is Verdict.ALLOW}


@pytest.mark.parametrize("table", LISTED)
def test_every_name_that_the_engine_lists_is_classified_and_no_other(service: Service, table: Table) -> None:
    listed = set(service.run(f"{LISTED[table]} FORMAT TSVRaw").split())
    assert listed == set(classified(table))


def test_every_system_table_of_the_engine_is_classified(service: Service) -> None:
    """The service takes some away and puts its own in their place, so fewer are listed than the engine has."""
    of_the_engine = "SELECT name FROM system.tables WHERE database = 'system' AND engine LIKE 'System%' FORMAT TSVRaw"
    assert set(service.run(of_the_engine).split()) <= set(classified(Table.SYSTEM_TABLES))


def test_no_table_that_is_refused_is_there(service: Service) -> None:
    for name, entry in classified(Table.SYSTEM_TABLES).items():
        if entry.verdict is Verdict.REFUSE:
            assert service.ask(f"SELECT * FROM system.`{name}` LIMIT 1").code == 60, name
        elif entry.verdict is Verdict.ALLOW:
            # Some need a condition or a keeper, and say so.
            assert service.ask(f"SELECT * FROM system.`{name}` LIMIT 1 FORMAT Null").code in {0, 344, 36}, name


def test_every_refusal_has_a_reason(service: Service) -> None:
    for table in Table:
        for entry in classified(table).values():
            needs = entry.verdict in {Verdict.REFUSE, Verdict.ADMIN, Verdict.FIXED}
            assert (entry.reason in reasons()) == (needs or entry.reason != "-"), entry


def test_the_tables_agree_with_what_the_engine_is_configured_to(service: Service) -> None:
    assert allowed(classified(Table.TABLE_ENGINES)) == set(TABLE_ENGINES)
    assert allowed(classified(Table.DATABASE_ENGINES)) == set(DATABASE_ENGINES)
    settings = classified(Table.SETTINGS)
    fixed = {name for name, entry in settings.items() if entry.verdict is Verdict.FIXED}
    assert set(FIXED) <= fixed
    fixed_of_tables = {
        name for name, entry in classified(Table.MERGE_TREE_SETTINGS).items() if entry.verdict is Verdict.FIXED
    }
    assert fixed_of_tables == set(FIXED_OF_TABLES)
    assert set(ALLOWED_VALUES) | set(MAXIMA) <= allowed(settings) | fixed


def test_every_refused_function_is_refused_before_the_engine_sees_it(service: Service) -> None:
    for entry in classified(Table.FUNCTIONS).values():
        if entry.verdict is Verdict.REFUSE:
            answer = service.ask(f"SELECT `{entry.name}`(1)")
            assert answer.code == 497, (entry, answer.text)
            assert "not allowed in this service" in answer.text


def test_every_refused_table_function_and_engine_is_refused_before_the_engine_sees_it(service: Service) -> None:
    for entry in classified(Table.TABLE_FUNCTIONS).values():
        if entry.verdict is Verdict.REFUSE:
            answer = service.ask(f"SELECT * FROM {entry.name}('x')")
            assert answer.code in {48, 497}, (entry, answer.text)
            assert "service" in answer.text or "not supported" in answer.text
    for kind, table in (("TABLE t (a Int)", Table.TABLE_ENGINES), ("DATABASE d", Table.DATABASE_ENGINES)):
        for entry in classified(table).values():
            if entry.verdict is Verdict.REFUSE:
                answer = service.ask(f"CREATE {kind} ENGINE = {entry.name}")
                assert answer.code == 497, (entry, answer.text)


@pytest.mark.slow  # there are some 1,700
def test_every_allowed_function_reaches_the_engine(service: Service) -> None:
    """It says something about the arguments, or answers; it is never we who refuse."""
    names = sorted(allowed(classified(Table.FUNCTIONS)))
    for start in range(0, len(names), 40):
        for name in names[start : start + 40]:
            if classified(Table.FUNCTIONS)[name].reason == "-":
                answer = service.ask(f"EXPLAIN SYNTAX SELECT `{name}`(1)")
                assert answer.code != 497, (name, answer.text)
                assert answer.code != 46, (name, answer.text)


def test_every_allowed_format_can_be_asked_for(service: Service) -> None:
    for name in sorted(allowed(classified(Table.FORMATS))):
        answer = service.ask(f"SELECT 'a' AS name, 1.5 AS value FORMAT {name}")
        # Formats that only read, or that need a schema or an image's columns, say so themselves.
        assert answer.code not in {497, 452}, (name, answer.text)


def test_every_setting_keeps_to_its_verdict(service: Service) -> None:
    values = dict(
        line.split("\t", 1) for line in service.run("SELECT name, value FROM system.settings FORMAT TSV").splitlines()
    )
    refused = [
        (name, entry.verdict, service.ask("SELECT 1", url={name: values[name]}).code)
        for name, entry in classified(Table.SETTINGS).items()
        if entry.verdict is not Verdict.ALLOW
    ]
    wrong = [name for name, _, code in refused if code != 452 and name not in {"database", "default_format"}]
    # `database` and `default_format` are parameters of HTTP requests; in SETTINGS they are refused like the rest.
    assert not set(wrong) - set(ALLOWED_VALUES)
    harmless = allowed(classified(Table.SETTINGS))
    kept = [f"{name} = '{values[name]}'" for name in sorted(harmless) if values[name] and "'" not in values[name]]
    for start in range(0, len(kept), 100):
        answer = service.ask(f"SELECT 1 SETTINGS {', '.join(kept[start : start + 100])}")
        assert answer.code not in {115, 452}, answer.text


def test_a_name_that_is_no_setting_is_unknown(service: Service) -> None:
    for sql in ("SET no_such_setting = 1", "SELECT 1 SETTINGS no_such_setting = 1", "SELECT 1 SETTINGS a.b = 1"):
        assert service.ask(sql).code == 115, sql
    assert service.ask("SELECT 1", no_such_setting="1").code == 115


def test_a_flag_without_a_value_is_a_setting_too(service: Service) -> None:
    assert service.ask("SELECT 1 SETTINGS max_threads = 2, allow_introspection_functions").code == 452
    assert service.ask("SET log_queries").code == 452
    assert service.run("SELECT 1 SETTINGS use_query_condition_cache") == "1\n"
