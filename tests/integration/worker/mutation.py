"""Statements made from others: words swapped, added, dropped and moved, pieces of one put into another.

Not grammatical on purpose, and grammatical often enough: what is mutated are statements that are known to be allowed
or refused, and what is put in comes from the engine's own vocabulary.
"""

import random
import re
from functools import cache

from stronghouse.engine.boundary.classification import Table, classified
from tests.integration.worker import test_admission, test_attacks_files, test_attacks_network, test_attacks_storage
from tests.integration.worker.attack import Attempts
from tests.integration.worker.clickbench.questions import QUESTIONS

STEPS = (0, 1, 1, 1, 2, 2, 3)
LIKE = 0.85
"""How many of the steps keep to the grammar."""
LIKELY_TAIL = 0.2
MAX_TOKENS = 400
_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|`[^`]*`|\"[^\"]*\"|\w+|\s+|.", re.DOTALL)
_KEYWORDS = """
    SELECT FROM WHERE PREWHERE GROUP BY ORDER HAVING LIMIT OFFSET WITH AS UNION ALL DISTINCT IN NOT AND OR JOIN LEFT
    ANY ARRAY ON USING FINAL SAMPLE SETTINGS FORMAT INTO OUTFILE INFILE VALUES INSERT CREATE TABLE VIEW MATERIALIZED
    TEMPORARY DATABASE FUNCTION DROP ALTER ADD COLUMN MODIFY DEFAULT ALIAS EPHEMERAL CODEC TTL ENGINE DEFINER SQL
    SECURITY NONE INVOKER APPLY EXCEPT REPLACE COLUMNS EXPLAIN AST SYNTAX QUERY TREE PIPELINE ESTIMATE DESCRIBE SHOW
    EXISTS KILL SYSTEM GRANT REVOKE USER ROLE POLICY RENAME EXCHANGE CLONE ATTACH DETACH PARTITION TO DISK OPTIMIZE
    DEDUPLICATE TRUNCATE UNDROP CHECK USE SET OVER PARTITION WINDOW QUALIFY INTERVAL DAY CASE WHEN THEN ELSE END NULL
    RECURSIVE STREAM PARALLEL CLUSTER EXECUTE CURRENT_USER currentUser()
"""
_PIECES = (
    "file('{path}')",
    "(file)",
    "arrayMap(file, ['{path}'])",
    "* APPLY(file)",
    "(SELECT file('{path}'))",
    "file\\('{path}'\\)",
    "SETTINGS select = 'file(x)'",
    "SETTINGS additional_result_filter = 'file(x)'",
    "'a String DEFAULT file(\\'{path}\\')'",
    "format(Values, 'a String', '(file(\\'{path}\\'))')",
    "structureToCapnProtoSchema('a UInt8 DEFAULT toUInt8(file(\\'{path}\\'))')",
    "initializeAggregation('quantile(length(file(\\'{path}\\')))', 1)",
    "url('http://127.0.0.1:{port}/')",
    "remote('127.0.0.1:{port}', system.one)",
    "INTO OUTFILE '{outside}'",
    "{{f:Identifier}}",
    "x -> file(x)",
    "/* c */",
    "-- c\n",
    "; SELECT 1",
    "$$file('{path}')$$",
    "'{path}'",
    "`file`",
    "fi\\x6ce",
    "system.processes",
    "_stronghouse.query_log",
    "1e308",
    "-9223372036854775808",
    "''",
    "[]",
    "tuple()",
    "NULL::Nullable(Nothing)",
    "'\\0\\xff'",
)


_EXPRESSIONS = (
    *(
        piece
        for piece in _PIECES
        if not piece.startswith(("SETTINGS", "INTO", ";", "--", "*", "/*", "fi", "''", "x ->"))
    ),
    "currentUser()",
    "(SELECT count() FROM system.parts)",
    "toDateTime64('2106-02-07', 9)",
    "range(100)",
    "map('a', [1])",
    "generateUUIDv4()",
    "unhex('ff00')::AggregateFunction(uniq, UInt8)",
    "materialize(number)",
    "number",
    "'[1,2'",
    "toFixedString('x', 3)",
    "'{{\"a\":1}}'::JSON",
    "(1, 'x', NULL)",
)
_TAILS = (
    " SETTINGS {setting} = 1",
    " SETTINGS {setting} = 'file(1)'",
    " SETTINGS {setting}",
    " FORMAT JSON",
    " LIMIT 3",
)


@cache
def corpus() -> tuple[str, ...]:
    """Statements to begin with."""
    lists = [test_admission.ALLOWED, test_admission.FILES, test_admission.OTHERS, test_admission.SETTINGS, QUESTIONS]
    for module in (test_attacks_files, test_attacks_network, test_attacks_storage):
        for value in vars(module).values():
            if isinstance(value, Attempts):
                lists += [[sql for sql, _ in value], list(value.works)]
    return tuple(sql for statements in lists for sql in statements if len(sql) < 2_000)


@cache
def functions() -> tuple[str, ...]:
    """Names of functions."""
    return tuple(classified(Table.FUNCTIONS))


@cache
def words() -> tuple[tuple[str, ...], ...]:
    """What may be put in, by kind, so that a kind with many words is not all that comes up."""
    tables = (Table.TABLE_FUNCTIONS, Table.SETTINGS, Table.FORMATS, Table.SYSTEM_TABLES, Table.TABLE_ENGINES)
    named = [tuple(classified(table)) for table in (*tables, Table.MERGE_TREE_SETTINGS)]
    return (*named, tuple(_KEYWORDS.split()), _PIECES, _PIECES, tuple("()[]{},.;=*+-'`\"\\:?|"))


def mutated(chance: random.Random) -> str:
    """A statement; `{path}`, `{outside}` and `{port}` in it are for the caller to fill."""
    tokens = _tokens(chance.choice(corpus()))
    for _ in range(chance.choice(STEPS)):
        step = _alike if chance.random() < LIKE else _wild
        tokens = step(tokens, chance)[:MAX_TOKENS]
    tail = chance.choice(_TAILS).format(setting=chance.choice(tuple(classified(Table.SETTINGS))))
    return "".join([*tokens, tail if chance.random() < LIKELY_TAIL else ""])


def _tokens(sql: str) -> list[str]:
    return _TOKEN.findall(sql.replace("{", "{{").replace("}", "}}"))


def _alike(tokens: list[str], chance: random.Random) -> list[str]:
    """One function for another, or an expression where a value was: mostly still a statement."""
    places = [place for place, token in enumerate(tokens) if _is_called(tokens, place) or _is_value(token)]
    if not places:
        return tokens
    place = chance.choice(places)
    if _is_called(tokens, place):
        new = chance.choice(functions())
    else:
        new = chance.choice((f"{chance.choice(functions())}({tokens[place]})", *_EXPRESSIONS))
    return [*tokens[:place], new, *tokens[place + 1 :]]


def _is_called(tokens: list[str], place: int) -> bool:
    return tokens[place].isidentifier() and place + 1 < len(tokens) and tokens[place + 1] == "("


def _is_value(token: str) -> bool:
    return token.isdigit() or token.startswith("'") or (token.isidentifier() and not token.isupper())


def _wild(tokens: list[str], chance: random.Random) -> list[str]:
    """Words put in, taken out, doubled, moved, from other statements."""
    place, other = sorted((chance.randrange(len(tokens) + 1), chance.randrange(len(tokens) + 1)))
    head, middle, tail = tokens[:place], tokens[place:other], tokens[other:]
    changes = (
        lambda: [*head, " ", chance.choice(chance.choice(words())), " ", *middle, *tail],
        lambda: [*head, chance.choice(chance.choice(words())), *(middle + tail)[1:]],
        lambda: [*head, *tail],
        lambda: [*head, *middle, *middle, *tail],
        lambda: [*head, *_from_another(chance), *middle, *tail],
        lambda: [*head, chance.choice(functions()), "(", *middle, ")", *tail],
        lambda: [*head, *(token.swapcase() for token in middle), *tail],
    )
    return chance.choice(changes)()


def _from_another(chance: random.Random) -> list[str]:
    tokens = _tokens(chance.choice(corpus()))
    begin = chance.randrange(len(tokens) + 1)
    return [" ", *tokens[begin : begin + chance.randrange(1, 12)], " "]
