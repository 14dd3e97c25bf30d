"""A real worker in its sandbox, with the things that a test needs to speak to it."""

import asyncio
import base64
import contextlib
import hashlib
import http.client
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from stronghouse.kernel.ids import ServiceId
from stronghouse.worker.process import WorkerProcess, WorkerSpec

PASSWORD = "correct horse"
KEY = bytes(range(32))
UID = 70_321
T = TypeVar("T")


def password_hash(password: str) -> str:
    return base64.b64encode(hashlib.sha256(password.encode()).digest()).decode()


@dataclass(frozen=True)
class Answer:
    """A response that was read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> int:
        """ClickHouse's error code; 0 for success."""
        return int(self.headers.get("x-clickhouse-exception-code", "0"))


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float = 30.0) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Service:
    """A service: its directory, its listening socket, and its worker, which an event loop of its own looks after."""

    def __init__(self, root: Path, *, memory_limit_bytes: int = 1 << 30) -> None:
        self.root = root
        self.data = root / "data"
        self.socket = root / "http.sock"
        self.log = root / "worker.log"
        self.data.mkdir()
        uid = UID if os.geteuid() == 0 else None
        if uid is not None:
            root.chmod(0o711)
            os.chown(self.data, uid, uid)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.socket))
        self.listener.listen(64)
        digest = password_hash(PASSWORD)
        self.spec = WorkerSpec(ServiceId("11111111-2222"), self.data, "default", digest, memory_limit_bytes, uid)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.worker: WorkerProcess | None = None

    def do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(40)

    def start(self, key: bytes = KEY) -> WorkerProcess:
        async def provide() -> bytes:
            return key

        started = self.do(
            WorkerProcess.start(
                self.spec, listener=self.listener, data_key=key, log=self.log, data_key_provider=provide
            )
        )
        self.worker = started
        return started

    @property
    def running(self) -> WorkerProcess:
        assert self.worker is not None
        return self.worker

    def stop(self, grace: float = 5.0) -> None:
        if self.worker is not None:
            self.do(self.worker.quiesce_and_stop(grace))
            self.worker = None

    def close(self) -> None:
        self.stop(0.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.listener.close()

    def connection(self, timeout: float = 30.0) -> UnixConnection:
        return UnixConnection(self.socket, timeout)

    def ask(
        self,
        sql: str | bytes | None = None,
        *,
        method: str = "POST",
        query: str | None = None,
        headers: Mapping[str, str] | None = None,
        user: str = "default",
        password: str | None = PASSWORD,
        url: Mapping[str, str] | None = None,
        **parameters: str,
    ) -> Answer:
        """Send `sql` as the body, `query`, `url` and the rest in the URL; the whole answer."""
        given = {**({"query": query} if query is not None else {}), **(url or {}), **parameters}
        own = {} if password is None else {"X-ClickHouse-User": user, "X-ClickHouse-Key": password}
        with contextlib.closing(self.connection()) as connection:
            body = sql.encode() if isinstance(sql, str) else sql
            connection.request(method, f"/?{urlencode(given)}", body=body, headers={**own, **(headers or {})})
            response = connection.getresponse()
            return Answer(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
            )

    def run(self, sql: str, **parameters: str) -> str:
        """The output of a statement that must succeed."""
        answer = self.ask(sql, url=parameters)
        assert answer.status == 200, answer.text
        return answer.text

    def files_with(self, canary: bytes) -> list[str]:
        """Files under the data directory, and the log, that hold `canary`."""
        files = [path for path in self.data.rglob("*") if path.is_file() and not path.is_symlink()]
        return [str(path) for path in (*files, self.log) if path.exists() and canary in path.read_bytes()]


@contextlib.contextmanager
def temporary_service(*, start: bool = True, memory_limit_bytes: int = 1 << 30) -> Iterator[Service]:
    """A service in a directory with a short path, for the sake of its socket."""
    root = Path(tempfile.mkdtemp(prefix="sh-worker-"))
    service = Service(root, memory_limit_bytes=memory_limit_bytes)
    try:
        if start:
            service.start()
        yield service
    finally:
        service.close()
        shutil.rmtree(root)


def in_threads(count: int, act: Callable[[int], T]) -> list[T]:
    """The results of `act(0)` … `act(count - 1)`, run at the same time."""
    results: dict[int, T] = {}

    def run(number: int) -> None:
        results[number] = act(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return [results[number] for number in range(count)]
