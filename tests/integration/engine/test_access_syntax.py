"""The engine's own canonical form of access statements is what `printing` writes and `parsing` reads."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from stronghouse.engine.access.parsing import parse
from stronghouse.engine.access.printing import print_statement
from stronghouse.engine.access.reader import KEYWORDS
from stronghouse.engine.access.statements import AccessStatement
from stronghouse.engine.errors import DatabaseError
from tests.integration.engine.canonical_forms import CanonicalForms
from tests.unit.engine.access.random_statements import statements

pytestmark = pytest.mark.slow  # the engine starts, and formats hundreds of statements


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CanonicalForms]:
    forms = CanonicalForms(tmp_path_factory.mktemp("engine") / "data")
    yield forms
    forms.close()


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(statement=statements)
def test_what_is_printed_is_what_the_engine_prints(engine: CanonicalForms, statement: AccessStatement) -> None:
    text = print_statement(statement)
    assert engine.of(text) == text


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        (
            "create user if not exists 'a' not identified host ip '127.0.0.1' settings profile 'p', x = 1",
            "CREATE USER IF NOT EXISTS a IDENTIFIED WITH no_password HOST LOCAL SETTINGS PROFILE `p`, x = 1",
        ),
        (
            "ALTER USER a SETTINGS x = 1, PROFILE 'p' GRANTEES ANY",
            "ALTER USER a DROP ALL SETTINGS, DROP ALL PROFILES, ADD PROFILE `p`, ADD SETTING x = 1 GRANTEES ANY",
        ),
        ("ALTER USER a SET x = 1", "ALTER USER a MODIFY SETTING x = 1"),
        (
            "create policy p on db.t as restrictive using a = 1 and `to` in (1, 2) to all except b",
            "CREATE ROW POLICY p ON db.t AS RESTRICTIVE FOR SELECT USING (a = 1) AND (to IN (1, 2)) TO ALL EXCEPT b",
        ),
        (
            "CREATE QUOTA q KEY BY 'user name' FOR INTERVAL 60 minute MAX QUERIES 5, ERRORS = 3 TO a",
            "CREATE QUOTA q KEYED BY user_name FOR INTERVAL 1 hour MAX queries = 5, errors = 3 TO a",
        ),
        (
            "GRANT SELECT(a), SELECT(b), UPDATE ON t, ALL PRIVILEGES ON *.* TO a WITH GRANT OPTION",
            "GRANT SELECT(a, b), ALTER UPDATE ON t, ALL ON *.* TO a WITH GRANT OPTION",
        ),
        ("GRANT READ ON FILE TO a", "GRANT FILE ON *.* TO a"),
        (
            "GRANT CREATE USER, SELECT ON *.* TO CURRENT_USER, a",
            "GRANT CREATE USER ON *, SELECT ON *.* TO a, CURRENT_USER",
        ),
        ("REVOKE ALL FROM a", "REVOKE ALL FROM a"),
        ("GRANT NONE ON db.t TO a", "GRANT USAGE ON *.* TO a"),
        ("SHOW GRANTS FOR CURRENT_USER", "SHOW GRANTS"),
        ("SHOW CREATE POLICY p", "SHOW CREATE ROW POLICIES p"),
        ("show quota format JSON", "SHOW CURRENT QUOTA FORMAT JSON"),
    ],
)
def test_what_people_write_is_understood(engine: CanonicalForms, written: str, canonical: str) -> None:
    statement = parse(engine.of(written))
    assert statement is not None
    assert print_statement(statement) == canonical


@pytest.mark.parametrize("keyword", sorted(KEYWORDS))
@pytest.mark.parametrize("quote", ["`", "'"])
def test_a_name_that_reads_as_a_keyword_is_not_given(engine: CanonicalForms, keyword: str, quote: str) -> None:
    for statement in ("CREATE USER", "CREATE ROLE", "CREATE SETTINGS PROFILE", "CREATE QUOTA"):
        canonical = engine.of(f"{statement} {quote}{keyword}{quote}")
        assert not canonical.startswith("!")
        with pytest.raises(DatabaseError, match="48"):
            parse(canonical)


@pytest.mark.parametrize("word", ["none", "all", "any", "default", "current_user", "to"])
def test_a_quoted_name_is_no_keyword_in_lower_case(engine: CanonicalForms, word: str) -> None:
    canonical = engine.of(f"GRANT r TO `{word}`")
    statement = parse(canonical)
    assert statement is not None
    assert print_statement(statement) == canonical
    assert f"names=({word!r},)" in repr(statement)
