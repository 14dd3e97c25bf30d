"""The engine's own advisories: a list that comes with this version, and how a version is compared with one.

ClickHouse mends each release line (the first two numbers of a version) by itself, so one range over all versions would
call a mended 24.12.6 affected because 25.1.5 was mended too. So: a line with a fix is compared with that fix; a line
newer than the newest mended one has the fix from its start; any other line is affected and has no patch of its own.
"""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

from stronghouse.vulnerabilities.model import Advisory, Boundary, Ecosystem, Event, Match, Verdict

FILE = "clickhouse_advisories.toml"
PACKAGE = "clickhouse"
_BEFORE_ALL = "0"
_LINE, _PARTS = 2, 4
_DIGITS = 9
_Version = tuple[int, ...]


@dataclass(frozen=True)
class EngineList:
    """The list: what was known of the engine on a day."""

    known_on: date
    advisories: tuple[Advisory, ...]


@cache
def engine_list() -> EngineList:
    """The list that comes with this version of Stronghouse."""
    text = resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    document = tomllib.loads(text)
    advisories = tuple(
        Advisory(
            id=entry["id"],
            ecosystem=Ecosystem.CLICKHOUSE,
            package=PACKAGE,
            ranges=(_events(entry),),
            aliases=tuple(entry.get("aliases", ())),
            summary=entry["area"],
        )
        for entry in document["advisory"]
    )
    return EngineList(document["known_on"], advisories)


def _events(entry: dict[str, list[str]]) -> tuple[Event, ...]:
    introduced = Event(Boundary.INTRODUCED, str(entry.get("introduced", _BEFORE_ALL)))
    return (introduced, *(Event(Boundary.FIXED, version) for version in entry["fixed"]))


def match_engine(advisory: Advisory, version: str) -> Match:
    """Compare a version of the engine with an advisory, line by line."""
    own = parse_version(version)
    if own is None:
        return Match(advisory, Verdict.UNKNOWN, ())
    if any(parse_version(named) == own for named in advisory.versions):
        return Match(advisory, Verdict.AFFECTED, _readable(_named(advisory, Boundary.FIXED), above=own))
    try:
        affected = _affected(advisory, own)
    except ValueError:
        return Match(advisory, Verdict.UNKNOWN, ())
    if not affected:
        return Match(advisory, Verdict.NOT_AFFECTED, ())
    return Match(advisory, Verdict.AFFECTED, _readable(_named(advisory, Boundary.FIXED), above=own))


def _affected(advisory: Advisory, own: _Version) -> bool:
    """Raises ValueError where the advisory cannot be compared."""
    introduced = [_required(version) for version in _named(advisory, Boundary.INTRODUCED) if version != _BEFORE_ALL]
    if introduced and _BEFORE_ALL not in _named(advisory, Boundary.INTRODUCED) and own < min(introduced):
        return False
    fixed = [_required(version) for version in _named(advisory, Boundary.FIXED)]
    last = [_required(version) for version in _named(advisory, Boundary.LAST_AFFECTED)]
    if not fixed:
        if last:
            return own <= max(last)
        if not advisory.versions and not advisory.ranges:
            raise ValueError("it says nothing that can be compared")
        return bool(advisory.ranges)  # introduced and never fixed; a list of versions alone was looked through before
    on_line = [version for version in fixed if version[:_LINE] == own[:_LINE]]
    if on_line:
        return own < max(on_line)  # two fixes on one line: the later one counts
    return own[:_LINE] <= max(version[:_LINE] for version in fixed)


def _named(advisory: Advisory, edge: Boundary) -> list[str]:
    return [event.version for events in advisory.ranges for event in events if event.edge is edge]


def _readable(versions: list[str], *, above: _Version) -> tuple[str, ...]:
    parsed = {version: place for version in versions if (place := parse_version(version)) is not None}
    return tuple(sorted((version for version, place in parsed.items() if place > above), key=parsed.__getitem__))


def _required(version: str) -> _Version:
    parsed = parse_version(version)
    if parsed is None:
        raise ValueError("a boundary is no version of the engine")
    return parsed


def parse_version(text: str) -> _Version | None:
    """The numbers of a version of the engine, as in `24.8.14.27`, with or without a word behind; None for others."""
    numbers = text.removeprefix("v").partition("-")[0].split(".")
    if not _LINE <= len(numbers) <= _PARTS or not all(
        number.isdecimal() and len(number) <= _DIGITS for number in numbers
    ):
        return None
    return tuple(int(number) for number in numbers)
