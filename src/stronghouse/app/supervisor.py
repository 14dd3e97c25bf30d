"""The supervisor: starts the control plane and the agent of this machine, keeps them running, stops them cleanly.

Invariants: one supervisor for one state directory; no process outlives it; a secret passes from process to process
over pipes only. It does nothing else, so that it stays small and has no reason to die.
"""

import asyncio
import os
import signal
import ssl
import time
from collections.abc import Callable, Coroutine
from typing import Any

from stronghouse.app import supervisor_orphans as orphans
from stronghouse.app import supervisor_probe as probe
from stronghouse.app.demo_protocol import DemoTask
from stronghouse.app.supervisor_child import Child, Launch
from stronghouse.app.supervisor_commands import Commands, OwnCommands
from stronghouse.app.supervisor_demo import DemoRun
from stronghouse.app.supervisor_first_start import FirstStart
from stronghouse.app.supervisor_lock import StateLock
from stronghouse.app.supervisor_logs import ProcessLog, RotatingLog
from stronghouse.app.supervisor_ports import require_free, url
from stronghouse.app.supervisor_ready import RunningService, known_services, ready_document, write_ready_file
from stronghouse.app.supervisor_report import ControlReport, LineReader
from stronghouse.app.supervisor_screen import Screen
from stronghouse.app.supervisor_settings import UpSettings, prepare_state_directory
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.files import private_directory
from stronghouse.kernel.secret import Secret
from stronghouse.settings.environment import child_environment

START_SECONDS = 60.0
SERVICES_SECONDS = 30.0
DEATHS_WHILE_STARTING = 3
STOP_SECONDS = 9.0  # below the 10 s of design.md section 6
HEAD_START_SECONDS = 4.0  # for the agent, which tells the control plane how its services ended
OLD_CERTIFICATE_SECONDS = 21 * 86_400  # it lives 30 days and a running agent renews it after 20
TRAVERSABLE, PRIVATE = 0o711, 0o700
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def run_supervisor(settings: UpSettings, screen: Screen, *, commands: Commands | None = None) -> int:
    """Run an installation until SIGTERM, SIGINT or SIGHUP; the exit code.

    Raises:
        Conflict: another supervisor runs on the state directory, or a port is taken.
        Invalid: the state directory can be changed by others.
        Unavailable: the installation does not come up.
    """
    # A service's own user reaches its data through the state directory when we are root; nobody may list it.
    prepare_state_directory(settings.state_directory, mode=TRAVERSABLE if os.geteuid() == 0 else PRIVATE)
    with StateLock(settings.state_directory):
        require_free(settings.plan)
        private_directory(settings.log_directory)
        if settings.ready_file is not None:
            settings.ready_file.unlink(missing_ok=True)  # an old one says that something answers
        orphans.adopt_orphans()
        try:
            asyncio.run(_supervise(settings, screen, commands or OwnCommands(settings)))
        finally:
            orphans.end_all()
    return 0


async def _supervise(settings: UpSettings, screen: Screen, commands: Commands) -> None:
    await Supervisor(settings, screen, commands).run()


class Supervisor:
    """One run. Made inside the event loop that it runs in."""

    def __init__(self, settings: UpSettings, screen: Screen, commands: Commands) -> None:
        self._settings = settings
        self._screen = screen
        self._commands = commands
        self._clock = SystemClock()
        self._began = time.monotonic()
        self._environment = child_environment()
        self._log = self._open_log("supervisor")
        self._control = self._child("control", self._prepare_control)
        self._agent = self._child("agent", self._prepare_agent)
        self._demo: DemoRun | None = None
        self._join_token: Secret | None = None
        self._signals = 0
        self._starting = True
        self._deaths = {"control": 0, "agent": 0}
        self._loop = asyncio.get_running_loop()
        self._reported: asyncio.Future[bytes] = self._loop.create_future()
        self._failed: asyncio.Future[None] = self._loop.create_future()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Bring everything up, wait for a signal, take everything down."""
        for number in STOP_SIGNALS:
            self._loop.add_signal_handler(number, self._on_stop_signal)
        self._loop.add_signal_handler(signal.SIGCHLD, self._on_child_ended)
        self._log.event("supervisor_started", pid=os.getpid(), port_base=self._settings.plan.base)
        try:
            if await self._unless_stopped(self._bring_up()):
                await self._stopping.wait()
        finally:
            await self._take_down()

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do the work unless a signal asks to stop first or a process cannot start; whether it was done."""
        task, stop = self._loop.create_task(work), self._loop.create_task(self._stopping.wait())
        waited: set[asyncio.Future[Any]] = {task, stop, self._failed}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                await self._failed
            if task.done():
                await task
            return task.done()
        finally:
            for waiting in (task, stop):
                waiting.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)
            if not self._failed.done():
                self._failed.cancel()

    async def _bring_up(self) -> None:
        self._control.start()
        try:
            async with asyncio.timeout(START_SECONDS):
                report, trust = await self._start_control()
                await self._start_agent(report, trust)
        except TimeoutError:
            raise Unavailable(
                f"Not everything answered within {START_SECONDS:.0f} s; see {self._settings.log_directory}.",
                code="start_slow",
            ) from None
        services = await self._services(report, trust)
        self._starting = False
        self._announce(report, services)
        self._first_start(report).shown()

    async def _start_control(self) -> tuple[ControlReport, ssl.SSLContext]:
        report = ControlReport.parse(await self._reported)
        report = self._first_start(report).complete(report)
        trust = probe.trusting(report.edge_ca_pem)
        plan = self._settings.plan
        await probe.wait_until_answers(plan.api, "/v1/health", trust, accepted=range(200, 201))
        await probe.wait_until_answers(plan.console, "/", trust)
        self._screen.step("the control plane answers")
        return report, trust

    def _first_start(self, report: ControlReport) -> FirstStart:
        return FirstStart(self._settings.machine_key_file, report.organization_id)

    async def _start_agent(self, report: ControlReport, trust: ssl.SSLContext) -> None:
        self._join_token = report.join_token
        self._agent.start()
        await probe.wait_until_answers(self._settings.plan.queries, "/", trust)
        self._screen.step("the region's agent answers")

    async def _services(self, report: ControlReport, trust: ssl.SSLContext) -> list[RunningService]:
        key_id, key_secret = report.api_key_id, report.api_key_secret
        if self._settings.demo and key_id is not None and key_secret is not None:
            self._demo = DemoRun(self._commands, self._screen, self._log, self._environment)
            plan, ca_file = self._settings.plan, str(self._settings.ca_file)
            await self._demo.run(DemoTask(url(plan.api), ca_file, report.organization_id, key_id, key_secret))
        else:
            await self._wait_for_services(trust)
        return self._known_services()

    def _known_services(self) -> list[RunningService]:
        """What the agent was told of, with the password that the demo was given."""
        known = known_services(self._settings.desired_state, self._settings.plan)
        made = self._demo.service if self._demo is not None else None
        if made is None:
            return known
        service = RunningService(made.id, made.name, made.port, made.username, made.password)
        return [service, *(other for other in known if other.id != made.id)]

    async def _wait_for_services(self, trust: ssl.SSLContext) -> None:
        """Wait until services that are to run answer. One that does not must not keep the others from being used."""
        wanted = [
            service
            for service in known_services(self._settings.desired_state, self._settings.plan)
            if service.wanted == "running"
        ]
        waits = [probe.wait_until_answers(service.port, "/ping", trust) for service in wanted]
        results = await asyncio.gather(*(_within(SERVICES_SECONDS, wait) for wait in waits))
        for service, answers in zip(wanted, results, strict=True):
            if not answers:
                self._screen.warn(f"The service {service.name} does not answer; see {self._settings.log_directory}.")
        if wanted and all(results):
            self._screen.step(f"services that answer: {len(wanted)}")

    def _announce(self, report: ControlReport, services: list[RunningService]) -> None:
        seconds = time.monotonic() - self._began
        if self._settings.ready_file is not None:
            write_ready_file(
                self._settings.ready_file, ready_document(self._settings, report, services, self._process_ids())
            )
        self._log.event("ready", after_ms=int(seconds * 1000), services=len(services))
        self._screen.ready(self._settings, report, services, seconds)

    def _process_ids(self) -> dict[str, int]:
        ids = {"supervisor": os.getpid()}
        for child in (self._control, self._agent):
            if child.pid is not None:
                ids[child.name] = child.pid
                for below in orphans.children(child.pid):
                    kind = "edge" if orphans.name(below).startswith("envoy") else "worker"
                    ids.setdefault(f"{child.name}_{kind}", below)
        return ids

    def _prepare_control(self) -> Launch:
        reader = LineReader(self._reported)
        return Launch(self._commands.control(reader.writing, mint_join_token=self._must_join()), (reader.writing,))

    def _must_join(self) -> bool:
        """Whether the agent has no certificate, or one so old that it may have expired while everything was off."""
        try:
            age = time.time() - self._settings.agent_certificate.stat().st_mtime
        except FileNotFoundError:
            return True
        return age > OLD_CERTIFICATE_SECONDS

    def _prepare_agent(self) -> Launch:
        token = self._join_token
        if token is None or not self._must_join():
            return Launch(self._commands.agent(None))
        reading, writing = os.pipe()
        os.write(writing, f"{token.reveal()}\n".encode())
        os.close(writing)
        return Launch(self._commands.agent(reading), (reading,))

    def _child(self, name: str, prepare: Callable[[], Launch]) -> Child:
        return Child(
            name=name,
            prepare=prepare,
            log=self._open_log(name),
            supervisor_log=self._log,
            environment=self._environment,
            died=lambda code: self._on_death(name, code),
        )

    def _open_log(self, name: str) -> ProcessLog:
        return ProcessLog(name, RotatingLog(self._settings.log_directory / f"{name}.log"), self._clock)

    def _on_death(self, name: str, code: int) -> None:
        self._deaths[name] += 1
        if not self._starting or self._deaths[name] < DEATHS_WHILE_STARTING or self._failed.done():
            return
        child = self._control if name == "control" else self._agent
        said = child.log.last_words() or f"exit code {code}"
        what = "control plane" if name == "control" else "agent"
        self._failed.set_exception(
            Unavailable(
                f"The {what} does not start: {said} (more in {self._settings.log_directory / f'{name}.log'})",
                code="start_failed",
            )
        )

    def _on_child_ended(self) -> None:
        own = {self._control.process, self._agent.process, self._demo.process if self._demo is not None else None}
        orphans.reap({process.pid for process in own if process is not None})

    def _on_stop_signal(self) -> None:
        self._signals += 1
        self._stopping.set()
        if self._signals > 1:  # impatience: end everything now
            self._agent.kill()
            self._control.kill()

    async def _take_down(self) -> None:
        self._log.event("stopping", signals=self._signals)
        began = self._loop.time()
        self._control.send(signal.SIGURG)  # from now on a region that is away is no finding
        agent = self._loop.create_task(self._agent.stop(STOP_SECONDS))
        await asyncio.wait({agent}, timeout=HEAD_START_SECONDS)
        await self._control.stop(STOP_SECONDS - (self._loop.time() - began))
        await agent
        killed = orphans.end_all()
        self._log.event("stopped", left_over=len(killed))


async def _within(seconds: float, work: Coroutine[Any, Any, None]) -> bool:
    """Whether the work was done in time."""
    try:
        await asyncio.wait_for(work, seconds)
    except TimeoutError:
        return False
    return True
