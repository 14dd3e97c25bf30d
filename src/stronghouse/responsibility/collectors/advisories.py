"""Compares an inventory with the advisories: done by the control plane, which has the feed, for every place.

An agent knows no advisories, and what it says of them is not read: each resource is made anew out of the fields that an
inventory has. So one look of the collector `components` carries both, and its age is the inventory's.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Invalid
from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.vulnerabilities import store
from stronghouse.vulnerabilities.clickhouse import PACKAGE, engine_list
from stronghouse.vulnerabilities.matching import matches, normal_name
from stronghouse.vulnerabilities.model import Advisory, Ecosystem, FeedState, Match

METHOD = "Versions compared with the imported advisories (OSV ranges, PEP 440) and the list of the engine's own."
MAX_MATCHES = 20
"""Listed for one component; `advisory_count` counts all."""


def compare(facts: Facts, connection: Connection, *, control_plane: bool) -> Facts:
    """The inventory in `facts` with what the advisories say of each component.

    Args:
        facts: of the collector `components`.
        connection: a snapshot to read the feed from.
        control_plane: whether the inventory is the control plane's own; the feed itself is described only there.

    Raises:
        Invalid: the facts are no inventory.
    """
    state = store.feed_state(connection)
    components = [one for one in facts.resources if one.kind == "component"]
    known = _known(connection, components) if state is not None else {}
    resources: list[dict[str, Json]] = []
    for one in facts.resources:
        if one.kind == "component":
            resources.append(_component(one, state, known.get((one.text("ecosystem"), one.text("package")), [])))
        elif one.kind == "engine":
            resources.append(_engine(one, connection))
        elif one.kind == "inventory":
            resources.append(_inventory(one))
        else:
            raise Invalid("An inventory holds something that is no component.", code="facts_malformed")
    if control_plane:
        resources.append(_feed(state, len(components)))
    return Facts(
        collector=facts.collector,
        version=facts.version,
        method=f"{facts.method} {METHOD}",
        target=facts.target,
        collected_at=facts.collected_at,
        resources=tuple(Resource(fields) for fields in resources),
    )


def _known(connection: Connection, components: Sequence[Resource]) -> dict[tuple[str, str], list[Advisory]]:
    packages: dict[str, set[str]] = {}
    for one in components:
        ecosystem, package = one.text("ecosystem"), one.text("package")
        if package != normal_name(ecosystem, package):
            raise Invalid("An inventory names a package in another spelling.", code="facts_malformed")
        packages.setdefault(ecosystem, set()).add(package)
    return {
        (ecosystem, package): found
        for ecosystem, names in packages.items()
        for package, found in store.about(connection, ecosystem, names).items()
    }


def _component(one: Resource, state: FeedState | None, known: Sequence[Advisory]) -> dict[str, Json]:
    ecosystem, version = one.text("ecosystem"), one.optional_text("version")
    usual = ecosystem == Ecosystem.PYPI
    # A feed has all of PyPI or none of it; of the others it may have the one program and not the other.
    entries = 0 if state is None else state.feed.entries.get(ecosystem, 0) if usual else len(known)
    found = [] if version is None else matches(known, version)
    return {
        "id": one.id,
        "kind": one.kind,
        "name": one.text("name"),
        "ecosystem": ecosystem,
        "package": one.text("package"),
        "version": version,
        "record_sha256": one.optional_text("record_sha256"),
        "usual_feed": usual,
        "feed_entries": entries,
        "feed_time": None if state is None else rfc3339(state.feed.feed_time),
        "feed_trusted": state is not None and state.trusted,
        "advisory_count": len(found),
        "advisories": _shown(found),
    }


def _engine(one: Resource, connection: Connection) -> dict[str, Json]:
    version = one.optional_text("version")
    listed = engine_list()
    imported = store.about(connection, Ecosystem.CLICKHOUSE, [PACKAGE]).get(PACKAGE, [])
    # An imported entry cannot take the place of a listed one: it might say less.
    own = {advisory.id: advisory for advisory in (*imported, *listed.advisories)}
    found = [] if version is None else matches(own.values(), version)
    return {
        "id": one.id,
        "kind": one.kind,
        "runs_here": one.flag("runs_here"),
        "version": version,
        "list_date": listed.known_on.isoformat(),
        "compared_with": len(own),
        "advisory_count": len(found),
        "advisories": _shown(found),
    }


def _inventory(one: Resource) -> dict[str, Json]:
    unreadable: list[Json] = [*one.texts("unreadable")]
    return {
        "id": one.id,
        "kind": one.kind,
        "runs_here": one.flag("runs_here"),
        "count": one.number("count"),
        "unreadable": unreadable,
    }


def _feed(state: FeedState | None, components: int) -> dict[str, Json]:
    feed = None if state is None else state.feed
    entries: dict[str, Json] = {} if feed is None else dict(feed.entries)
    return {
        "id": "feed",
        "kind": "feed",
        "components": components,
        "imported": feed is not None,
        "feed_time": None if feed is None else rfc3339(feed.feed_time),
        "source": None if feed is None else feed.source,
        "signed_by": None if feed is None else feed.signed_by,
        "trusted": state is not None and state.trusted,
        "entries": entries,
        "unreadable": 0 if feed is None else feed.unreadable,
    }


def _shown(found: Sequence[Match]) -> list[Json]:
    return [
        {
            "id": one.advisory.id,
            "aliases": list(one.advisory.aliases),
            "severity": one.advisory.severity,
            "summary": one.advisory.summary,
            "verdict": one.verdict.value,
            "fixed": list(one.fixed[:5]),
        }
        for one in sorted(found, key=lambda match: match.verdict)[:MAX_MATCHES]
    ]
