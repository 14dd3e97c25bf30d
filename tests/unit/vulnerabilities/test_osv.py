"""Feeds from outside: what is a feed is read whole, the rest is refused or counted, and nothing breaks it."""

import io
import json
import struct
import time
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.kernel.errors import Invalid
from stronghouse.vulnerabilities import osv
from stronghouse.vulnerabilities.osv import ReadFeed, read_feed
from tests.support.advisories import entry, lines, zipped
from tests.support.control_plane import NOW


def read(content: bytes) -> ReadFeed:
    return read_feed(io.BytesIO(content), now=NOW)


def packed(*entries: object) -> bytes:
    return zipped({f"PyPI/{number}.json": json.dumps(one).encode() for number, one in enumerate(entries)})


def test_zip_lines_and_single_entry_are_the_same_feed() -> None:
    first, second = entry("A-1", package="Zope.Interface"), entry("A-2", versions=["1.0"])
    assert read(lines(first, second)).advisories == read(packed(first, second)).advisories
    single = read(json.dumps(first, indent=2).encode())
    assert list(single.advisories) == [("PyPI", "zope-interface", "A-1")]


def test_only_what_can_be_compared_is_kept_and_the_rest_is_counted() -> None:
    found = read(lines(entry("A-1"), entry("A-2", ecosystem="npm"), entry("A-3", ecosystem="ClickHouse")))
    assert found.by_ecosystem() == {"PyPI": 1, "ClickHouse": 1}
    assert (found.read, found.ignored, found.unreadable) == (3, 1, 0)


@pytest.mark.parametrize(
    "broken",
    [
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 5000,
        b'{"id": "A-9"}',
        b'{"id": "A-9", "modified": "yesterday"}',
        json.dumps(entry("A\n9")).encode(),
        json.dumps(entry("A-9", package="x" * 300)).encode(),
        json.dumps(entry("A-9", affected=[{"package": {"ecosystem": "PyPI"}}])).encode(),
        json.dumps(entry("A-9", events=[{"began": "1"}])).encode(),
        json.dumps(entry("A-9")).replace('"0"', "0").encode(),
        json.dumps(entry("A-9", affected="all")).encode(),
        b'{"id": "\\ud800", "modified": "2026-11-22T08:00:00Z"}',
    ],
)
def test_malformed_entry_is_counted_and_named(broken: bytes) -> None:
    found = read(zipped({"good.json": json.dumps(entry()).encode(), "bad\n.json": broken, "notes.txt": b"x"}))
    assert (found.read, found.unreadable) == (1, 1)
    assert found.unreadable_names == ["bad\N{REPLACEMENT CHARACTER}.json"]


def test_too_much_that_is_malformed_is_no_feed() -> None:
    with pytest.raises(Invalid, match="could not be read"):
        read(zipped({f"{number}.json": b"{" for number in range(11)} | {"good.json": json.dumps(entry()).encode()}))


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"x" * 1000, b"PK\x03\x04broken", zipped({}), zipped({"a": b""})]
)
def test_file_that_is_no_feed_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid):
        read(content)


def test_feed_without_anything_comparable_is_refused_and_never_taken_for_clean() -> None:
    with pytest.raises(Invalid, match="no advisory about"):
        read(lines(entry(ecosystem="npm")))


@pytest.mark.parametrize("name", ["../../etc/cron.json", "/etc/x.json", "a/../../b.json", "a\\..\\b.json", "C:/x.json"])
def test_archive_that_points_outside_itself_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="outside"):
        read(zipped({"good.json": json.dumps(entry()).encode(), name: b"{}"}))


def test_bombs_are_refused_before_they_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osv, "MAX_ENTRY_BYTES", 10_000)
    monkeypatch.setattr(osv, "MAX_TOTAL_BYTES", 50_000)
    good = json.dumps(entry()).encode()
    assert read(zipped({"good.json": good, "bomb.json": b" " * 20_000})).unreadable == 1
    with pytest.raises(Invalid, match="unpacks to more"):
        read(zipped({f"{number}.json": good + b" " * 9_000 for number in range(8)}))
    with pytest.raises(Invalid, match="longer than"):
        read(lines(entry()) + b"{" + b" " * 20_000)


def test_archive_that_lies_about_its_sizes_is_read_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osv, "MAX_ENTRY_BYTES", 10_000)
    content = zipped({"bomb.json": b" " * 20_000, "good.json": json.dumps(entry()).encode()})
    shrunk = content.replace(struct.pack("<L", 20_000), struct.pack("<L", 100))
    assert read(shrunk).unreadable == 1


def test_too_many_entries_are_refused_before_the_directory_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = packed(*(entry() for _ in range(4)))
    monkeypatch.setattr(osv, "MAX_ENTRIES", 3)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(Invalid, match="more than 3"):
        read(archive)
    with pytest.raises(Invalid, match="more than 3"):
        read(lines(*(entry() for _ in range(4))))


def test_entries_of_the_future_do_not_make_a_feed_young() -> None:
    old, bogus = entry("A-1", modified="2026-01-01T00:00:00Z"), entry("A-2", modified="2099-01-01T00:00:00Z")
    assert str(read(lines(old, bogus)).newest).startswith("2026-01-01")


@given(st.binary(max_size=400))
def test_any_bytes_are_a_feed_or_refused(content: bytes) -> None:
    for head in (b"", b"PK\x03\x04", b"{"):
        try:
            read(head + content)
        except Invalid:
            continue


@given(position=st.integers(0, 10_000), bits=st.integers(1, 255))
def test_damaged_archive_is_read_counted_or_refused(position: int, bits: int) -> None:
    content = bytearray(packed(entry("A-1"), entry("A-2")))
    content[position % len(content)] ^= bits
    try:
        found = read(bytes(content))
    except Invalid:
        return
    assert found.read + found.unreadable <= 2


@pytest.mark.slow  # it reads as many entries as the whole ecosystem has
def test_whole_ecosystem_is_read_within_twenty_seconds() -> None:
    versions = [f"1.{number}" for number in range(60)]
    content = packed(
        *(entry(f"A-{n}", package=f"p{n % 9000}", versions=versions, details="d" * 1500) for n in range(25_000))
    )
    began = time.perf_counter()
    assert read(content).read == 25_000
    assert time.perf_counter() - began < 20
