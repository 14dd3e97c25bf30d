"""Workers without processes: they answer on the socket that they are given, and die or go idle when a test says so."""

import asyncio
import socket
from collections.abc import Mapping

from stronghouse.agent.desired import ServiceDocument
from stronghouse.agent.home import ServiceHome
from stronghouse.agent.listening import ListeningSocket
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Unavailable
from stronghouse.worker.process import DataKeyProvider
from stronghouse.worker.reports import AccessReport, LogReport, LogReports
from stronghouse.worker.specification import KeyUsers, SandboxReport


class FakeWorker:
    """Answers every HTTP request with its number."""

    engine_version = "26.9"
    sandbox = SandboxReport(landlock_abi=6, seccomp=True, separate_uid=True, missing=())

    def __init__(self, number: int, document: ServiceDocument, listener: ListeningSocket, data_key: bytes) -> None:
        self.pid = number
        self.document = document
        self.password = document.password_sha256
        self.settings = document.settings
        self.data_key = data_key
        self.key_users: KeyUsers | None = None
        self.ask_for_key: DataKeyProvider | None = None
        self.idle = False
        self.grace: float | None = None
        self.farewell = 0.0
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._socket: socket.socket = listener.socket.dup()
        self._serving = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._socket)
            with client:
                said = b"worker %d" % self.pid
                asked = await loop.sock_recv(client, 65536)
                if asked:
                    head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(said)
                    await loop.sock_sendall(client, head + said)

    async def set_password(self, password_sha256: str) -> None:
        """Take another password."""
        self.password = password_sha256

    async def set_settings(self, settings: Mapping[str, str]) -> None:
        """Take others."""
        self.settings = dict(settings)

    async def check_settings(self, settings: Mapping[str, str]) -> str | None:
        """Refuse one called `bad`."""
        return "It is bad." if "bad" in settings else None

    async def set_key_users(self, wanted: KeyUsers) -> None:
        """Have these users."""
        self.key_users = wanted

    async def logs(self, *, canary: str | None = None) -> LogReports:
        """Empty logs, which hold no canary."""
        found = None if canary is None else False
        log = LogReport(rows_total=0, newest=None, retention_days=30, journal_bytes=0, canary=found)
        return LogReports(query_log=log, session_log=log)

    async def access(self) -> AccessReport:
        """One user."""
        return AccessReport(users=1, methods={"sha256_password": 1})

    async def metrics(self) -> dict[str, Json]:
        """One counter."""
        return {"ClickHouseProfileEvents_Query": self.pid}

    async def stop_if_idle(self, _seconds: float) -> bool:
        """Stop if the test said that it is idle."""
        if self.idle:
            self.end(0)
        return self.idle

    async def quiesce_and_stop(self, grace: float) -> None:
        """Stop."""
        self.grace = grace
        await asyncio.sleep(self.farewell)
        self.end(0)

    async def wait(self) -> int:
        """Wait for the end."""
        return await asyncio.shield(self.ended)

    def end(self, status: int) -> None:
        """End, as a process does that exits or is killed."""
        self._serving.cancel()
        self._socket.close()
        if not self.ended.done():
            self.ended.set_result(status)


class FakeWorkers:
    """Starts them; a start takes `delay` seconds and fails while `broken` says for whom."""

    def __init__(self) -> None:
        self.started: list[FakeWorker] = []
        self.delay = 0.0
        self.broken: set[str] = set()

    async def start(
        self, document: ServiceDocument, _home: ServiceHome, *, listener: ListeningSocket, data_key: DataKeyProvider
    ) -> FakeWorker:
        """A new worker."""
        key = await data_key()
        await asyncio.sleep(self.delay)
        if document.id in self.broken:
            raise Unavailable("The engine did not start.")
        worker = FakeWorker(len(self.started) + 1, document, listener, key)
        worker.ask_for_key = data_key
        self.started.append(worker)
        return worker

    def of(self, service_id: str) -> FakeWorker:
        """The newest worker of a service."""
        return [worker for worker in self.started if worker.document.id == service_id][-1]
