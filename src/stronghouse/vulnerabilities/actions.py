"""What may be done with advisories: import a feed, trust a key that signs feeds, trust it no longer."""

from dataclasses import dataclass
from datetime import datetime

from stronghouse.audit.checkpoint import key_id, parse_verifier_key
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Conflict, Invalid, NotFound
from stronghouse.organizations.operator import require_operator
from stronghouse.vulnerabilities import store
from stronghouse.vulnerabilities.events import AdvisoriesImported, AdvisoryKeyRemoved, AdvisoryKeyTrusted
from stronghouse.vulnerabilities.manifest import open_manifest
from stronghouse.vulnerabilities.model import Feed, TrustedKey
from stronghouse.vulnerabilities.osv import ReadFeed

MAX_KEYS = 50
MAX_SOURCE = 200
MAX_VERIFIER_KEY = 400
UNSIGNED_SOURCE = "an unsigned file"


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What is known of a file before it is believed.

    Attributes:
        sha256: of the file, hex.
        manifest: the signed note that goes with it; None for a file that is to be taken unsigned.
        source: where it comes from, in the words of who imports it; the manifest's word stands before it.
    """

    sha256: str
    manifest: str | None
    source: str | None = None


def import_feed(
    uow: UnitOfWork, read: ReadFeed, provenance: Provenance, *, organization_id: str, now: datetime
) -> Feed:
    """Put a feed in the place of the former one.

    Raises:
        Denied: another organization operates the installation.
        Invalid: the manifest does not hold, or does not name this file; or an unsigned file tells no time.
        Conflict: the signed feed that is there is newer.
    """
    require_operator(uow.connection, organization_id)
    feed = _feed(uow, read, provenance, now)
    former = store.feed(uow.connection)
    if (
        former is not None
        and former.signed_by is not None
        and feed.signed_by is not None
        and feed.feed_time < former.feed_time
    ):
        raise Conflict("The signed feed that was imported before is newer than this one.", code="feed_older")
    store.replace_feed(uow.connection, feed, list(read.advisories.values()))
    uow.record(
        AdvisoriesImported(
            organization_id=organization_id,
            feed_time=feed.feed_time,
            source=feed.source,
            sha256=feed.sha256,
            signed_by=feed.signed_by,
            entries=dict(feed.entries),
            unreadable=feed.unreadable,
        )
    )
    return feed


def _feed(uow: UnitOfWork, read: ReadFeed, provenance: Provenance, now: datetime) -> Feed:
    signed_by = None
    source = provenance.source or UNSIGNED_SOURCE
    if provenance.manifest is not None:
        manifest = open_manifest(provenance.manifest, store.keys(uow.connection), now=now)
        if provenance.sha256 not in manifest.digests:
            raise Invalid("The manifest does not name this file: it is another one, or was altered.", code="feed_other")
        feed_time, source, signed_by = manifest.feed_time, manifest.source, manifest.signed_by
    elif read.newest is None:
        raise Invalid("No entry tells a time that is not in the future.", code="feed_without_time")
    else:
        feed_time = read.newest
    if not source.isprintable() or len(source) > MAX_SOURCE:
        raise Invalid("The source is a name of at most 200 characters.", code="source_malformed")
    return Feed(
        feed_time=feed_time,
        imported_at=now,
        source=source,
        sha256=provenance.sha256,
        signed_by=signed_by,
        entries=read.by_ecosystem(),
        ignored=read.ignored,
        unreadable=read.unreadable,
    )


def trust_key(uow: UnitOfWork, verifier_key: str, *, organization_id: str, now: datetime) -> TrustedKey:
    """Believe the feeds that a key signs; `verifier_key` in C2SP's form. Trusting one twice changes nothing.

    Raises:
        Denied: another organization operates the installation.
        Invalid: it is no Ed25519 verifier key.
        Conflict: there are fifty already, or another key has the same short id.
    """
    require_operator(uow.connection, organization_id)
    text = verifier_key.strip()
    if len(text) > MAX_VERIFIER_KEY or not text.isprintable():
        raise Invalid("This is not an Ed25519 verifier key.", code="verifier_key_malformed")
    name, public_key = parse_verifier_key(text)
    if not name or len(name) > MAX_SOURCE or " " in name:
        raise Invalid("The key's name is malformed.", code="verifier_key_malformed")
    key = TrustedKey(key_id(name, public_key).hex(), name, text, now)
    present = {known.id: known for known in store.keys(uow.connection)}
    known = present.get(key.id)
    if known is not None:
        if known.verifier_key != key.verifier_key:
            raise Conflict("Another trusted key has the same id; remove it first.", code="key_exists")
        return known
    if len(present) >= MAX_KEYS:
        raise Conflict(f"There are {MAX_KEYS} trusted keys already; remove one first.", code="keys_exhausted")
    store.insert_key(uow.connection, key)
    uow.record(AdvisoryKeyTrusted(organization_id=organization_id, key=key.id, name=key.name))
    return key


def remove_key(uow: UnitOfWork, key_id: str, *, organization_id: str) -> None:
    """Believe a key no longer; the feed that it signed stays, and counts for nothing.

    Raises:
        Denied: another organization operates the installation.
        NotFound: there is no such key.
    """
    require_operator(uow.connection, organization_id)
    found = [key for key in store.keys(uow.connection) if key.id == key_id]
    if not found:
        raise NotFound("There is no such trusted key.")
    store.delete_key(uow.connection, key_id)
    uow.record(AdvisoryKeyRemoved(organization_id=organization_id, key=key_id, name=found[0].name))
