import pytest

from stronghouse.engine.boundary.conditions import check_condition
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.tokens import split


@pytest.mark.parametrize(
    "condition",
    [
        "tenant IN (allowed)",
        "tenant IN (SELECT tenant FROM allowed)",
        "tenant IN (SELECT tenant FROM shop.allowed AS a INNER JOIN other AS b ON a.n = b.n)",
        "tenant IN (SELECT tenant FROM shop.allowed AS a, other WHERE 1)",
        "tenant IN (SELECT tenant FROM (SELECT * FROM allowed))",
        "tenant IN (WITH a AS (SELECT 1 AS tenant) SELECT tenant FROM a)",
        "tenant IN (SELECT tenant FROM merge('^allowed$'))",
        "tenant IN (SELECT tenant FROM loop(allowed))",
        "tenant IN (SELECT tenant FROM `shop.allowed`)",
        "in(tenant, allowed)",
        "tenant = (SELECT max(tenant) FROM allowed)",
    ],
)
def test_a_table_without_its_database_is_refused(condition: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        check_condition(split(condition))
    assert refused.value.number == 497


@pytest.mark.parametrize(
    "condition",
    [
        "1",
        "tenant IN (1, 2)",
        "tenant IN (SELECT 3)",
        "tenant IN (shop.allowed)",
        "tenant IN (SELECT tenant, 1 FROM shop.allowed WHERE f(a, b) ORDER BY a, b)",
        "tenant IN (SELECT tenant FROM shop.a INNER JOIN shop.b USING (n), shop.c)",
        "tenant IN (SELECT t FROM shop.a ARRAY JOIN ts AS t, us AS u)",
        "tenant IN (SELECT number FROM numbers(3))",
        "tenant IN (SELECT n FROM (SELECT n FROM shop.allowed))",
    ],
)
def test_what_means_the_same_for_every_reader_is_free(condition: str) -> None:
    check_condition(split(condition))
