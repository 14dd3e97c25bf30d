"""Importing and trusting: only the operator's organization, only what is signed or said not to be."""

import hashlib
import io
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stronghouse.audit import store as audit
from stronghouse.audit.checkpoint import Ed25519Signer, verifier_key
from stronghouse.kernel.clock import parse_rfc3339
from stronghouse.kernel.errors import Conflict, Denied, Invalid, NotFound, StronghouseError
from stronghouse.vulnerabilities import actions, store
from stronghouse.vulnerabilities.actions import Provenance
from stronghouse.vulnerabilities.model import Advisory, Feed
from stronghouse.vulnerabilities.osv import read_feed
from tests.support.advisories import KEY_ID, VERIFIER_KEY, entry, lines, manifest, signed
from tests.support.control_plane import CONTEXT, NOW, Plane, control_plane

STRANGER = Ed25519Signer("feeds.example", bytes(range(2, 34)))
FEED = lines(entry("A-1"), entry("A-2", package="gadget"))


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with control_plane(tmp_path) as plane:
        yield plane


@pytest.fixture
def operator(plane: Plane) -> str:
    return plane.organization()


def bring_in(plane: Plane, organization_id: str, content: bytes = FEED, note: str | None = None) -> Feed:
    provenance = Provenance(sha256=hashlib.sha256(content).hexdigest(), manifest=note)
    read = read_feed(io.BytesIO(content), now=plane.clock.now())
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        return actions.import_feed(uow, read, provenance, organization_id=organization_id, now=plane.clock.now())


def trust(plane: Plane, organization_id: str, key: str = VERIFIER_KEY) -> None:
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        actions.trust_key(uow, key, organization_id=organization_id, now=plane.clock.now())


def kept(plane: Plane) -> set[str]:
    with plane.control.database.read() as connection:
        found = store.about(connection, "PyPI", ["widget", "gadget", "new"])
    return {one.id for several in found.values() for one in several}


def test_unsigned_feed_has_the_time_of_its_newest_entry_and_says_that_it_is_unsigned(
    plane: Plane, operator: str
) -> None:
    feed = bring_in(plane, operator, lines(entry("A-1"), entry("A-2", modified="2026-11-01T00:00:00Z")))
    assert (feed.signed_by, feed.feed_time) == (None, parse_rfc3339("2026-11-22T08:00:00Z"))
    with plane.control.database.read() as connection:
        (recorded,) = [one for one in audit.entries(connection) if one.code == "advisories.import"]
    assert "unsigned" in recorded.body


def test_signed_feed_has_the_time_of_its_manifest(plane: Plane, operator: str) -> None:
    trust(plane, operator)
    feed = bring_in(plane, operator, note=manifest(FEED))
    assert (feed.signed_by, feed.source) == (KEY_ID, "Example feeds")
    assert feed.feed_time == parse_rfc3339("2026-11-23T00:00:00Z")


def test_new_feed_takes_the_place_of_the_whole_former_one(plane: Plane, operator: str) -> None:
    bring_in(plane, operator)
    bring_in(plane, operator, lines(entry("A-3", package="new")))
    assert kept(plane) == {"A-3"}


@pytest.mark.parametrize(
    "note",
    [
        "",
        "nonsense",
        manifest(FEED, signer=STRANGER),
        manifest(FEED).replace("Example", "Evil"),
        manifest(b"another file"),
        manifest(FEED, feed_time="2027-01-01T00:00:00Z"),
        signed("{}\n"),
        signed("[]\n"),
        signed('{"feed_time": "2026-11-23T00:00:00Z", "source": "x", "files": {"a": "b"}}\n'),
        signed('{"feed_time": 5, "source": "x", "files": {}}\n'),
        "x" * 20_000,
    ],
)
def test_manifest_that_does_not_hold_leaves_the_former_feed(plane: Plane, operator: str, note: str) -> None:
    trust(plane, operator)
    bring_in(plane, operator, lines(entry("A-3", package="new")))
    with pytest.raises(Invalid):
        bring_in(plane, operator, note=note)
    assert kept(plane) == {"A-3"}


def test_import_that_dies_in_the_middle_leaves_the_former_feed(
    plane: Plane, operator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_in(plane, operator, lines(entry("A-3", package="new")))
    written = store._row

    def dies(one: Advisory) -> dict[str, object]:
        if one.id == "A-2":
            raise KeyboardInterrupt
        return written(one)

    monkeypatch.setattr(store, "_row", dies)
    monkeypatch.setattr(store, "_WRITTEN_AT_ONCE", 1)
    with pytest.raises(KeyboardInterrupt):
        bring_in(plane, operator)
    assert kept(plane) == {"A-3"}


@pytest.mark.slow  # it keeps as many entries as the whole ecosystem has
def test_whole_ecosystem_is_imported_within_twenty_seconds(plane: Plane, operator: str) -> None:
    versions = [f"1.{number}" for number in range(60)]
    content = lines(*(entry(f"A-{n}", package=f"p{n % 9000}", versions=versions) for n in range(25_000)))
    began = time.perf_counter()
    feed = bring_in(plane, operator, content)
    assert time.perf_counter() - began < 20
    assert feed.entries == {"PyPI": 25_000}


def test_older_signed_feed_cannot_hide_a_newer_one(plane: Plane, operator: str) -> None:
    trust(plane, operator)
    bring_in(plane, operator, note=manifest(FEED))
    with pytest.raises(Conflict, match="newer"):
        bring_in(plane, operator, note=manifest(FEED, feed_time="2026-11-22T00:00:00Z"))
    bring_in(plane, operator, note=manifest(FEED))


def test_feed_whose_key_is_trusted_no_longer_counts_for_nothing(plane: Plane, operator: str) -> None:
    trust(plane, operator)
    trust(plane, operator)
    bring_in(plane, operator, note=manifest(FEED))
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        actions.remove_key(uow, KEY_ID, organization_id=operator)
        with pytest.raises(NotFound):
            actions.remove_key(uow, KEY_ID, organization_id=operator)
    with plane.control.database.read() as connection:
        state = store.feed_state(connection)
    assert state is not None
    assert not state.usable(NOW)


def test_feed_is_usable_for_fourteen_days(plane: Plane, operator: str) -> None:
    bring_in(plane, operator)
    with plane.control.database.read() as connection:
        state = store.feed_state(connection)
    assert state is not None
    assert state.usable(state.feed.feed_time + timedelta(days=14))
    assert not state.usable(state.feed.feed_time + timedelta(days=14, seconds=1))


def test_only_the_operator_changes_what_concerns_everyone(plane: Plane, operator: str) -> None:
    plane.clock.advance(timedelta(seconds=1))
    other = plane.organization("Other")
    trust(plane, operator)
    with pytest.raises(Denied):
        bring_in(plane, other)
    with pytest.raises(Denied):
        trust(plane, other)
    with pytest.raises(Denied), plane.control.audit.unit_of_work(CONTEXT) as uow:
        actions.remove_key(uow, KEY_ID, organization_id=other)
    assert kept(plane) == set()


@pytest.mark.parametrize(
    "key", ["", "x", "name+0+0", verifier_key("", bytes(32)), verifier_key("a b", bytes(32)), "x" * 500, "a\nb+c+d"]
)
def test_malformed_key_is_refused(plane: Plane, operator: str, key: str) -> None:
    with pytest.raises(StronghouseError):
        trust(plane, operator, key)
