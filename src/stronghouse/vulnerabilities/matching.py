"""Whether a version is affected: OSV's algorithm over PEP 440 versions, and the engine's over release lines.

The evaluation follows the OSV schema (ranges, events, limits); names of PyPI are normalised as PEP 503 says.
"""

from collections.abc import Iterable, Sequence

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from stronghouse.vulnerabilities.clickhouse import match_engine
from stronghouse.vulnerabilities.model import Advisory, Boundary, Ecosystem, Event, Match, Verdict

_BEFORE_ALL = "0"
_UNLIMITED = "*"
# At one version a fix comes before a new beginning (so that it counts as affected), and a last one after it.
_ORDER = {Boundary.FIXED: 0, Boundary.INTRODUCED: 1, Boundary.LAST_AFFECTED: 2}


def normal_name(ecosystem: str, package: str) -> str:
    """The one spelling of a package's name."""
    return canonicalize_name(package) if ecosystem == Ecosystem.PYPI else package.lower()


def matches(advisories: Iterable[Advisory], version: str) -> list[Match]:
    """The advisories that affect this version of their package, or may, in the order of their ids."""
    found = []
    for advisory in sorted(advisories, key=lambda one: one.id):
        if advisory.withdrawn_at is not None:
            continue
        if advisory.ecosystem is Ecosystem.CLICKHOUSE:
            matched = match_engine(advisory, version)
        else:
            matched = _match(advisory, version)
        if matched.verdict is not Verdict.NOT_AFFECTED:
            found.append(matched)
    return found


def _match(advisory: Advisory, version: str) -> Match:
    if version in advisory.versions:
        return Match(advisory, Verdict.AFFECTED, _fixes(advisory, version))
    try:
        own = Version(version)
    except InvalidVersion:
        return Match(advisory, Verdict.UNKNOWN, ())
    if _listed(advisory.versions, own):
        return Match(advisory, Verdict.AFFECTED, _fixes(advisory, version))
    verdicts = {_in_range(events, own) for events in advisory.ranges}
    if not advisory.ranges and not advisory.versions:
        verdicts = {Verdict.UNKNOWN}  # it names the package and says nothing that can be compared
    for verdict in (Verdict.AFFECTED, Verdict.UNKNOWN):
        if verdict in verdicts:
            return Match(advisory, verdict, _fixes(advisory, version))
    return Match(advisory, Verdict.NOT_AFFECTED, ())


def _listed(versions: Sequence[str], own: Version) -> bool:
    """Whether a list names this version, in whatever spelling; a local build counts as the version it was built of."""
    public = Version(own.public)
    return any(named is not None and named in {own, public} for named in map(_parsed, versions))


def _in_range(events: Sequence[Event], own: Version) -> Verdict:
    try:
        limits = [event.version for event in events if event.edge is Boundary.LIMIT]
        if limits and not any(limit == _UNLIMITED or own < Version(limit) for limit in limits):
            return Verdict.NOT_AFFECTED
        ordered = sorted(
            (
                (_position(event), _ORDER[event.edge], event.edge)
                for event in events
                if event.edge is not Boundary.LIMIT
            ),
            key=lambda one: (one[0] is not None, one[0] or own, one[1]),
        )
    except InvalidVersion:
        return Verdict.UNKNOWN
    affected = False
    for position, _, edge in ordered:
        if edge is Boundary.INTRODUCED:
            affected = affected or position is None or own >= position
        elif edge is Boundary.FIXED:
            affected = affected and position is not None and own < position
        else:  # a local build of the last affected version is affected too, although it sorts behind it
            affected = affected and position is not None and Version(own.public) <= position
    return Verdict.AFFECTED if affected else Verdict.NOT_AFFECTED


def _position(event: Event) -> Version | None:
    """Where an event stands; None before every version. Raises InvalidVersion."""
    return None if event.version == _BEFORE_ALL else Version(event.version)


def _fixes(advisory: Advisory, version: str) -> tuple[str, ...]:
    """The fixed versions above `version`, the nearest first."""
    own = _parsed(version)
    fixed = {event.version for events in advisory.ranges for event in events if event.edge is Boundary.FIXED}
    parsed = {named: place for named in fixed if (place := _parsed(named)) is not None}
    above = [named for named, place in parsed.items() if own is None or place > own]
    return tuple(sorted(above, key=lambda named: parsed[named]))


def _parsed(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:
        return None
