"""Who may reach Stronghouse's own files: modes and owners below the state directory and of key files beside it."""

import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock
from stronghouse.responsibility.facts import Facts, Resource

VERSION = 1
METHOD = (
    "Mode and owner (lstat) of every file, directory, socket and pipe below the named directories; symbolic links are "
    "not followed, and must not lead out of them. A service's own data is looked at down to the directories that its "
    "engine made, not below them: its top directory is closed to others."
)
MAX_FILES = 50_000
MAX_SHOWN = 50
OTHERS = 0o077
TRAVERSE = 0o011
DATA_DEPTH = 2


@dataclass(frozen=True, kw_only=True)
class OwnFiles:
    """What is to be looked at.

    Attributes:
        area: names it, as in `control`.
        roots: directories to walk; one that is not there is skipped.
        single: files and directories to look at without what is below them.
        public: files that others may read.
        traversable: directories that others may pass through but not list, as a service's own user has to.
        owners: the user of what lies below a directory, where it is not ours; the deepest directory counts.
        shallow: directories whose contents are looked at only to a depth of two.
    """

    area: str
    roots: Sequence[Path]
    single: Sequence[Path] = ()
    public: Collection[Path] = ()
    traversable: Collection[Path] = ()
    owners: Mapping[Path, int] = field(default_factory=dict)
    shallow: Collection[Path] = ()


@dataclass
class _Seen:
    files: int = 0
    truncated: bool = False
    exposed: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def collect_own_files(own: OwnFiles, *, target: str, clock: Clock) -> Facts:
    """Facts about the files of one area."""
    collected_at = clock.now()
    seen = _Seen()
    for path in _paths(own, seen):
        if seen.files >= MAX_FILES:
            seen.truncated = True
            break
        _look(path, own, seen)
    fields: dict[str, Json] = {
        "id": f"files/{own.area}",
        "kind": "files",
        "files": seen.files,
        "truncated": seen.truncated,
        "public": [*sorted(str(path) for path in own.public if path.exists())],
    }
    for name in ("exposed", "foreign", "unreadable"):
        found: list[str] = getattr(seen, name)
        fields |= {name: [*found[:MAX_SHOWN]], f"{name}_count": len(found)}
    return Facts(
        collector="own_files",
        version=VERSION,
        method=METHOD,
        target=target,
        collected_at=collected_at,
        resources=(Resource(fields),),
    )


def _paths(own: OwnFiles, seen: _Seen) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            seen.unreadable.append(str(error.filename))

    yield from own.single
    for root in own.roots:
        if root.is_dir():
            yield root
        for folder, folders, names in os.walk(root, onerror=unreadable):
            here = Path(folder)
            folders.sort()
            yield from (here / name for name in sorted([*folders, *names]))
            if any(_depth(here, top) >= DATA_DEPTH - 1 for top in own.shallow):
                folders.clear()


def _depth(path: Path, top: Path) -> int:
    """How far below `top` a path lies; -1 for one that does not."""
    return len(path.relative_to(top).parts) if path.is_relative_to(top) else -1


def _look(path: Path, own: OwnFiles, seen: _Seen) -> None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return  # gone meanwhile
    except OSError:
        seen.unreadable.append(str(path))
        return
    seen.files += 1
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        if not _stays_inside(path, own):
            seen.foreign.append(f"{path} (a link to somewhere else)")
        return
    allowed = 0
    if path in own.public:
        allowed = 0o044
    elif path in own.traversable:
        allowed = TRAVERSE
    if mode & OTHERS & ~allowed:
        seen.exposed.append(f"{path} ({mode:04o})")
    if status.st_uid not in {os.geteuid(), _owner(path, own.owners)}:
        seen.foreign.append(f"{path} (user {status.st_uid})")


def _stays_inside(link: Path, own: OwnFiles) -> bool:
    """Whether a link leads to what is looked at too; one to somewhere else puts a stranger's file in place of ours."""
    if link in own.single or link in own.roots:
        return True  # where whoever runs Stronghouse chose to put it; service_places and the key's checks tell of it
    try:
        target = link.resolve()
    except (OSError, RuntimeError):
        return False
    return any(target.is_relative_to(one.resolve()) for one in own.roots)


def _owner(path: Path, owners: Mapping[Path, int]) -> int:
    above = [top for top in owners if path.is_relative_to(top)]
    return owners[max(above, key=lambda top: len(top.parts))] if above else os.geteuid()
