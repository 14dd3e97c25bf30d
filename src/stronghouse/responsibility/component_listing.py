"""The advisory feed and the installation's components as documents, for the API and for pages."""

from datetime import datetime

from sqlalchemy import Connection

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import rfc3339
from stronghouse.regions.actions import find_regions
from stronghouse.responsibility import store
from stronghouse.responsibility.evidence import read
from stronghouse.responsibility.facts import Resource, place_of
from stronghouse.responsibility.store import StoredEvidence
from stronghouse.vulnerabilities.model import FeedState, TrustedKey

INVENTORY_CHECK = "components_inventoried"
_SHOWN_KINDS = frozenset({"component", "engine"})


def feed_view(state: FeedState, *, now: datetime) -> dict[str, Json]:
    """The feed that was imported last."""
    feed = state.feed
    return {
        "feedTime": rfc3339(feed.feed_time),
        "importedAt": rfc3339(feed.imported_at),
        "source": feed.source,
        "sha256": feed.sha256,
        "signed": feed.signed_by is not None,
        "signedBy": feed.signed_by,
        "trusted": state.trusted,
        "current": state.usable(now),
        "entries": dict(feed.entries),
        "ignored": feed.ignored,
        "unreadable": feed.unreadable,
    }


def key_view(key: TrustedKey) -> dict[str, Json]:
    """A key whose feeds are believed."""
    return {"id": key.id, "name": key.name, "verifierKey": key.verifier_key, "addedAt": rfc3339(key.added_at)}


def component_views(connection: Connection) -> list[dict[str, Json]]:
    """What runs in each place as of the newest look at it, in the order of `position`.

    A place where nobody could look yet has none.
    """
    found: list[dict[str, Json]] = []
    for place in [place_of(None), *(place_of(region.id) for region in find_regions(connection))]:
        cited = store.results_of(connection, check_id=INVENTORY_CHECK, place=place)
        kept = store.find_evidence(connection, cited[0].evidence_id) if cited else None
        if kept is None:
            continue
        found += [
            _shown(one, place, kept)
            for one in read(kept).resources
            if one.kind in _SHOWN_KINDS and one.fields.get("runs_here") is not False
        ]
    return sorted(found, key=position)


def position(component: dict[str, Json]) -> str:
    """Where a component stands in the list."""
    return f"{component['place']} {component['id']}"


def _shown(one: Resource, place: str, kept: StoredEvidence) -> dict[str, Json]:
    return {
        "place": place,
        "id": one.id,
        "name": one.fields.get("name", one.id.rpartition("/")[2]),
        "ecosystem": one.fields.get("ecosystem"),
        "version": one.optional_text("version"),
        "recordSha256": one.fields.get("record_sha256"),
        "collectedAt": rfc3339(kept.collected_at),
        "evidenceId": kept.id,
        "advisoryCount": one.number("advisory_count"),
        "advisories": [dict(part.fields) for part in one.parts("advisories")],
    }
