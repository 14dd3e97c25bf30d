"""Envoy's admin interface, over its Unix socket: what it says of itself, and the two things we ask it to do."""

import asyncio
import http.client
import os
import socket
from pathlib import Path
from typing import cast

from stronghouse.edge.bootstrap import ADMIN_SOCKET
from stronghouse.kernel.canonical import Json, parse_json
from stronghouse.kernel.errors import Unavailable

ANSWER_SECONDS = 5.0
MAX_ANSWER_BYTES = 256 * 1024 * 1024  # a configuration dump of a thousand services is about 10 MB


class AdminSocket:
    """A client of the admin socket in `directory`. Every method raises Unavailable when Envoy does not answer."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def is_ready(self) -> bool:
        """Whether Envoy has finished starting."""
        status, _ = await self._request("GET", "/ready")
        return status == http.HTTPStatus.OK

    async def statistics(self) -> dict[str, str]:
        """The counters, gauges and texts that the bootstrap includes."""
        lines = (await self._ok("GET", "/stats")).decode(errors="replace").splitlines()
        pairs = (line.split(": ", 1) for line in lines if ": " in line)
        return {name: value.strip('"') for name, value in pairs}

    async def configuration(self) -> dict[str, Json]:
        """What Envoy runs with, private keys left out."""
        try:
            return cast("dict[str, Json]", parse_json(await self._ok("GET", "/config_dump")))
        except ValueError as error:
            raise Unavailable("The edge gave an answer that is no JSON.", detail=str(error)) from error

    async def reopen_logs(self) -> None:
        """Make Envoy open its access log anew, after the file was moved away."""
        await self._ok("POST", "/reopen_logs")

    async def close_listeners(self) -> None:
        """Stop listening at once; open connections go on."""
        await self._ok("POST", "/drain_listeners")

    async def _ok(self, method: str, path: str) -> bytes:
        status, body = await self._request(method, path)
        if status != http.HTTPStatus.OK:
            raise Unavailable(f"The edge answered {status} on its admin socket.", detail=f"{method} {path}")
        return body

    async def _request(self, method: str, path: str) -> tuple[int, bytes]:
        return await asyncio.to_thread(self._exchange, method, path)

    def _exchange(self, method: str, path: str) -> tuple[int, bytes]:
        connection = _UnixConnection(self._directory)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read(MAX_ANSWER_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable("The edge does not answer on its admin socket.", detail=repr(error)) from error
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over the admin socket, named through the directory's descriptor so that no path is too long for it."""

    def __init__(self, directory: Path) -> None:
        super().__init__("edge", timeout=ANSWER_SECONDS)
        self._directory = directory

    def connect(self) -> None:
        descriptor = os.open(self._directory, os.O_PATH | os.O_DIRECTORY)
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(ANSWER_SECONDS)
            self.sock.connect(f"/proc/self/fd/{descriptor}/{ADMIN_SOCKET}")
        finally:
            os.close(descriptor)
