"""Reading a feed: a zip of OSV entries, one entry, or one entry a line. What comes in is hostile, so all is bounded.

Nothing is written to disk, no name in the archive is used as a path. An entry that cannot be read is counted and named;
a file that tries to be more than a feed is refused whole.
"""

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from stronghouse.kernel.clock import parse_rfc3339
from stronghouse.kernel.errors import Invalid
from stronghouse.vulnerabilities.matching import normal_name
from stronghouse.vulnerabilities.model import Advisory, Boundary, Ecosystem, Event

MAX_ENTRIES = 400_000
MAX_ENTRY_BYTES = 4 * 1024 * 1024
MAX_TOTAL_BYTES = 2 * 1024**3
"""Of all entries together, unpacked."""
MAX_KEPT_BYTES = 256 * 1024 * 1024
"""Of what is kept of them."""
MAX_RANGES, MAX_EVENTS, MAX_VERSIONS, MAX_ALIASES = 1_000, 1_000, 20_000, 100
MAX_NAME, MAX_SUMMARY = 200, 300
UNREADABLE_ALLOWED = 10
UNREADABLE_PART = 10
"""More than ten unreadable entries, and more than a tenth of all: then it is no feed."""
NAMED_UNREADABLE = 5
_ZIP = b"PK\x03\x04"
_DIRECTORY_ENTRY = b"PK\x01\x02"
_BLOCK = 1024 * 1024
_NAME = re.compile(r"[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?")
_RANGE_TYPES = frozenset({"ECOSYSTEM", "SEMVER"})
_PACKINGS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED = 0x1


@dataclass
class ReadFeed:
    """What a file holds. `newest` is the latest time at which an entry was changed that is not in the future."""

    advisories: dict[tuple[str, str, str], Advisory] = field(default_factory=dict)
    read: int = 0
    ignored: int = 0
    unreadable: int = 0
    unreadable_names: list[str] = field(default_factory=list)
    newest: datetime | None = None
    kept_bytes: int = 0

    def by_ecosystem(self) -> dict[str, int]:
        """How many advisories it holds for each ecosystem."""
        counted: dict[str, int] = {}
        for ecosystem, _, _ in self.advisories:
            counted[ecosystem] = counted.get(ecosystem, 0) + 1
        return counted


def read_feed(file: IO[bytes], *, now: datetime, progress: Callable[[int], None] | None = None) -> ReadFeed:
    """Read a feed from a seekable file.

    Args:
        file: a zip, one JSON object, or one JSON object a line.
        now: entries that claim to be newer say nothing about the feed's time.
        progress: is told how many entries were read, now and then.

    Raises:
        Invalid: it is no feed, holds nothing that could be compared here, or is beyond a limit.
    """
    found = ReadFeed()
    for count, (name, content) in enumerate(_contents(file), start=1):
        if count > MAX_ENTRIES:
            raise Invalid(f"The file holds more than {MAX_ENTRIES:,} entries.", code="feed_too_large")
        _add(found, name, content, now)
        if progress is not None and not count % 1000:
            progress(count)
    if found.unreadable > max(UNREADABLE_ALLOWED, (found.read + found.unreadable) // UNREADABLE_PART):
        raise Invalid(
            f"{found.unreadable:,} of its entries could not be read (the first is {found.unreadable_names[0]}): this "
            "is no OSV feed.",
            code="feed_unreadable",
        )
    if not found.advisories:
        names = ", ".join(Ecosystem)
        raise Invalid(f"The file holds no advisory about a package of {names}.", code="feed_empty")
    return found


def _add(found: ReadFeed, name: str, content: bytes | None, now: datetime) -> None:
    try:
        advisories, modified = _entry(json.loads(content or b""))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        found.unreadable += 1
        if len(found.unreadable_names) < NAMED_UNREADABLE:
            found.unreadable_names.append(_shown(name))
        return
    found.read += 1
    found.ignored += not advisories
    if modified <= now and (found.newest is None or modified > found.newest):
        found.newest = modified
    for advisory in advisories:
        found.advisories[advisory.ecosystem.value, advisory.package, advisory.id] = advisory
    if advisories:
        found.kept_bytes += len(content or b"")
    if found.kept_bytes > MAX_KEPT_BYTES:
        raise Invalid("The file holds more than can be kept: at most 256 MB of entries.", code="feed_too_large")


def _contents(file: IO[bytes]) -> Iterator[tuple[str, bytes | None]]:
    """Name and content of each entry; None for one whose content cannot be had."""
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    return _zipped(file) if head == _ZIP else _plain(file)


def _plain(file: IO[bytes]) -> Iterator[tuple[str, bytes | None]]:
    whole = file.read(MAX_ENTRY_BYTES + 1)
    if len(whole) <= MAX_ENTRY_BYTES and _is_one_value(whole):
        yield "the file", whole
        return
    file.seek(0)
    total = number = 0
    while line := file.readline(MAX_ENTRY_BYTES + 1):
        number += 1
        total += len(line)
        if total > MAX_TOTAL_BYTES:
            raise Invalid("The file is too long.", code="feed_too_large")
        if len(line) > MAX_ENTRY_BYTES:
            raise Invalid(f"Line {number} of the file is longer than 4 MB.", code="feed_too_large")
        if line.strip():
            yield f"line {number}", line


def _is_one_value(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return b"\n" not in content.strip()
    return True


def _zipped(file: IO[bytes]) -> Iterator[tuple[str, bytes | None]]:
    _require_few_entries(file)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise Invalid("The zip archive is damaged.", code="feed_malformed") from None
    with archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        for member in members:
            parts = member.filename.split("/")
            if ".." in parts or parts[0] == "" or "\\" in member.filename or ":" in parts[0]:
                raise Invalid("The zip archive names files outside itself.", code="feed_malformed")
        if sum(member.file_size for member in members) > MAX_TOTAL_BYTES:
            raise Invalid("The zip archive unpacks to more than 2 GB.", code="feed_too_large")
        total = 0
        for member in members:
            if not member.filename.lower().endswith(".json"):
                continue
            content = _unpacked(archive, member)
            total += len(content or b"")
            if total > MAX_TOTAL_BYTES:
                raise Invalid("The zip archive unpacks to more than 2 GB.", code="feed_too_large")
            yield member.filename, content


def _require_few_entries(file: IO[bytes]) -> None:
    """Opening an archive costs memory for each entry it declares, so count those first."""
    count, rest = 0, b""
    while block := file.read(_BLOCK):
        text = rest + block
        count += text.count(_DIRECTORY_ENTRY)
        rest = text[-(len(_DIRECTORY_ENTRY) - 1) :]
        if count > MAX_ENTRIES:
            raise Invalid(f"The file holds more than {MAX_ENTRIES:,} entries.", code="feed_too_large")
    file.seek(0)


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes | None:
    packed_otherwise = member.compress_type not in _PACKINGS or member.flag_bits & _ENCRYPTED
    if packed_otherwise or member.file_size > MAX_ENTRY_BYTES:
        return None
    try:
        with archive.open(member) as opened:
            content = opened.read(MAX_ENTRY_BYTES + 1)
            return content if len(content) <= MAX_ENTRY_BYTES else None
    except Exception:  # noqa: BLE001 - damaged data makes zipfile and zlib raise whatever they like
        return None


def _entry(entry: Any) -> tuple[list[Advisory], datetime]:  # noqa: ANN401 - JSON from outside
    """What an entry says of packages that can be compared here, and when it was changed.

    Raises ValueError, TypeError, KeyError or AttributeError where it is no OSV entry.
    """
    advisory_id = _name(entry["id"])
    modified = parse_rfc3339(entry["modified"])
    withdrawn = entry.get("withdrawn")
    parts: dict[tuple[Ecosystem, str], list[dict[str, Any]]] = {}
    for affected in entry.get("affected") or []:
        package = affected.get("package") or {}
        ecosystem = str(package.get("ecosystem", "")).partition(":")[0]
        if ecosystem in set(Ecosystem):
            name = normal_name(ecosystem, _name(package["name"]))
            parts.setdefault((Ecosystem(ecosystem), name), []).append(affected)
    advisories = [
        Advisory(
            id=advisory_id,
            ecosystem=ecosystem,
            package=name,
            ranges=tuple(_ranges(affected)),
            versions=_texts([version for one in affected for version in one.get("versions") or []], MAX_VERSIONS),
            aliases=_texts(entry.get("aliases") or [], MAX_ALIASES),
            severity=_severity(entry),
            summary=_line(entry.get("summary") or entry.get("details") or ""),
            withdrawn_at=None if withdrawn is None else parse_rfc3339(withdrawn),
        )
        for (ecosystem, name), affected in parts.items()
    ]
    return advisories, modified


def _ranges(affected: list[dict[str, Any]]) -> Iterator[tuple[Event, ...]]:
    ranges = [one for part in affected for one in part.get("ranges") or []]
    if len(ranges) > MAX_RANGES:
        raise ValueError("too many ranges")
    for one in ranges:
        if one["type"] not in _RANGE_TYPES:
            continue  # commits of a repository: no version can be compared with them
        events = one["events"]
        if len(events) > MAX_EVENTS:
            raise ValueError("too many events")
        yield tuple(Event(Boundary(edge), _name(version)) for event in events for edge, version in event.items())


def _severity(entry: dict[str, Any]) -> str | None:
    """The word that its database gives, or else the CVSS vector."""
    word = (entry.get("database_specific") or {}).get("severity")
    if isinstance(word, str) and word:
        return _line(word).lower()[:MAX_NAME]
    scores = entry.get("severity") or []
    return _line(scores[0]["score"])[:MAX_NAME] if scores else None


def _texts(values: list[Any], limit: int) -> tuple[str, ...]:
    if len(values) > limit:
        raise ValueError("a list is too long")
    return tuple(_name(value) for value in values)


def _name(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_NAME or not _NAME.fullmatch(value):
        raise ValueError("a name is missing or malformed")
    value.encode()  # refuses lone surrogates, which no database takes
    return value


def _line(text: str) -> str:
    """The first line, printable and short."""
    first = text.strip().partition("\n")[0][:MAX_SUMMARY]
    return "".join(character for character in first if character.isprintable())


def _shown(name: str) -> str:
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)[:100]
