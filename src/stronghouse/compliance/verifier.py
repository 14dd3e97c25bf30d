"""Checks an auditor's package offline. The same file lies in every package as `verify.py`.

It needs Python's standard library and one signature primitive (Ed25519 of the package `cryptography`), reads one file,
writes nothing and speaks to nobody. Every byte of a package is accounted for: the container is built again and
compared, each file has its hash in the manifest, the audit log committed to the manifest's hash, and the log's signed
head has to carry a signature by the key that the reader brings.

    python verify.py package.zip --key 'name+hash+base64'

Exit codes: 0 verified, 1 not verified (with the reason in one sentence), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import csv
import hashlib
import io
import json
import re
import struct
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORMAT = "stronghouse-package/1"
MANIFEST, PROOF = "manifest.json", "manifest.proof"
CHECKPOINT = "records/checkpoint.txt"
EVIDENCE_PROOFS = "records/evidence-proofs.ndjson"
STATE_CHANGES = "records/state-changes.ndjson"
RESULTS = "records/results.csv"
RESULT_COLUMNS = ("check", "check_version", "place", "resource", "state", "reason", "evidence", "collected_at")
MAX_CONTAINER_BYTES = 2**32 - 1  # beyond it a zip file needs extra fields
MAX_LINE = 64 * 1024 * 1024
CHUNK = 1024 * 1024
SIGNATURE_LINE = "\u2014 "
PROOF_HEADING = "stronghouse-package-proof@v1"
NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_-]*(\.[a-z0-9]+)?(/[A-Za-z0-9][A-Za-z0-9_-]*(\.[a-z0-9]+)?)?")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Refused(Exception):  # noqa: N818 - a verdict
    """The package does not hold; the text is one sentence that says where."""


@dataclass(frozen=True)
class Entry:
    """A file in the container: where its bytes begin, how many they are, and their checksums."""

    name: str
    offset: int
    size: int
    crc: int
    sha256: str


@dataclass(frozen=True)
class Verified:
    """What was proven.

    Attributes:
        organization: id of the organization whose package it is.
        key_given: whether the log's key came from the reader; if not, only that the package agrees with itself.
        tree_size: of the signed head that everything stands under.
    """

    package: str
    organization: str
    period_from: str
    period_to: str
    sampling: str
    files: int
    evidence: int
    state_changes: int
    results: int
    origin: str
    tree_size: int
    key_given: bool


# The container: a zip file in the one form that can be built again. Stored, no extra fields, one fixed time.

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
END_64, LOCATOR_64 = b"PK\x06\x06", b"PK\x06\x07"
VERSION, MADE_BY, VERSION_64 = 20, (3 << 8) | 20, 45
DATE = 0x0021  # 1 January 1980, the first day that a zip file can name
MODE = 0o100644 << 16
MAX_COUNT = 0xFFFF


def local_header(name: bytes, crc: int, size: int) -> bytes:
    """What stands before a file's bytes."""
    return struct.pack("<4s5H3L2H", LOCAL, VERSION, 0, 0, 0, DATE, crc, size, size, len(name), 0) + name


def central_header(name: bytes, crc: int, size: int, offset: int) -> bytes:
    """A file's line in the directory; `offset` is that of its local header."""
    fixed = (CENTRAL, MADE_BY, VERSION, 0, 0, 0, DATE, crc, size, size, len(name), 0, 0, 0, 0, MODE, offset)
    return struct.pack("<4s6H3L5H2L", *fixed) + name


def directory(entries: Sequence[Entry], offset: int) -> bytes:
    """Everything behind the last file: the directory, which begins at `offset`, and the end records."""
    lines = []
    for entry in entries:
        name = entry.name.encode()
        lines.append(central_header(name, entry.crc, entry.size, entry.offset - len(name) - 30))
    body, count = b"".join(lines), len(entries)
    long = b""
    if count >= MAX_COUNT:
        where = offset + len(body)
        long = struct.pack(
            "<4sQ2H2L4Q", END_64, 44, MADE_BY, VERSION_64, 0, 0, count, count, len(body), offset
        ) + struct.pack("<4sLQL", LOCATOR_64, 0, where, 1)
    shown = min(count, MAX_COUNT)
    return body + long + struct.pack("<4s4H2LH", END, 0, 0, shown, shown, len(body), offset, 0)


def read_container(file: BinaryIO) -> dict[str, Entry]:
    """Every file of a container in its order; raises Refused unless each byte is as the one form wants it."""
    entries: list[Entry] = []
    file.seek(0)
    position = 0
    while (start := file.read(4)) == LOCAL:
        entry = _read_entry(file, start, position)
        entries.append(entry)
        position = entry.offset + entry.size
        if position > MAX_CONTAINER_BYTES:
            raise Refused("The package is longer than 4 GiB.")
    expected = directory(entries, position)
    if start + file.read(len(expected)) != expected:
        raise Refused("The directory at the end of the zip file is not in its one form.")
    names = [entry.name for entry in entries]
    if names[-2:] != [MANIFEST, PROOF] or names[:-2] != sorted(set(names[:-2]) - {MANIFEST, PROOF}):
        raise Refused("The files in the zip file are not in their order, or one is there twice.")
    return {entry.name: entry for entry in entries}


def _read_entry(file: BinaryIO, start: bytes, position: int) -> Entry:
    fixed = start + file.read(26)
    if len(fixed) != 30:  # noqa: PLR2004 - the length of a local header
        raise Refused("The zip file was cut off.")
    crc, size = struct.unpack_from("<2L", fixed, 14)
    name = file.read(struct.unpack_from("<H", fixed, 26)[0])
    if not NAME.fullmatch(name) or fixed + name != local_header(name, crc, size):
        raise Refused(f"The zip header at byte {position} is not in its one form.")
    digest, checksum, left = hashlib.sha256(), 0, size
    while left:
        chunk = file.read(min(left, CHUNK))
        if not chunk:
            raise Refused(f"{name.decode()} was cut off.")
        digest.update(chunk)
        checksum = zlib.crc32(chunk, checksum)
        left -= len(chunk)
    if checksum != crc:
        raise Refused(f"{name.decode()} was changed: its checksum differs.")
    return Entry(name.decode(), position + len(fixed) + len(name), size, crc, digest.hexdigest())


class _Part(io.RawIOBase):
    """The bytes of one file in the container."""

    def __init__(self, file: BinaryIO, entry: Entry) -> None:
        super().__init__()
        self._file, self._position, self._end = file, entry.offset, entry.offset + entry.size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        self._file.seek(self._position)
        chunk = self._file.read(min(len(buffer), self._end - self._position))
        buffer[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)


def _open(file: BinaryIO, entry: Entry) -> io.BufferedReader:
    return io.BufferedReader(_Part(file, entry))


def _bytes(file: BinaryIO, entry: Entry) -> bytes:
    file.seek(entry.offset)
    return file.read(entry.size)


# The log: RFC 6962 proofs, C2SP signed heads.


@dataclass(frozen=True)
class Key:
    """The log's public key, under the name that signs."""

    name: str
    id: bytes
    public: bytes


@dataclass(frozen=True)
class Head:
    """A signed head: so many leaves under this root."""

    size: int
    root: bytes


def parse_key(text: str) -> Key:
    """A C2SP verifier key, `name+hash+base64(0x01 || Ed25519 public key)`."""
    name, _, rest = text.strip().partition("+")
    digest, _, encoded = rest.partition("+")
    raw = _decoded(encoded)
    expected = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if not name or len(raw) != 33 or raw[:1] != b"\x01" or expected.hex() != digest:  # noqa: PLR2004 - type and key
        raise Refused("The key is not an Ed25519 verifier key, as in name+hash+base64.")
    return Key(name, expected, raw[1:])


def parse_head(note: str, key: Key) -> Head:
    """The head that a signed checkpoint carries; raises Refused unless `key` signed it, and nothing else is in it."""
    text, separator, signature = note.partition("\n\n")
    lines, prefix = text.split("\n"), f"{SIGNATURE_LINE}{key.name} "
    if not separator or len(lines) != 3 or lines[0] != key.name or not signature.startswith(prefix):  # noqa: PLR2004
        raise Refused(f"The checkpoint is not one of the log {key.name!r}.")
    blob = _decoded(signature[len(prefix) :].removesuffix("\n"))
    root = _decoded(lines[2])
    size = int(lines[1]) if re.fullmatch(r"[1-9][0-9]{0,15}", lines[1]) else 0
    again = f"{text}\n\n{prefix}{base64.b64encode(blob).decode()}\n"
    if not size or len(root) != 32 or again != note or blob[:4] != key.id:  # noqa: PLR2004 - SHA-256
        raise Refused("The checkpoint is malformed, or signed by another key.")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(blob[4:], f"{text}\n".encode())
    except InvalidSignature:
        raise Refused("The checkpoint carries no valid signature of the log's key.") from None
    return Head(size, root)


def _leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def included(leaf: bytes, index: int, head: Head, path: Sequence[bytes]) -> bool:
    """Whether `path` shows that the bytes `leaf` stand at `index` under `head` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < head.size:
        return False
    node, last, current = index, head.size - 1, _leaf(leaf)
    for sibling in path:
        if last == 0:
            return False
        if node % 2 or node == last:
            current = _node(sibling, current)
            while not node % 2 and node:
                node, last = node >> 1, last >> 1
        else:
            current = _node(current, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and current == head.root


def grown(old: Head, new: Head, path: Sequence[bytes]) -> bool:
    """Whether `path` shows that the log of `old` is the beginning of that of `new` (RFC 9162 section 2.1.4.2)."""
    if not 0 < old.size < new.size or not path:
        return False
    full = list(path) if old.size & (old.size - 1) else [old.root, *path]
    node, last = old.size - 1, new.size - 1
    while node % 2:
        node, last = node >> 1, last >> 1
    first = second = full[0]
    for sibling in full[1:]:
        if last == 0:
            return False
        if node % 2 or node == last:
            first, second = _node(sibling, first), _node(sibling, second)
            while not node % 2 and node:
                node, last = node >> 1, last >> 1
        else:
            second = _node(second, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old.root and second == new.root


def proof_text(leaf: bytes, index: int, path: Sequence[bytes], consistency: Sequence[bytes], note: str) -> str:
    """The last file of a package: the event that commits to the manifest, its place in the log, the signed head.

    `consistency` shows that the head in `records/checkpoint.txt` is the beginning of this one.
    """
    event = [PROOF_HEADING, f"leaf {encoded(leaf)}", f"index {index}", *map(encoded, path)]
    older = ["consistency", *map(encoded, consistency)]
    return "\n".join(event) + "\n\n" + "\n".join(older) + "\n\n" + note


@dataclass(frozen=True)
class ManifestProof:
    """`manifest.proof`, read."""

    leaf: bytes
    index: int
    path: list[bytes]
    consistency: list[bytes]
    note: str


def parse_proof(text: str) -> ManifestProof:
    """Read `manifest.proof`; raises Refused for anything that `proof_text` would not write."""
    parts = text.split("\n\n", 2)
    lines = parts[0].split("\n")
    older = parts[1].split("\n") if len(parts) == 3 else []  # noqa: PLR2004 - event, consistency, head
    if len(lines) < 3 or not re.fullmatch(r"index (0|[1-9][0-9]{0,15})", lines[2]) or not older:  # noqa: PLR2004
        raise Refused(f"{PROOF} is malformed.")
    proof = ManifestProof(
        _decoded(lines[1].removeprefix("leaf ")),
        int(lines[2].removeprefix("index ")),
        [_decoded(line) for line in lines[3:]],
        [_decoded(line) for line in older[1:]],
        parts[2],
    )
    if proof_text(proof.leaf, proof.index, proof.path, proof.consistency, proof.note) != text:
        raise Refused(f"{PROOF} is malformed.")
    return proof


def encoded(raw: bytes) -> str:
    """Base64."""
    return base64.b64encode(raw).decode()


def _decoded(text: object) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        raise Refused("A hash, key or signature is not base64.") from None
    if not raw or encoded(raw) != text:
        raise Refused("A hash, key or signature is not base64.")
    return raw


# The package.


class _Package:
    """One verification."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.entries = read_container(file)
        self.manifest_bytes = _bytes(file, self.entries[MANIFEST])
        self.manifest = _object(self.manifest_bytes, MANIFEST)
        if self.manifest.get("format") != FORMAT:
            raise Refused(f"This is not a package of the form {FORMAT}.")
        self.organization = _text(_part(self.manifest, "organization"), "id")
        period = _part(self.manifest, "period")
        self.start, self.end = _text(period, "from"), _text(period, "to")
        if not (TIME.fullmatch(self.start) and TIME.fullmatch(self.end) and self.start < self.end):
            raise Refused("The manifest's period is malformed.")

    def check_manifest(self, key: Key) -> tuple[Head, Head]:
        """The log's heads: the one that evidence stands under, and the one that commits to the manifest."""
        proof = parse_proof(_utf8(_bytes(self.file, self.entries[PROOF]), PROOF))
        head = parse_head(proof.note, key)
        if not included(proof.leaf, proof.index, head, proof.path):
            raise Refused("The event that should commit to the manifest is not in the signed log.")
        event = _object(proof.leaf, "the event that commits to the manifest")
        data = _part(event, "data")
        if (
            event.get("code") != "package.create"
            or event.get("organization_id") != self.organization
            or data.get("package") != self.manifest.get("package")
            or data.get("manifest") != hashlib.sha256(self.manifest_bytes).hexdigest()
        ):
            raise Refused("The audit log committed to another manifest than this one.")
        self.check_files()
        older = parse_head(_utf8(_bytes(self.file, self.entries[CHECKPOINT]), CHECKPOINT), key)
        if not grown(older, head, proof.consistency):
            raise Refused(f"The log of {CHECKPOINT} is not the beginning of the log that commits to the manifest.")
        return older, head

    def check_files(self) -> None:
        """The files are just those that the manifest lists, each with its hash."""
        listed: dict[str, tuple[object, object]] = {}
        for line in _list(self.manifest, "files"):
            listed[_text(line, "name")] = (line.get("sha256"), line.get("size"))
        found = {name: entry for name, entry in self.entries.items() if name not in {MANIFEST, PROOF}}
        for name in sorted(listed.keys() - found.keys()):
            raise Refused(f"{name} is missing.")
        for name in sorted(found.keys() - listed.keys()):
            raise Refused(f"{name} is not in the manifest.")
        for name, entry in found.items():
            if listed[name] != (entry.sha256, entry.size):
                raise Refused(f"{name} is not the file that the manifest names: its hash differs.")
        for name in (CHECKPOINT, EVIDENCE_PROOFS, STATE_CHANGES, RESULTS):
            if name not in found:
                raise Refused(f"{name} is missing.")

    def check_evidence(self, head: Head) -> dict[str, tuple[str, str]]:
        """Place and time of every piece; each is what its name says, and an event in the log commits to it."""
        seen: dict[str, tuple[str, str]] = {}
        for line in self.proven(EVIDENCE_PROOFS, head):
            hash_ = _text(line.data, "evidence")
            entry = self.entries.get(f"evidence/{hash_}.json")
            if line.event.get("code") != "evidence.record" or entry is None or hash_ in seen:
                raise Refused(f"{EVIDENCE_PROOFS} proves something that is not evidence in this package.")
            if entry.sha256 != hash_:
                raise Refused(f"{entry.name} was changed: it does not have the hash that is its name.")
            document = _object(_bytes(self.file, entry), entry.name)
            place, at = _text(document, "place"), _text(document, "collected_at")
            if (document.get("collector"), place) != (line.data.get("collector"), line.data.get("place")):
                raise Refused(f"{entry.name} is not what its event in the log describes.")
            self.check_time(at, entry.name)
            seen[hash_] = (place, at)
        unproven = sorted(
            name for name in self.entries if name.startswith("evidence/") and name[9:].removesuffix(".json") not in seen
        )
        if unproven:
            raise Refused(f"{unproven[0]} has no proof in {EVIDENCE_PROOFS}.")
        return seen

    def check_state_changes(self, head: Head) -> int:
        """How many changes of state are in the package; each is an event of the log, in the period."""
        count, before = 0, -1
        for line in self.proven(STATE_CHANGES, head):
            if line.event.get("code") != "check.state_change" or line.index <= before:
                raise Refused(f"{STATE_CHANGES} holds another event, or one twice.")
            self.check_time(_text(line.event, "time"), STATE_CHANGES)
            count, before = count + 1, line.index
        return count

    def check_results(self, evidence: dict[str, tuple[str, str]]) -> int:
        """How many results there are; each cites evidence that is in the package, with its place and time."""
        with io.TextIOWrapper(_open(self.file, self.entries[RESULTS]), encoding="utf-8", newline="") as text:
            rows = csv.reader(text, strict=True)
            if tuple(next(rows, ())) != RESULT_COLUMNS:
                raise Refused(f"{RESULTS} has other columns than it should have.")
            count = 0
            for row in rows:
                if len(row) != len(RESULT_COLUMNS) or evidence.get(row[6]) != (row[2], row[7]):
                    raise Refused(f"Row {count + 2} of {RESULTS} cites evidence that is not in the package.")
                count += 1
        return count

    def check_time(self, at: str, where: str) -> None:
        """Raise Refused unless a time is in the period."""
        if not TIME.fullmatch(at) or not self.start <= at < self.end:
            raise Refused(f"{where} is from {at[:30]}, outside the period.")

    def proven(self, name: str, head: Head) -> Iterator[_Line]:
        """The lines of a file of events, each proven to be in the log and to be this organization's to see."""
        with _open(self.file, self.entries[name]) as lines:
            while raw := lines.readline(MAX_LINE):
                line = _object(raw, name)
                leaf, index = _text(line, "leaf").encode(), line.get("index")
                path = line.get("proof")
                if not isinstance(index, int) or isinstance(index, bool) or not isinstance(path, list):
                    raise Refused(f"{name} is malformed.")
                if not included(leaf, index, head, [_decoded(node) for node in path]):
                    raise Refused(f"An event in {name} is not in the signed log.")
                event = _object(leaf, name)
                if event.get("organization_id") not in {None, self.organization}:
                    raise Refused(f"{name} holds an event of another organization.")
                yield _Line(index, event, _part(event, "data"))


@dataclass(frozen=True)
class _Line:
    index: int
    event: dict[str, Any]
    data: dict[str, Any]


def verify(file: BinaryIO, key: str | None) -> Verified:
    """Check everything in a package against the log's key.

    Args:
        file: the package, opened for reading bytes; it must be seekable.
        key: the log's verifier key from a source that the reader trusts. None takes the one in the package, which
            proves only that the package agrees with itself.

    Raises:
        Refused: something does not hold.
    """
    try:
        package = _Package(file)
        trusted = parse_key(_text(package.manifest, "log_key") if key is None else key)
        older, head = package.check_manifest(trusted)
        evidence = package.check_evidence(older)
        changes = package.check_state_changes(older)
        results = package.check_results(evidence)
    except (ValueError, KeyError, TypeError, RecursionError, csv.Error, struct.error) as error:
        raise Refused(f"The package is malformed ({type(error).__name__}).") from error
    return Verified(
        package=_text(package.manifest, "package"),
        organization=package.organization,
        period_from=package.start,
        period_to=package.end,
        sampling=_text(_part(package.manifest, "sampling"), "kind"),
        files=len(package.entries),
        evidence=len(evidence),
        state_changes=changes,
        results=results,
        origin=trusted.name,
        tree_size=head.size,
        key_given=key is not None,
    )


def _utf8(raw: bytes, name: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Refused(f"{name} is not text.") from None


def _object(raw: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused(f"{name[:120]} is not JSON.") from None
    if not isinstance(value, dict):
        raise Refused(f"{name[:120]} is not a JSON object.")
    return value


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise Refused(f"The field {name!r} is missing or no text.")
    return value


def _part(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise Refused(f"The field {name!r} is missing or no object.")
    return value


def _list(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = document.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Refused(f"The field {name!r} is missing or no list.")
    return value


def summary(found: Verified) -> list[str]:
    """What was proven, for people."""
    lines = [
        f"Verified: package {found.package} of organization {found.organization}.",
        f"Period {found.period_from} to {found.period_to}, sampling {found.sampling}.",
        f"{found.files} files: {found.evidence} pieces of evidence, {found.results} results.",
        f"{found.state_changes} changes of state.",
        f"All of it stands under the log {found.origin} of {found.tree_size} entries.",
    ]
    if not found.key_given:
        lines.append(
            "The key came out of the package itself: this proves only that the package agrees with itself, not whose "
            "log it is."
        )
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(description="Check an auditor's package of Stronghouse, offline.")
    parser.add_argument("package", type=Path, help="the zip file")
    parser.add_argument("--key", help="the log's verifier key, name+hash+base64, from a source that you trust")
    parser.add_argument("--trust-package-key", action="store_true", help="use the package's own key: proves less")
    options = parser.parse_args(arguments)
    if (options.key is None) != options.trust_package_key:
        parser.error(
            "give the log's verifier key with --key; or --trust-package-key, which proves only that the package agrees "
            "with itself"
        )
    try:
        with options.package.open("rb") as file:
            found = verify(file, options.key)
    except Refused as refused:
        sys.stderr.write(f"Not verified: {refused}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"Not verified: {options.package} cannot be read ({error.strerror}).\n")
        return 1
    sys.stdout.write("\n".join(summary(found)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
