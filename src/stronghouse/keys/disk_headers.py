"""Reading which files of a directory tree are encrypted, and under which key, from their first 64 bytes.

ClickHouse's encrypted disks begin each file with `'ENC' | u16 version 2 | u16 algorithm | 16 B key fingerprint |
16 B IV | 25 zero bytes` (reference/crypto.md section D). A header claims encryption; it cannot prove it.
"""

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HEADER_BYTES = 64
MAGIC = b"ENC"
VERSION = 2
ALGORITHMS = ("aes_128_ctr", "aes_192_ctr", "aes_256_ctr")
MAX_FILES = 1_000_000
MAX_LISTED = 200


@dataclass(frozen=True)
class DiskHeader:
    """What an encrypted file says of itself. `fingerprint` is hex, as `fingerprint.key_fingerprint` gives it."""

    algorithm: str
    fingerprint: str


@dataclass(frozen=True)
class Allowance:
    """Plain-text files that are known and tolerated: by path below the directory and by how their text begins."""

    name: str
    path: re.Pattern[str]
    begins_with: tuple[bytes, ...]
    reason: str

    def covers(self, path: str, head: bytes) -> bool:
        """Whether a plain-text file is one of these."""
        return self.path.fullmatch(path) is not None and head.startswith(self.begins_with)


@dataclass
class DiskScan:
    """What a directory tree holds. Paths are relative to it; lists are cut at `MAX_LISTED`, counts are not.

    `allowed` counts the plain-text files that an allowance covers, by its name; `plaintext` counts the others.
    `truncated` says that there were more files than the scan may read: then nothing is proven about the rest.
    `links` are symbolic links that stay within the tree, as the engine makes for its databases and tables: what they
    lead to is looked at by itself. `odd` are links that lead out of it, other things that are no regular files
    (sockets, pipes), and files that could not be read.
    """

    files: int = 0
    empty: int = 0
    plaintext: int = 0
    links: int = 0
    odd: int = 0
    allowed: Counter[str] = field(default_factory=Counter)
    encrypted: Counter[str] = field(default_factory=Counter)
    algorithms: Counter[str] = field(default_factory=Counter)
    plaintext_paths: list[str] = field(default_factory=list)
    odd_paths: list[str] = field(default_factory=list)
    truncated: bool = False


def parse_header(head: bytes) -> DiskHeader | None:
    """The header in the first bytes of a file, or None if they are not exactly one."""
    if len(head) < HEADER_BYTES or not head.startswith(MAGIC) or any(head[39:HEADER_BYTES]):
        return None
    version, algorithm = int.from_bytes(head[3:5], "little"), int.from_bytes(head[5:7], "little")
    if version != VERSION or algorithm >= len(ALGORITHMS):
        return None
    return DiskHeader(ALGORITHMS[algorithm], head[7:23].hex())


def scan_directory(directory: Path, *, allowances: Sequence[Allowance] = (), max_files: int = MAX_FILES) -> DiskScan:
    """Look at every file under `directory`; files that vanish meanwhile (merges) are not counted.

    Raises:
        OSError: `directory` itself cannot be listed. An unreadable tree must not look like an empty one.
    """
    scan = DiskScan()
    with os.scandir(directory):
        pass
    for path in _files(directory, scan):
        if scan.files >= max_files:
            scan.truncated = True
            break
        shown = str(path.relative_to(directory))
        if not path.is_symlink():
            _look(path, shown, scan, allowances)
        elif path.resolve().is_relative_to(directory.resolve()):
            scan.links += 1
        else:
            _odd(shown, scan)
    return scan


def _files(directory: Path, scan: DiskScan) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            _odd(str(Path(error.filename).relative_to(directory)), scan)

    for folder, folders, names in os.walk(directory, onerror=unreadable):
        folders.sort()
        links = [name for name in folders if (Path(folder) / name).is_symlink()]  # os.walk does not follow them
        for name in sorted([*names, *links]):
            yield Path(folder) / name


def _look(path: Path, shown: str, scan: DiskScan, allowances: Sequence[Allowance]) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError:
        _odd(shown, scan)
        return
    try:
        head = os.read(descriptor, HEADER_BYTES) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    finally:
        os.close(descriptor)
    if head is None:
        _odd(shown, scan)
    else:
        scan.files += 1
        _count(head, shown, scan, allowances)


def _count(head: bytes, shown: str, scan: DiskScan, allowances: Sequence[Allowance]) -> None:
    header = parse_header(head)
    if header is not None:
        scan.encrypted[header.fingerprint] += 1
        scan.algorithms[header.algorithm] += 1
    elif not head:
        scan.empty += 1
    elif allowance := next((one for one in allowances if one.covers(shown, head)), None):
        scan.allowed[allowance.name] += 1
    else:
        scan.plaintext += 1
        _note(scan.plaintext_paths, shown)


def _odd(shown: str, scan: DiskScan) -> None:
    scan.odd += 1
    _note(scan.odd_paths, shown)


def _note(paths: list[str], shown: str) -> None:
    if len(paths) < MAX_LISTED:
        paths.append(shown)
