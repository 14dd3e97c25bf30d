"""The program curl, as people use it by hand: what it was told, and what it made of the answer."""

import contextlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from tests.integration.worker.service import PASSWORD

PROGRAM = shutil.which("curl") or "curl"
SECONDS = 40
CUT_SHORT = (18, 56)
"""curl's exit codes for an answer that ended too early."""


@dataclass(frozen=True)
class Reply:
    """An answer. `exit_code` is curl's own: not 0 if the answer broke off."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    exit_code: int

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> int:
        """ClickHouse's error code; 0 for success."""
        return int(self.header("x-clickhouse-exception-code") or "0")

    def header(self, name: str) -> str:
        return next(iter(self.values(name)), "")

    def values(self, name: str) -> list[str]:
        return [value for found, value in self.headers if found == name]


class Curl:
    """Runs curl. The credentials are in a file, so that no list of processes shows them."""

    def __init__(self, port: int, directory: Path, *, user: str = "default", password: str | None = PASSWORD) -> None:
        self.port = port
        self._directory = directory
        self.credentials = directory / f"{user}.headers"
        lines = [] if password is None else [f"X-ClickHouse-User: {user}", f"X-ClickHouse-Key: {password}"]
        self.credentials.write_text("".join(f"{line}\n" for line in lines))

    def as_user(self, user: str, password: str | None) -> "Curl":
        return Curl(self.port, self._directory, user=user, password=password)

    def command(self, *options: str, path: str = "/", url: Mapping[str, str] | None = None) -> list[str]:
        query = f"?{urlencode(url)}" if url else ""
        address = f"http://127.0.0.1:{self.port}{path}{query}"
        own = ["--disable", "--silent", "--noproxy", "*", "--globoff", "--max-time", str(SECONDS)]
        return [PROGRAM, *own, "--header", f"@{self.credentials}", *options, address]

    def __call__(
        self,
        sql: str | bytes | None = None,
        *options: str,
        path: str = "/",
        url: Mapping[str, str] | None = None,
        **parameters: str,
    ) -> Reply:
        """Send `sql`, if there is any, as the body, the parameters in the URL; the whole answer."""
        data = sql.encode() if isinstance(sql, str) else sql
        sending = () if data is None else ("--data-binary", "@-")
        with tempfile.NamedTemporaryFile(dir=self._directory) as head:
            asked = {**(url or {}), **parameters}
            told = self.command("--dump-header", head.name, *sending, *options, path=path, url=asked)
            done = subprocess.run(told, input=data or b"", capture_output=True, timeout=SECONDS + 5, check=False)
            return _reply(Path(head.name).read_bytes(), done.stdout, done.returncode)

    def run(self, sql: str, *options: str, **parameters: str) -> str:
        """The output of a statement that must succeed."""
        reply = self(sql, *options, url=parameters)
        assert (reply.status, reply.exit_code) == (200, 0), reply
        return reply.text

    def lines(self, *options: str) -> list[str]:
        """What curl prints when it is told nothing but `options`."""
        command = [PROGRAM, "--disable", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.splitlines()

    @contextlib.contextmanager
    def start(self, sql: str, *options: str, **parameters: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A query that goes on in the background; its client is gone at the end."""
        command = self.command("--data-binary", sql, *options, url=parameters)
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as client:
            try:
                yield client
            finally:
                client.kill()


def _reply(head: bytes, body: bytes, exit_code: int) -> Reply:
    """The last head counts: before it may be a `100 Continue`."""
    heads = [part for part in head.decode("latin-1").split("\r\n\r\n") if part.startswith("HTTP/")]
    if not heads:
        return Reply(0, (), body, exit_code)
    first, *lines = heads[-1].split("\r\n")
    matched = re.match(r"HTTP/\S+ (\d{3})", first)
    assert matched is not None, first
    pairs = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
    return Reply(int(matched[1]), pairs, body, exit_code)
