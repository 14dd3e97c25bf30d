"""Files that pages load: one address for all of them that changes with any of them, so that they are kept for ever."""

import hashlib
from importlib import resources

from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

PACKAGE, DIRECTORY = "stronghouse.console", "static"
KEPT = b"public, max-age=31536000, immutable"


def _version() -> str:
    """A hash of everything in the directory. Modules import each other by relative paths, so all share one."""
    with resources.as_file(resources.files(PACKAGE) / DIRECTORY) as directory:
        digest = hashlib.sha256()
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                digest.update(f"{path.relative_to(directory)}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


PREFIX = f"/static/{_version()}"


def asset(name: str) -> str:
    """The address of a file."""
    return f"{PREFIX}/{name}"


class Assets(StaticFiles):
    """The files, with leave to keep them: an address never changes its content."""

    def __init__(self) -> None:
        super().__init__(packages=[(PACKAGE, DIRECTORY)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file."""

        async def kept(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:  # noqa: PLR2004 - found
                message["headers"].append((b"cache-control", KEPT))
            await send(message)

        await super().__call__(scope, receive, kept)
