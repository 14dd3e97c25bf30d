"""Feeds that tests make up: OSV entries, zips of them, signed manifests."""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from stronghouse.audit.checkpoint import Ed25519Signer, key_id, verifier_key

SIGNER = Ed25519Signer("feeds.example", bytes(range(1, 33)))
VERIFIER_KEY = verifier_key(SIGNER.origin, SIGNER.public_key)
KEY_ID = key_id(SIGNER.origin, SIGNER.public_key).hex()
MODIFIED = "2026-11-22T08:00:00Z"


def entry(
    advisory: str = "GHSA-1", *, package: str = "widget", events: Sequence[Mapping[str, str]] = (), **changed: Any
) -> dict[str, Any]:
    """An OSV entry; by default every version below 2 is affected."""
    ecosystem = changed.pop("ecosystem", "PyPI")
    versions = changed.pop("versions", [])
    ranges = [{"type": "ECOSYSTEM", "events": list(events or [{"introduced": "0"}, {"fixed": "2"}])}]
    affected = {"package": {"ecosystem": ecosystem, "name": package}, "ranges": ranges, "versions": versions}
    return {"id": advisory, "modified": MODIFIED, "summary": "made up", "affected": [affected], **changed}


def lines(*entries: Mapping[str, Any]) -> bytes:
    """One entry a line."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in entries)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def signed(text: str, signer: Ed25519Signer = SIGNER) -> str:
    """A C2SP signed note."""
    blob = key_id(signer.origin, signer.public_key) + signer.sign(text.encode())
    return f"{text}\n\u2014 {signer.origin} {base64.b64encode(blob).decode()}\n"


def manifest(content: bytes, *, feed_time: str = "2026-11-23T00:00:00Z", signer: Ed25519Signer = SIGNER) -> str:
    """A manifest of one file."""
    files = {"all.zip": hashlib.sha256(content).hexdigest()}
    return signed(json.dumps({"feed_time": feed_time, "source": "Example feeds", "files": files}) + "\n", signer)
