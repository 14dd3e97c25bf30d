"""The signed word about a feed: whose it is, of when, and which files it consists of.

A manifest is a C2SP signed note. Its text is one JSON object: `feed_time` (RFC 3339), `source` (a name for people) and
`files` (names and SHA-256 in hex).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from stronghouse.audit.checkpoint import parse_verifier_key, verify_note
from stronghouse.kernel.canonical import Json, parse_json
from stronghouse.kernel.clock import parse_rfc3339
from stronghouse.kernel.errors import Invalid
from stronghouse.vulnerabilities.model import TrustedKey

MAX_MANIFEST_BYTES = 16 * 1024
ALLOWED_SKEW = timedelta(seconds=60)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAX_SOURCE = 200


@dataclass(frozen=True)
class Manifest:
    """A manifest whose signature holds. `signed_by` is the id of the key."""

    feed_time: datetime
    source: str
    digests: frozenset[str]
    signed_by: str


def open_manifest(note: str, keys: Iterable[TrustedKey], *, now: datetime) -> Manifest:
    """The manifest in a note that a trusted key signed.

    Raises:
        Invalid: no trusted key signed it, it is malformed, or it claims to be of the future.
    """
    if len(note) > MAX_MANIFEST_BYTES:
        raise Invalid("The manifest is longer than 16 kB.", code="manifest_malformed")
    for key in keys:
        name, public_key = parse_verifier_key(key.verifier_key)
        try:
            text = verify_note(note, name=name, public_key=public_key)
        except Invalid:
            continue
        return _parsed(text, key.id, now)
    raise Invalid(
        "No trusted key signed this manifest; trust one with `stronghouse advisories trust KEY`.",
        code="manifest_untrusted",
    )


def _parsed(text: str, signed_by: str, now: datetime) -> Manifest:
    try:
        document = cast("dict[str, Json]", parse_json(text))
        source = document["source"]
        digests = frozenset(str(digest) for digest in cast("dict[str, Json]", document["files"]).values())
        moment = parse_rfc3339(cast("str", document["feed_time"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Invalid("The manifest needs feed_time, source and files.", code="manifest_malformed") from None
    if not digests or not all(_DIGEST.fullmatch(digest) for digest in digests):
        raise Invalid("The manifest names no file by its SHA-256.", code="manifest_malformed")
    if not isinstance(source, str) or not source.isprintable() or not 0 < len(source) <= _MAX_SOURCE:
        raise Invalid("The manifest's source is no name.", code="manifest_malformed")
    if moment > now + ALLOWED_SKEW:
        raise Invalid("The manifest is of the future; check this machine's clock.", code="manifest_of_the_future")
    return Manifest(min(moment, now), source, digests, signed_by)
