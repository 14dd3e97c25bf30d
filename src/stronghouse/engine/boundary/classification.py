"""The reviewed tables: a verdict for each name, and a reason for each verdict other than `allow`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType


class Verdict(StrEnum):
    """Who may use something; see the package."""

    ALLOW = "allow"
    ADMIN = "admin"
    ACCESS = "access"
    FIXED = "fixed"
    REFUSE = "refuse"


class Table(StrEnum):
    """The tables, by their files' names."""

    FUNCTIONS = "functions"
    TABLE_FUNCTIONS = "table_functions"
    TABLE_ENGINES = "table_engines"
    DATABASE_ENGINES = "database_engines"
    SETTINGS = "settings"
    MERGE_TREE_SETTINGS = "merge_tree_settings"
    OTHER_SETTINGS = "other_settings"
    """Settings of refreshed views, and names that the engine takes as settings without listing them."""
    FORMATS = "formats"
    CODECS = "codecs"
    SYSTEM_TABLES = "system_tables"
    STATEMENTS = "statements"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line: `reason` is a word of reasons.tsv, or `-`."""

    name: str
    verdict: Verdict
    reason: str

    @property
    def because(self) -> str:
        """The reason as the rest of a sentence."""
        return reasons()[self.reason]


@cache
def classified(table: Table) -> Mapping[str, Entry]:
    """A table, by name."""
    entries = (Entry(name, Verdict(verdict), reason) for name, verdict, reason in _lines(table))
    return MappingProxyType({entry.name: entry for entry in entries})


@cache
def by_lower_case(table: Table) -> Mapping[str, Entry]:
    """A table by names in lower case. Where two names differ in case only, the stricter verdict stands."""
    found: dict[str, Entry] = {}
    for entry in classified(table).values():
        known = found.get(entry.name.lower())
        if known is None or known.verdict is Verdict.ALLOW:
            found[entry.name.lower()] = entry
    return MappingProxyType(found)


@cache
def reasons() -> Mapping[str, str]:
    """The reasons as sentences."""
    return MappingProxyType({line[0]: line[1] for line in _lines("reasons")})


def _lines(name: str) -> list[list[str]]:
    text = Path(__file__).with_name(f"{name}.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines()[1:]]
