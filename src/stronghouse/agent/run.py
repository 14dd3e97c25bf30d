"""The agent as a process: takes its place in the state directory, joins if it has to, serves until told to stop."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import TypeVar

import structlog

from stronghouse.agent.backoff import Backoff
from stronghouse.agent.directories import Directories, lock, remove_socket_directory, socket_directory
from stronghouse.agent.identity import Identity, IdentityStore, join
from stronghouse.agent.job_handlers import job_handlers
from stronghouse.agent.region_agent import RegionAgent
from stronghouse.agent.settings import AgentSettings
from stronghouse.agent.workers import WorkerProcesses
from stronghouse.kernel.clock import Clock, SystemClock
from stronghouse.kernel.errors import Unauthenticated, Unavailable
from stronghouse.kernel.files import private_directory
from stronghouse.kernel.processes import forbid_core_files
from stronghouse.kernel.secret import Secret
from stronghouse.keys.local import LocalKms

PRIVATE_UMASK = 0o077
JOIN_SECONDS = 120.0
"""How long the control plane may take to answer a joining agent."""
MAX_TOKEN_BYTES = 512
STOP_SECONDS = 8.0
_log = structlog.get_logger()
_T = TypeVar("_T")


async def run_agent(settings: AgentSettings) -> int:
    """Serve until SIGTERM or SIGINT; 0 after a clean stop, within 8 s. Run it on the main thread's loop.

    Children are killed when the thread that started them ends, so that none outlives the agent.

    Raises:
        Conflict: another agent runs on this state directory.
        Unauthenticated: the agent has not joined, and there is no join token or it does not hold.
        Unavailable: the control plane did not answer a joining agent.
        KeyFileUnusable: the machine key file is exposed or damaged.
    """
    forbid_core_files()
    os.umask(PRIVATE_UMASK)
    stopping = asyncio.Event()
    for sig in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sig, stopping.set)
    directories = Directories(settings.state_directory / "agent")
    directories.prepare()
    private_directory(settings.log_directory)
    held = lock(directories.root)
    try:
        return await _serve(settings, directories, stopping)
    finally:
        os.close(held)


async def _serve(settings: AgentSettings, directories: Directories, stopping: asyncio.Event) -> int:
    clock = SystemClock()
    store = IdentityStore(directories.identity)
    identity = await _unless_stopped(_identity(settings, store, clock), stopping)
    if identity is None:
        return 0
    sockets = socket_directory(directories.root)
    agent = RegionAgent(
        settings,
        identity,
        directories=directories,
        sockets=sockets,
        kms=LocalKms(settings.machine_key_file),
        workers=WorkerProcesses(settings),
        clock=clock,
    )
    agent.handle_jobs(job_handlers(agent))
    try:
        await _unless_stopped(agent.run(), stopping)
    finally:
        async with asyncio.timeout(STOP_SECONDS):
            await agent.close()
        remove_socket_directory(directories.root, sockets)
    _log.info("agent_stopped")
    return 0


async def _identity(settings: AgentSettings, store: IdentityStore, clock: Clock) -> Identity:
    token = await asyncio.to_thread(_read_token, settings.join_token_fd)
    kept = store.load(clock.now())
    if kept is not None:
        return kept
    if token is None:
        raise Unauthenticated(
            "This agent has not joined, or its certificate has expired: give it a join token.",
            code="join_token_missing",
        )
    backoff = Backoff(first=0.1, most=2.0)
    try:
        async with asyncio.timeout(JOIN_SECONDS):
            while True:
                try:
                    identity = await join(settings.control_url, token, store)
                except Unavailable as error:
                    _log.warning("join_waits", reason=error.public, detail=error.detail)
                    await asyncio.sleep(backoff.next_delay())
                else:
                    _log.info("agent_joined", agent=identity.agent_id, region=identity.region)
                    return identity
    except TimeoutError:
        raise Unavailable("The control plane did not answer the joining agent.", code="control_silent") from None


def _read_token(descriptor: int | None) -> Secret | None:
    """The join token from a pipe, which is closed; None where none was given."""
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "rb") as pipe:
        text = pipe.read(MAX_TOKEN_BYTES).decode("ascii", errors="replace").strip()
    return Secret(text) if text else None


async def _unless_stopped(work: Coroutine[None, None, _T], stopping: asyncio.Event) -> _T | None:
    """What `work` gives, or None if it was cancelled because the agent is to stop."""
    loop = asyncio.get_running_loop()
    working, stop = loop.create_task(work), loop.create_task(stopping.wait())
    try:
        await asyncio.wait([working, stop], return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        return None
    finally:
        for task in (working, stop):
            task.cancel()
        await asyncio.gather(working, stop, return_exceptions=True)
