"""Sealed files: what comes out is what went in, or it is refused; plain content is nowhere on disk."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from stronghouse.kernel.errors import Invalid
from stronghouse.keys.sealing import OVERHEAD
from stronghouse.responsibility.documents.files import MAX_FILE_BYTES, PART_BYTES, FileDamaged, SealedFiles
from stronghouse.responsibility.documents.model import Document, Party

ORGANIZATION, DOCUMENT = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-000000000001"
MARKER = b"marker-of-a-confidential-report"
BLOB = PART_BYTES + OVERHEAD


@pytest.fixture
def files(tmp_path: Path) -> SealedFiles:
    return SealedFiles(tmp_path / "documents", tmp_path / "control.key")


def seal(files: SealedFiles, content: bytes, *, document_id: str = DOCUMENT, step: int = 700_000) -> Document:
    writer = files.begin(document_id, ORGANIZATION)
    for start in range(0, len(content), step):
        writer.write(content[start : start + step])
    return Document(
        id=document_id,
        organization_id=ORGANIZATION,
        request_id="playbooks",
        document_date=date(2026, 11, 1),
        valid_until=date(2027, 11, 1),
        note="",
        filed_at=datetime(2026, 11, 23, tzinfo=UTC),
        filed_by=Party("user", "u", "alice", "u"),
        file_name="a.pdf",
        media_type="application/pdf",
        file=writer.finish(),
    )


def path_of(tmp_path: Path, document_id: str = DOCUMENT) -> Path:
    return tmp_path / "documents" / f"{document_id}.sealed"


@pytest.mark.parametrize("size", [1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES])
def test_content_of_every_size_comes_back(files: SealedFiles, tmp_path: Path, size: int) -> None:
    content = bytes(at % 251 for at in range(256)) * (size // 256 + 1)
    document = seal(files, content[:size])
    assert b"".join(files.read(document)) == content[:size]
    assert path_of(tmp_path).stat().st_mode & 0o777 == 0o600


def test_plain_content_is_nowhere_on_disk_even_while_it_is_written(files: SealedFiles, tmp_path: Path) -> None:
    writer = files.begin(DOCUMENT, ORGANIZATION)
    writer.write(MARKER * 50_000)
    assert not any(MARKER in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    writer.finish()
    assert not any(MARKER in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def _flip(blob: bytes) -> bytes:
    return blob[:-1] + bytes([blob[-1] ^ 1])


@pytest.mark.parametrize(
    "damage",
    [
        lambda blob: b"",
        _flip,
        lambda blob: bytes([blob[0] ^ 1]) + blob[1:],
        lambda blob: blob[:BLOB],
        lambda blob: blob[: BLOB + 10],
        lambda blob: blob[BLOB : 2 * BLOB] + blob[:BLOB] + blob[2 * BLOB :],
        lambda blob: blob + blob[2 * BLOB :],
        lambda blob: blob[BLOB:],
    ],
)
def test_damaged_file_is_refused(files: SealedFiles, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    document = seal(files, MARKER * 80_000)
    path = path_of(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FileDamaged, match="altered, cut off"):
        files.verify(document)


def test_file_that_is_gone_or_another_ones_is_refused(files: SealedFiles, tmp_path: Path) -> None:
    mine = seal(files, MARKER)
    other = seal(files, MARKER, document_id=ORGANIZATION)
    path_of(tmp_path).write_bytes(path_of(tmp_path, ORGANIZATION).read_bytes())
    with pytest.raises(FileDamaged, match="altered"):
        files.verify(mine)
    with pytest.raises(FileDamaged):
        files.verify(replace(other, organization_id=DOCUMENT))
    files.remove(mine.id)
    with pytest.raises(FileDamaged, match="gone"):
        files.verify(mine)


def test_file_that_is_not_the_one_that_was_filed_is_refused(files: SealedFiles) -> None:
    document = seal(files, MARKER)
    files.remove(document.id)
    seal(files, b"another content")
    with pytest.raises(FileDamaged, match="not the one"):
        files.verify(document)


def test_another_key_opens_nothing(files: SealedFiles, tmp_path: Path) -> None:
    document = seal(files, MARKER)
    with pytest.raises(FileDamaged):
        SealedFiles(tmp_path / "documents", tmp_path / "other.key").verify(document)


def test_too_large_and_empty_files_are_refused_and_leave_nothing(files: SealedFiles, tmp_path: Path) -> None:
    writer = files.begin(DOCUMENT, ORGANIZATION)
    writer.write(b"x" * MAX_FILE_BYTES)
    with pytest.raises(Invalid, match="25 MiB"):
        writer.write(b"x")
    writer.discard()
    empty = files.begin(DOCUMENT, ORGANIZATION)
    with pytest.raises(Invalid, match="empty"):
        empty.finish()
    empty.discard()
    assert list((tmp_path / "documents").iterdir()) == []


def test_what_a_crash_left_is_removed_and_nothing_else(files: SealedFiles, tmp_path: Path) -> None:
    kept = seal(files, MARKER)
    seal(files, MARKER, document_id=ORGANIZATION)  # sealed, but its row never came
    unfinished = files.begin("00000000-0000-4000-8000-000000000002", ORGANIZATION)
    unfinished.write(MARKER)
    assert files.remove_orphans({kept.id}) == 2
    files.verify(kept)
    assert [path.name for path in (tmp_path / "documents").iterdir()] == [f"{kept.id}.sealed"]
    unfinished.discard()
