"""Looking at a machine's files and commands: bounded, below one root, and never led astray by what a user planted."""

import errno
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.processes import Completed, run

MAX_BYTES = 1_048_576
MAX_ENTRIES = 5_000
MAX_LINKS = 40
MAX_OUTPUT = 4_194_304
COMMAND_DIRECTORIES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
ENVIRONMENT: Mapping[str, str] = {
    "PATH": ":".join(COMMAND_DIRECTORIES),
    "LC_ALL": "C",
    "DEBIAN_FRONTEND": "noninteractive",
}
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ENTER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
Run = Callable[..., Completed]


@dataclass(frozen=True)
class HostView:
    """A machine as seen from here.

    Attributes:
        root: where its file system is; `/host` for instance where an agent in a container looks at its machine.
        run: starts commands; `kernel.processes.run`.
    """

    root: Path = Path("/")
    run: Run = run

    @property
    def is_own(self) -> bool:
        """Whether this process lives on the file system it looks at, so that commands see the same machine."""
        return self.root == Path("/")

    def name(self) -> str:
        """The machine's name: stable, part of its resources' ids."""
        told = self.text("/etc/hostname", limit=256)
        name = (told or "").strip() if not self.is_own else os.uname().nodename
        return name[:64] or "unnamed"

    def resource_id(self) -> str:
        """The id of the resource about this machine."""
        return f"host/{self.name()}"

    def container(self) -> bool:
        """Whether what is seen is a container, whose kernel, clock and firewall belong to another machine."""
        return any(self.status(path) for path in ("/.dockerenv", "/run/.containerenv", "/run/systemd/container"))

    def resolve(self, path: str) -> Path | None:
        """Where `path` really is, with every link taken as the machine itself would; None for a loop or an odd name."""
        parts, done, links = [part for part in path.split("/") if part], self.root, 0
        while parts:
            part = parts.pop(0)
            if part in {".", ".."}:
                done = done.parent if part == ".." and done != self.root else done
                continue
            try:
                target = str((done / part).readlink())
            except (OSError, ValueError):
                done /= part
                continue
            links += 1
            if links > MAX_LINKS:
                return None
            done = self.root if target.startswith("/") else done
            parts = [piece for piece in target.split("/") if piece] + parts
        return done

    def status(self, path: str) -> os.stat_result | None:
        """What stat(2) says with links followed; None where nothing is there or may be seen."""
        resolved = self.resolve(path)
        try:
            return None if resolved is None else resolved.lstat()
        except (OSError, ValueError):
            return None

    def text(self, path: str, *, limit: int = MAX_BYTES) -> str | None:
        """A regular file's text; None where there is none or it may not be read.

        Raises:
            Unavailable: it is larger than `limit` bytes, so its end would go unread.
        """
        resolved = self.resolve(path)
        if resolved is None:
            return None
        try:
            return read_regular(os.open(resolved, _READ), limit)
        except (OSError, ValueError):
            return None

    def planted(self, directory: str, relative: str, *, limit: int) -> "Planted":
        """A file that an ordinary user can put in the place: no link below `directory` is followed, nothing waited for.

        Args:
            directory: from where on nothing is trusted, as in somebody's home.
            relative: the file's name below it.
            limit: bytes; a larger file is not read.
        """
        resolved = self.resolve(directory)
        if resolved is None:
            return Planted(problem="its directory is a loop of links")
        opened: list[int] = []
        try:
            opened.append(os.open(resolved, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
            *folders, name = relative.split("/")
            for folder in folders:
                opened.append(os.open(folder, _ENTER, dir_fd=opened[-1]))
            writable = any(os.fstat(one).st_mode & 0o022 for one in opened)
            file = os.open(name, _READ, dir_fd=opened[-1])
            mode = os.fstat(file).st_mode
            text = read_regular(file, limit)
        except FileNotFoundError:
            return Planted()
        except Unavailable:
            return Planted(problem="it is larger than may be read")
        except (OSError, ValueError) as error:
            return Planted(problem=_why(error))
        finally:
            for one in opened:
                os.close(one)
        return Planted(text=text, mode=stat.S_IMODE(mode), writable=writable or bool(mode & 0o022))

    def names(self, path: str) -> list[str]:
        """The names in a directory, in order; none where there is no such directory.

        Raises:
            Unavailable: there are more than `MAX_ENTRIES`.
        """
        resolved = self.resolve(path)
        found: list[str] = []
        try:
            with os.scandir(resolved or self.root / "nowhere") as entries:
                for entry in entries:
                    found.append(entry.name)
                    if len(found) > MAX_ENTRIES:
                        raise Unavailable(f"{path} holds more files than may be looked at.", code="host_too_large")
        except OSError:
            return []
        return sorted(found)

    def command(self, name: str) -> str | None:
        """The absolute path of a program of the machine that runs this process; None where it has none."""
        paths = (Path(directory) / name for directory in COMMAND_DIRECTORIES)
        return next((str(path) for path in paths if path.is_file()), None)

    def output(self, arguments: list[str], *, timeout: float = 10.0) -> "Output":
        """What a command says; it gets a fixed environment. A failure is told, not raised."""
        try:
            done = self.run(arguments, environment=ENVIRONMENT, timeout=timeout)
        except (OSError, TimeoutError) as error:
            return Output(problem=f"{arguments[0]} did not run ({type(error).__name__})")
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["nothing said"])[-1]
            return Output(problem=f"{Path(arguments[0]).name} failed: {said[:200]}")
        if len(done.stdout) > MAX_OUTPUT:
            return Output(problem=f"{Path(arguments[0]).name} said more than may be read")
        return Output(text=done.stdout)


@dataclass(frozen=True)
class Planted:
    """A file in a place that its user owns: its text, or why it was not read; neither where there is none."""

    text: str | None = None
    problem: str | None = None
    mode: int = 0
    writable: bool = False
    """Whether others than its owner may write it or a directory that leads to it."""


@dataclass(frozen=True)
class Output:
    """What a command printed, or why there is nothing."""

    text: str = ""
    problem: str | None = None


def read_regular(descriptor: int, limit: int) -> str:
    """Read and close a descriptor; raises OSError unless it is a regular file, Unavailable if larger than `limit`."""
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Unavailable("A file of the machine is larger than may be read.", code="host_too_large")
    return content.decode("utf-8", errors="replace")


def _why(error: OSError | ValueError) -> str:
    told = {errno.ELOOP: "it is a link", errno.ENOTDIR: "its directory is a link or none"}
    return told.get(getattr(error, "errno", None) or 0, "it is no regular file, or may not be read")
