"""What the engine that runs knows, against the tables: which of its functions are refused, and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stronghouse.engine.boundary.classification import Table, Verdict, by_lower_case, reasons
from stronghouse.engine.boundary.texts import HANDED
from stronghouse.engine.connection import Connection

WORDS = frozenset({"select", "insert", "update", "column", "columns", "all", "inserted"})
"""Words that names in parentheses follow at once: those of column grants, `COLUMNS(…)`, and ours for an insert."""


@dataclass(frozen=True)
class Vocabulary:
    """Names in lower case.

    Attributes:
        refused: functions and table functions that nobody may use, and why.
        handed: functions that may not be handed to another by name: the refused ones, and those that read text.
        administrative: table functions for the owner, and why.
        higher_order: functions that take functions as arguments.
        built_in: all functions and table functions of the engine.
        others: what else names in parentheses may follow: types, engines of tables, words.
        combinators: endings of aggregate functions' names, as in `sumIf`.
    """

    refused: Mapping[str, str]
    handed: frozenset[str] = frozenset()
    administrative: Mapping[str, str] = field(default_factory=dict)
    higher_order: frozenset[str] = frozenset()
    built_in: frozenset[str] = frozenset()
    others: frozenset[str] = WORDS
    combinators: tuple[str, ...] = ()

    def of_engine(self, name: str) -> bool:
        """Whether `name` means something to the engine itself, so that it cannot be a function that a user made."""
        if name in self.built_in or name in self.others:
            return True
        return any(
            name.endswith(ending) and len(name) > len(ending) and self.of_engine(name.removesuffix(ending))
            for ending in self.combinators
        )


def read_vocabulary(connection: Connection) -> Vocabulary:
    """The vocabulary of the engine behind `connection`."""

    def names(sql: str) -> list[str]:
        return connection.value(sql).split("\n")

    return vocabulary(
        functions=names("SELECT lower(name) FROM system.functions WHERE origin = 'System'"),
        table_functions=names("SELECT lower(name) FROM system.table_functions"),
        higher_order=names("SELECT lower(name) FROM system.functions WHERE higher_order"),
        others=names(
            "SELECT lower(name) FROM system.data_type_families UNION ALL SELECT lower(name) FROM system.table_engines"
        ),
        combinators=names("SELECT lower(name) FROM system.aggregate_function_combinators"),
    )


def vocabulary(
    *,
    functions: Iterable[str],
    table_functions: Iterable[str],
    higher_order: Iterable[str],
    others: Iterable[str] = (),
    combinators: Iterable[str] = (),
) -> Vocabulary:
    """The vocabulary of an engine that lists these names, in lower case."""
    functions, table_functions = frozenset(functions), frozenset(table_functions)
    refused = _refused(Table.TABLE_FUNCTIONS, table_functions)
    refused_functions = _refused(Table.FUNCTIONS, functions)
    administrative = {
        name: entry.because
        for name, entry in by_lower_case(Table.TABLE_FUNCTIONS).items()
        if entry.verdict is Verdict.ADMIN
    }
    return Vocabulary(
        {**refused, **refused_functions},
        frozenset(refused_functions) | HANDED,
        administrative,
        frozenset(higher_order),
        functions | table_functions,
        frozenset(others) | WORDS,
        tuple(combinators),
    )


def _refused(table: Table, listed: Iterable[str]) -> dict[str, str]:
    known = by_lower_case(table)
    refused = {name: entry.because for name, entry in known.items() if entry.verdict is Verdict.REFUSE}
    return {**refused, **{name: reasons()["unreviewed"] for name in listed if name not in known}}
