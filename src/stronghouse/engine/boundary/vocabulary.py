"""What the engine that runs knows, against the tables: which of its functions are refused, and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stronghouse.engine.boundary.classification import Table, Verdict, by_lower_case, reasons
from stronghouse.engine.connection import Connection


@dataclass(frozen=True)
class Vocabulary:
    """Names in lower case.

    Attributes:
        refused: functions and table functions that nobody may use, and why.
        handed: those of them that are functions, which can be handed to another by name alone.
        administrative: table functions for the owner, and why.
        higher_order: functions that take functions as arguments.
    """

    refused: Mapping[str, str]
    handed: frozenset[str] = frozenset()
    administrative: Mapping[str, str] = field(default_factory=dict)
    higher_order: frozenset[str] = frozenset()


def read_vocabulary(connection: Connection) -> Vocabulary:
    """The vocabulary of the engine behind `connection`."""

    def names(sql: str) -> list[str]:
        return connection.value(sql).split("\n")

    return vocabulary(
        functions=names("SELECT lower(name) FROM system.functions WHERE origin = 'System'"),
        table_functions=names("SELECT lower(name) FROM system.table_functions"),
        higher_order=names("SELECT lower(name) FROM system.functions WHERE higher_order"),
    )


def vocabulary(*, functions: Iterable[str], table_functions: Iterable[str], higher_order: Iterable[str]) -> Vocabulary:
    """The vocabulary of an engine that lists these names, in lower case."""
    refused = _refused(Table.TABLE_FUNCTIONS, table_functions)
    refused_functions = _refused(Table.FUNCTIONS, functions)
    administrative = {
        name: entry.because
        for name, entry in by_lower_case(Table.TABLE_FUNCTIONS).items()
        if entry.verdict is Verdict.ADMIN
    }
    return Vocabulary(
        {**refused, **refused_functions}, frozenset(refused_functions), administrative, frozenset(higher_order)
    )


def _refused(table: Table, listed: Iterable[str]) -> dict[str, str]:
    known = by_lower_case(table)
    refused = {name: entry.because for name, entry in known.items() if entry.verdict is Verdict.REFUSE}
    return {**refused, **{name: reasons()["unreviewed"] for name in listed if name not in known}}
