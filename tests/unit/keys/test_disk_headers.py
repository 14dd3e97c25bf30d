"""What counts as encrypted is exactly a whole, valid header; everything else is told truthfully."""

import os
import re
from pathlib import Path

import pytest

from stronghouse.keys.disk_headers import MAX_LISTED, Allowance, parse_header, scan_directory

FINGERPRINT = bytes(range(16))


def header(*, magic: bytes = b"ENC", version: int = 2, algorithm: int = 2, rest: bytes = bytes(25)) -> bytes:
    """A header as ClickHouse writes it."""
    return magic + version.to_bytes(2, "little") + algorithm.to_bytes(2, "little") + FINGERPRINT + b"i" * 16 + rest


def test_header_names_algorithm_and_key() -> None:
    found = parse_header(header() + b"ciphertext")
    assert found is not None
    assert (found.algorithm, found.fingerprint) == ("aes_256_ctr", FINGERPRINT.hex())


@pytest.mark.parametrize(
    "head",
    [
        b"",
        header()[:63],
        header(magic=b"ENX"),
        header(version=1),
        header(version=3),
        header(algorithm=3),
        header(rest=bytes(24) + b"x"),
        b"ENCYCLOPEDIA " * 8,
    ],
)
def test_anything_less_than_a_whole_header_is_no_encryption(head: bytes) -> None:
    assert parse_header(head) is None


def test_scan_counts_each_kind_and_names_what_is_plain(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "data.bin").write_bytes(header() + b"x")
    (tmp_path / "a" / "b" / "plain.bin").write_bytes(b"rows")
    (tmp_path / "a" / "b" / "short.bin").write_bytes(header()[:40])
    (tmp_path / "empty").touch()
    scan = scan_directory(tmp_path)
    assert (scan.files, scan.empty, scan.plaintext, scan.odd, scan.truncated) == (4, 1, 2, 0, False)
    assert dict(scan.encrypted) == {FINGERPRINT.hex(): 1}
    assert scan.plaintext_paths == ["a/b/plain.bin", "a/b/short.bin"]


def test_allowance_covers_only_its_paths_and_its_kind_of_text(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "t.sql").write_bytes(b"ATTACH TABLE t")
    (tmp_path / "store" / "rows.sql").write_bytes(b"1,2,3")
    (tmp_path / "t.sql").write_bytes(b"ATTACH TABLE t")
    allowance = Allowance("definitions", re.compile(r"store/.*\.sql"), (b"ATTACH ",), "names")
    scan = scan_directory(tmp_path, allowances=(allowance,))
    assert dict(scan.allowed) == {"definitions": 1}
    assert scan.plaintext_paths == ["t.sql", "store/rows.sql"]


def test_link_within_the_tree_is_known_and_what_it_leads_to_counts_once(tmp_path: Path) -> None:
    (tmp_path / "store" / "t").mkdir(parents=True)
    (tmp_path / "store" / "t" / "data.bin").write_bytes(header())
    (tmp_path / "table").symlink_to(tmp_path / "store" / "t")
    (tmp_path / "file").symlink_to("store/t/data.bin")
    scan = scan_directory(tmp_path)
    assert (scan.files, scan.links, scan.odd) == (1, 2, 0)


def test_pipes_and_links_that_lead_out_are_odd_and_not_followed(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "secret").write_bytes(b"rows")
    (inside / "link").symlink_to(outside / "secret")
    (inside / "folder").symlink_to(outside)
    os.mkfifo(inside / "pipe")
    scan = scan_directory(inside)
    assert (scan.files, scan.plaintext) == (0, 0)
    assert sorted(scan.odd_paths) == ["folder", "link", "pipe"]


def test_scan_is_bounded_and_says_so(tmp_path: Path) -> None:
    for number in range(MAX_LISTED + 5):
        (tmp_path / f"{number:04}").write_bytes(b"x")
    whole, cut = scan_directory(tmp_path), scan_directory(tmp_path, max_files=10)
    assert (whole.plaintext, len(whole.plaintext_paths), whole.truncated) == (MAX_LISTED + 5, MAX_LISTED, False)
    assert (cut.files, cut.truncated) == (10, True)


def test_absent_directory_is_an_error_and_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        scan_directory(tmp_path / "nowhere")
