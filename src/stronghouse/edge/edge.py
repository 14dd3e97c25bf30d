"""The edge as its owner sees it: start it, tell it what to serve, ask what it enforces, stop it."""

import asyncio
import contextlib
import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import structlog

from stronghouse.edge.admin import AdminSocket
from stronghouse.edge.bootstrap import ADMIN_SOCKET, bootstrap
from stronghouse.edge.configuration import EdgeConfiguration, VirtualHost
from stronghouse.edge.enforced import Access, enforced_access
from stronghouse.edge.key_pair import require_key_pair
from stronghouse.edge.process import EnvoyProcess
from stronghouse.edge.rendering import Documents, render
from stronghouse.edge.sockets import Listening, clients, has_ipv6_loopback, listening
from stronghouse.edge.subscriptions import POLL_SECONDS, Subscriptions
from stronghouse.kernel.errors import Conflict, StronghouseError, Unavailable
from stronghouse.kernel.files import private_directory, write_private
from stronghouse.kernel.secret import Secret

START_SECONDS = 15.0
LOOPBACK = ("127.0.0.1", "::1")
BOOTSTRAP = "bootstrap.json"
_log = structlog.get_logger()


class Edge:
    """One Envoy and its configuration.

    The usual order is `set_certificate`, `apply`, `start`; once started, `apply` and `set_certificate` change the
    running process. When Envoy dies, `wait` returns and `start` brings it back as it was. Start it from a thread
    that lives as long as the edge should: Envoy is killed when that thread ends.

    Args:
        directory: holds configuration and the admin socket; made private (0700).
        log_directory: gets `edge-access.log` (requests, JSON lines) and `edge-envoy.log` (Envoy's own warnings).
        addresses: what to listen on. `::1` is left out where the machine has no IPv6 loopback.
        concurrency: Envoy's worker threads.
    """

    def __init__(
        self, *, directory: Path, log_directory: Path, addresses: Sequence[str] = LOOPBACK, concurrency: int = 2
    ) -> None:
        usable = tuple(address for address in addresses if address != "::1" or has_ipv6_loopback())
        self._configuration = EdgeConfiguration(
            node_id="edge", directory=directory.absolute(), log_directory=log_directory.absolute(), addresses=usable
        )
        self._concurrency = concurrency
        self._subscriptions = Subscriptions(self._configuration.directory)
        self._admin = AdminSocket(self._configuration.directory)
        self._process: EnvoyProcess | None = None
        self._lock = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Envoy's process id; None while it does not run."""
        return self._process.pid if self._process is not None and self._process.running else None

    async def start(self) -> None:
        """Start Envoy and return once it serves what was applied so far. Takes at most 15 seconds.

        Raises:
            Conflict: it runs already, or there are virtual hosts but no certificate.
            Unavailable: it did not come up; the sentence has Envoy's reason, such as a port that is taken.
        """
        async with self._lock:
            if self.pid is not None:
                raise Conflict("The edge is running already.")
            self._prepare()
            configuration = self._configuration
            self._process = EnvoyProcess(
                configuration.directory, log_directory=configuration.log_directory, concurrency=self._concurrency
            )
            try:
                await self._ready(self._process)
                await self._subscriptions.all_accepted(process=self._process, admin=self._admin)
            except BaseException:  # cancelled, too: a half-started Envoy must not stay behind
                await self._process.end(patience=0)
                raise

    async def apply(self, virtual_hosts: Sequence[VirtualHost]) -> None:
        """Serve exactly `virtual_hosts` from now on; returns once Envoy has taken it up, or will at its next start.

        Streams that are running go on, except those of a port, name or upstream that is no longer there. A changed
        access list is in force for the next request of every connection, old ones included.

        Raises:
            Invalid: two virtual hosts claim the same, or a socket path is too long.
            Conflict: there is no certificate yet.
            Unavailable: Envoy ended or does not answer, or a port is taken; what it had stays.
            Internal: Envoy rejected it; what it had stays.
        """
        async with self._lock:
            await self._change(dataclasses.replace(self._configuration, virtual_hosts=tuple(virtual_hosts)))

    async def set_certificate(self, certificate_pem: bytes, key_pem: Secret) -> None:
        """Show `certificate_pem` (chain, leaf first) to new connections; open ones go on with what they have.

        Raises:
            Invalid: the key does not belong to the certificate.
            Unavailable, Internal: as for `apply`.
        """
        require_key_pair(certificate_pem, key_pem)
        async with self._lock:
            await self._change(
                dataclasses.replace(self._configuration, certificate_pem=certificate_pem, key_pem=key_pem)
            )

    async def stop(self, grace: float) -> None:
        """Stop listening, let running requests finish for at most `grace` seconds, then end Envoy."""
        async with self._lock:
            if self._process is None:
                return
            with contextlib.suppress(Unavailable, TimeoutError):  # it may be dead or stuck, which must not stop us
                async with asyncio.timeout(grace):
                    await self._admin.close_listeners()
                    # Envoy offers nothing to wait on, so it is asked again and again.
                    while await self._active_requests():  # noqa: ASYNC110
                        await asyncio.sleep(POLL_SECONDS)
            await self._process.end()
            self._socket().unlink(missing_ok=True)

    async def wait(self) -> int:
        """Wait until Envoy ends; its exit status, or minus the signal that ended it.

        Raises:
            Conflict: it was never started.
        """
        if self._process is None:
            raise Conflict("The edge was not started.")
        return await self._process.wait()

    async def effective_access(self) -> dict[str, Access]:
        """For each virtual host, by name, the blocks Envoy lets in (`()` nobody, `None` anyone), as Envoy itself tells.

        Raises:
            Unavailable: Envoy does not answer.
            Internal: its answer cannot be understood.
        """
        return enforced_access(await self._admin.configuration())

    async def listeners(self) -> tuple[Listening, ...]:
        """The TCP sockets on which Envoy listens, as the kernel tells; raises Unavailable when it does not run."""
        if self.pid is None:
            raise Unavailable("The edge is not running.")
        return await asyncio.to_thread(listening, self.pid)

    async def clients(self, port: int) -> Counter[str]:
        """How many connections each address has to a port, as the kernel tells: those that get 403 are among them.

        Raises:
            Unavailable: Envoy does not run.
        """
        pid = self.pid
        if pid is None:
            raise Unavailable("The edge is not running.")
        try:
            return await asyncio.to_thread(clients, pid, port)
        except OSError as error:  # it ended just now
            raise Unavailable("The edge is not running.", detail=repr(error)) from error

    def altered_files(self) -> tuple[str, ...]:
        """The configuration files, by name, that are not on disk as we wrote them: somebody else changed them.

        Blocks for a moment; may be called from any thread. While a change is on its way, a file may be named that is
        just being replaced, so look twice.
        """
        configuration = self._configuration
        wanted = {subscription.value: document.content() for subscription, document in render(configuration).items()}
        wanted[BOOTSTRAP] = _bootstrap_content(configuration)
        return tuple(name for name, content in wanted.items() if not _holds(configuration.directory / name, content))

    async def reopen_logs(self) -> None:
        """Write the access log to a new file, after the old one was moved away; Unavailable when Envoy does not run."""
        await self._admin.reopen_logs()

    async def _active_requests(self) -> int:
        return int((await self._admin.statistics()).get("http.edge.downstream_rq_active", "0"))

    def _prepare(self) -> None:
        configuration = self._configuration
        _require_certificate(configuration)
        documents = render(configuration)
        for directory in (configuration.directory, configuration.directory / "xds", configuration.directory / "sds"):
            private_directory(directory)
        private_directory(configuration.log_directory)
        write_private(configuration.directory / BOOTSTRAP, _bootstrap_content(configuration))
        self._subscriptions.write_all(documents)
        self._socket().unlink(missing_ok=True)

    async def _ready(self, process: EnvoyProcess) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                while process.running:
                    with contextlib.suppress(Unavailable):  # no admin socket yet
                        if await self._admin.is_ready():
                            return
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise Unavailable("The edge did not become ready in time.", detail=process.complaints()) from None
        reason = process.complaints()
        raise Unavailable(f"The edge could not start. Envoy says: {reason[-500:]}", detail=reason)

    async def _change(self, wanted: EdgeConfiguration) -> None:
        """Go over to `wanted`, or stay with what there is."""
        _require_certificate(wanted)
        documents = render(wanted)
        if self._process is not None and self._process.running:
            await self._publish_or_restore(self._process, documents)
        self._configuration = wanted

    async def _publish_or_restore(self, process: EnvoyProcess, documents: Documents) -> None:
        try:
            await self._subscriptions.publish(documents, process=process, admin=self._admin)
        except StronghouseError as error:
            _log.warning("edge_change_failed", code=error.code, reason=error.detail)
            before = render(self._configuration)
            await self._subscriptions.publish(before, process=process, admin=self._admin)
            raise

    def _socket(self) -> Path:
        return self._configuration.directory / ADMIN_SOCKET


def _require_certificate(configuration: EdgeConfiguration) -> None:
    if configuration.virtual_hosts and configuration.certificate_pem is None:
        raise Conflict("The edge has no certificate yet; set one before it serves anything.")


def _bootstrap_content(configuration: EdgeConfiguration) -> bytes:
    return json.dumps(bootstrap(node_id=configuration.node_id, directory=configuration.directory)).encode()


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False
