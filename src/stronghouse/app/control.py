"""The control plane as a process: opens its state, binds the areas together, serves until told to stop."""

import asyncio
import contextlib
import functools
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI

from stronghouse.access.invitations.actions import end_expired as end_expired_invitations
from stronghouse.access.people import forget_ended
from stronghouse.api.application import create_api
from stronghouse.app.control_collectors import ControlParts, control_collectors, control_completions
from stronghouse.app.control_database import open_control_database
from stronghouse.app.control_edge import ControlEdge, virtual_hosts
from stronghouse.app.control_factors import open_factors
from stronghouse.app.control_mail import open_mailer
from stronghouse.app.control_notices import keep_history, open_channels
from stronghouse.app.control_secrets import CONTROL_KEY_SUFFIX, ControlSecrets, open_secrets
from stronghouse.app.fact_source import FactSource
from stronghouse.app.first_start import ADMIN_EMAIL, LOCAL_REGION, FirstSecrets, set_up
from stronghouse.app.maintenance import Maintenance
from stronghouse.app.own_machine import console_link, console_url
from stronghouse.app.service_reports import ServiceReports
from stronghouse.audit import checkpoint
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.throttle import Throttle
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.compliance.builder import PackageBuilder
from stronghouse.console.application import create_console
from stronghouse.console.state import open_console
from stronghouse.edge.edge import Edge
from stronghouse.edge.sockets import has_ipv6_loopback
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.files import private_directory, write_private
from stronghouse.kernel.processes import forbid_core_files
from stronghouse.kernel.secret import Secret
from stronghouse.notifications.delivery import Deliverer
from stronghouse.notifications.invitation_post import InvitationPost
from stronghouse.notifications.ports import NoticeSource
from stronghouse.organizations import store as organizations
from stronghouse.plane.parts import ControlPlane
from stronghouse.regions.admission import mint_join_token
from stronghouse.regions.hub import Hub
from stronghouse.responsibility.catalogue import Catalogue, load_catalogue
from stronghouse.responsibility.collectors.host.subject import Subject, declared_ports
from stronghouse.responsibility.collectors.host.view import HostView
from stronghouse.responsibility.collectors.own_files import OwnFiles
from stronghouse.responsibility.collectors.tls_endpoints import TlsEndpoint
from stronghouse.responsibility.documents import store as document_store
from stronghouse.responsibility.documents.actions import DocumentLibrary
from stronghouse.responsibility.documents.files import SealedFiles
from stronghouse.responsibility.documents.requests import load_requests
from stronghouse.responsibility.findings.dispositions import end_expired
from stronghouse.responsibility.guidance.loading import load_profiles
from stronghouse.responsibility.history.notices import StateNotices
from stronghouse.responsibility.history.snapshots import forget_old
from stronghouse.responsibility.notices import DocumentNotices, FindingNotices
from stronghouse.responsibility.retention import run_retention
from stronghouse.responsibility.runner import CheckRunner
from stronghouse.responsibility.runs import CheckRuns
from stronghouse.services.scaling import follow_schedules
from stronghouse.settings.environment import HOST_PORTS, HOST_ROOT, variable
from stronghouse.storage.migrate import migrate

QUERIES_OFFSET, AGENTS_OFFSET, SERVICES_OFFSET = 2, 3, 4  # the port plan of design.md section 6
CA_FILE = "ca.pem"
STOP_SECONDS = 3
CONCURRENT_LOOKS = 4  # most of them wait for an agent
SCHEDULES_SECONDS = 15.0
"""How late an entry of a service's schedule may be."""
MAX_CONNECTIONS = 512  # of the edge to one of the two servers; more get a 503
_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class ControlSettings:
    """What the control plane is told when it starts.

    Attributes:
        state_directory: the installation's; the control plane owns `control/` in it.
        port_base: N of the port plan.
        machine_key_file: the control plane's own key file lies beside it; this one it never opens.
        report_fd: gets one line of JSON once everything answers, then is closed.
        beside_agent: whether an agent on the same machine examines it, so that nothing is said twice.
        mint_join_token: whether that line should carry a token for the local agent.
    """

    state_directory: Path
    port_base: int
    machine_key_file: Path
    report_fd: int | None = None
    beside_agent: bool = False
    mint_join_token: bool = False


class Control:
    """The parts of a running control plane."""

    def __init__(self, settings: ControlSettings) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self.mailer = open_mailer(self.clock)
        self.directory = private_directory(settings.state_directory / "control")
        opened = open_control_database(self.directory)
        self.secrets: ControlSecrets = open_secrets(
            self.directory, machine_key=settings.machine_key_file, clock=self.clock, begun=opened.begun
        )
        self.database = opened.database
        migrate(self.database)
        opened.require_own_log(self.secrets.signer)
        self.audit = AuditLog(self.database, self.secrets.signer, self.clock)
        self.first: FirstSecrets | None = set_up(self.audit, now=self.clock.now())
        opened.remember()
        self.catalogue: Catalogue = load_catalogue()
        self.profiles = load_profiles(self.catalogue)
        self.documents = self._documents()
        self.hub = Hub(
            self.audit,
            agents_ca=self.secrets.agents,
            edge_ca=self.secrets.edge,
            sink=ServiceReports(self.audit, changed=self._note_change),
            clock=self.clock,
        )
        self.edge = Edge(
            directory=self.directory / "edge",
            log_directory=private_directory(settings.state_directory / "log" / "control"),
            concurrency=1,
        )
        self.packages = PackageBuilder(
            self.audit, directory=self.directory / "packages", catalogue=self.catalogue, clock=self.clock
        )
        self.packages.recover()
        self.maintenance, self.schedules = self._jobs()
        self.stopping = threading.Event()
        self.checks = self._checks()
        self.check_runs = CheckRuns(self.checks, self.audit, self.clock)
        self.channels = open_channels(self.audit, machine_key=settings.machine_key_file, clock=self.clock)
        self._publish_public_files()

    def _jobs(self) -> tuple[Maintenance, Maintenance]:
        """What is done from time to time, and what is done often: following the schedules of services."""
        maintenance = Maintenance(
            {
                "retention": lambda now: run_retention(self.audit, now),
                "packages": self.packages.expire,
                "history": lambda now: forget_old(self.audit, now=now),
                "dispositions": lambda now: end_expired(self.audit, now),
                "sessions": lambda now: forget_ended(self.audit, now),
                "invitations": lambda now: end_expired_invitations(self.audit, now),
            },
            clock=self.clock,
        )
        schedules = Maintenance(
            {"schedules": lambda now: follow_schedules(self.audit, self.hub, now=now)}, clock=self.clock
        )
        return maintenance, schedules

    def _publish_public_files(self) -> None:
        """The authority that clients trust and the key that verifies the audit log; neither is secret."""
        signer = self.secrets.signer
        write_private(self.settings.state_directory / CA_FILE, self.secrets.edge.certificate_pem, mode=0o644)
        verifier = checkpoint.verifier_key(signer.origin, signer.public_key)
        write_private(self.directory / "audit.pub", f"{verifier}\n".encode(), mode=0o644)

    def _documents(self) -> DocumentLibrary:
        """What must be on file, and the sealed files; what a crash left of them is removed before anything is filed."""
        key_file = self.settings.machine_key_file
        files = SealedFiles(self.directory / "documents", key_file.with_name(key_file.name + CONTROL_KEY_SUFFIX))
        with self.database.read() as connection:
            files.remove_orphans(document_store.ids_with_file(connection))
        return DocumentLibrary(load_requests(self.catalogue.responsibilities), files)

    def _note_change(self, region_id: str) -> None:
        self.checks.note_change(region_id)

    def plane(self) -> ControlPlane:
        """What the API and the console call."""
        return ControlPlane(
            database=self.database,
            audit=self.audit,
            clock=self.clock,
            jobs=self.hub,
            service_port=lambda slot: self.settings.port_base + SERVICES_OFFSET + slot,
            host="localhost",
            api_url=f"https://localhost:{self.settings.port_base}",
            console_url=console_url(self.settings.port_base),
            queries_url=f"https://localhost:{self.settings.port_base + QUERIES_OFFSET}",
            ca_file=self.settings.state_directory.absolute() / CA_FILE,
            refusals=Throttle(self.clock),
            catalogue=self.catalogue,
            check_runs=self.check_runs,
            channels=self.channels,
            factors=open_factors(self.settings.machine_key_file, console_url=console_url(self.settings.port_base)),
            packages=self.packages,
            documents=self.documents,
            profiles=self.profiles,
            sends_mail=self.mailer is not None,
        )

    def _checks(self) -> CheckRunner:
        base = self.settings.port_base
        addresses = ("127.0.0.1", "::1") if has_ipv6_loopback() else ("127.0.0.1",)
        endpoints = [
            TlsEndpoint("localhost", base, addresses),
            TlsEndpoint("localhost", base + 1, addresses),
            TlsEndpoint("localhost", base + AGENTS_OFFSET, addresses, required_versions=("1.3",)),
        ]
        parts = ControlParts(
            database=self.database,
            audit=self.audit,
            profiles=self.profiles,
            signer=self.secrets.signer,
            catalogue=self.catalogue,
            clock=self.clock,
            endpoints=endpoints,
            edge_ca_pem=self.secrets.edge.certificate_pem.decode(),
            edge=self.edge,
            authorities={
                "agents": self.secrets.agents.certificate_pem,
                "edge": self.secrets.edge.certificate_pem,
            },
            own_files=self._own_files(),
            documents=self.documents,
            running_since=self.clock.now(),
            host=self._host(),
            host_examined_by_agent=self.settings.beside_agent,
            stopping=self.stopping,
        )
        source = FactSource(
            database=self.database,
            hub=self.hub,
            collectors=control_collectors(parts),
            stopping=self.stopping,
            completions=control_completions(self.database),
        )
        self._fact_source = source
        return CheckRunner(
            self.audit,
            sources=source,
            ownership=source,
            catalogue=self.catalogue,
            clock=self.clock,
            concurrency=CONCURRENT_LOOKS,
            stopping=self.stopping,
        )

    def _host(self) -> tuple[HostView, Subject]:
        declared = declared_ports(variable(HOST_PORTS))
        subject = Subject(state_directory=self.settings.state_directory, declared=declared)
        return HostView(Path(variable(HOST_ROOT) or "/")), subject

    def _own_files(self) -> OwnFiles:
        state, machine_key = self.settings.state_directory, self.settings.machine_key_file
        public = state / CA_FILE, self.directory / "audit.pub"
        return OwnFiles(
            area="control",
            roots=[self.directory, state / "log"],
            single=[
                state,
                state / "supervisor.lock",
                state / CA_FILE,
                machine_key.with_name(machine_key.name + CONTROL_KEY_SUFFIX),
            ],
            public=public,
            traversable=[state] if os.geteuid() == 0 else (),
        )

    def _notice_sources(self) -> list[NoticeSource]:
        return [StateNotices(self.catalogue), FindingNotices(), DocumentNotices(self.documents.requests)]

    def start_threads(self) -> None:
        """Begin to run checks, keep history and send notifications, until `stopping` is set.

        Daemons: a check that hangs must not keep the process alive.
        """
        deliverer = Deliverer(self.audit, channels=self.channels, sources=self._notice_sources(), clock=self.clock)
        history = functools.partial(
            keep_history,
            self.audit,
            catalogue=self.catalogue,
            regions=self._fact_source.regions,
            clock=self.clock,
            stop=self.stopping,
        )
        works: dict[str, Callable[[], object]] = {
            "checks": functools.partial(self.checks.run_forever, self.stopping),
            "check-runs": functools.partial(self.check_runs.run_forever, self.stopping),
            "history": history,
            "notifications": functools.partial(deliverer.run_forever, self.stopping),
            "packages": functools.partial(self.packages.run_forever, self.stopping),
            "schedules": functools.partial(self.schedules.run_forever, self.stopping, interval=SCHEDULES_SECONDS),
            "maintenance": functools.partial(self.maintenance.run_forever, self.stopping),
        }
        if self.mailer is not None:
            post = InvitationPost(
                self.audit, mailer=self.mailer, console_url=console_url(self.settings.port_base), clock=self.clock
            )
            works["invitations"] = functools.partial(post.run_forever, self.stopping)
        for name, work in works.items():
            threading.Thread(target=work, name=name, daemon=True).start()

    def report(self) -> dict[str, str | None]:
        """What the supervisor is told: secrets only on the first start."""
        first, token = self.first, None
        if self.settings.mint_join_token:
            with self.audit.unit_of_work(Context(SYSTEM)) as uow:
                token = mint_join_token(
                    uow,
                    region_id=LOCAL_REGION,
                    edge_ca_pem=self.secrets.edge.certificate_pem,
                    now=self.clock.now(),
                )
        with self.database.read() as connection:
            organization_id = organizations.first_id(connection)
        signer = self.secrets.signer
        return {
            "organization_id": organization_id,
            "admin_email": ADMIN_EMAIL,
            "login_url": _text(console_link(self.settings.port_base, first.sign_in_token) if first else None),
            "api_key_id": _text(first.api_key_id if first else None),
            "api_key_secret": _text(first.api_key_secret if first else None),
            "join_token": _text(token),
            "edge_ca_pem": self.secrets.edge.certificate_pem.decode(),
            "verifier_key": checkpoint.verifier_key(signer.origin, signer.public_key),
        }


async def run_control(settings: ControlSettings) -> int:
    """Serve until SIGTERM or SIGINT; 0 after a clean stop.

    Raises:
        StronghouseError: the state cannot be opened, or a port is taken.
    """
    forbid_core_files()
    os.umask(0o077)  # the database and what SQLite puts beside it are nobody else's
    control = await asyncio.to_thread(Control, settings)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sig in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sig, stopping.set)
    # Sent by the supervisor before it ends the agent. SIGURG is ignored by default: it ends no process that starts.
    loop.add_signal_handler(signal.SIGURG, control.stopping.set)
    sockets = private_directory(control.directory / "run")
    plane = control.plane()
    api, console = create_api(plane), create_console(open_console(plane))
    servers = [_serve(app, sockets / name) for app, name in ((api, "api.sock"), (console, "console.sock"))]
    edge = control.edge
    keeper = ControlEdge(edge, control.secrets.edge)
    async with asyncio.TaskGroup() as tasks:
        serving = [tasks.create_task(server.serve(sockets=[listener])) for server, listener in servers]
        await control.hub.start(port=settings.port_base + AGENTS_OFFSET)
        await keeper.start(
            virtual_hosts(port_base=settings.port_base, api=sockets / "api.sock", console=sockets / "console.sock")
        )
        keeping = tasks.create_task(keeper.run())
        control.start_threads()
        await asyncio.to_thread(_report, control, settings.report_fd)
        _log.info("control_ready", port_base=settings.port_base)
        await stopping.wait()
        control.stopping.set()
        keeping.cancel()
        await edge.stop(STOP_SECONDS)
        for server, _ in servers:
            server.should_exit = True
        await asyncio.gather(*serving)
        await control.hub.stop()
    control.database.close()
    return 0


def _serve(app: FastAPI, path: Path) -> tuple[uvicorn.Server, socket.socket]:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,  # longer than the edge keeps its connections, so that none is closed under a request
        timeout_graceful_shutdown=STOP_SECONDS,
        limit_concurrency=MAX_CONNECTIONS,
        lifespan="off",
    )
    server = uvicorn.Server(config)
    server.capture_signals = _no_signals  # type: ignore[method-assign]  # the process has its own handlers
    return server, listener


@contextlib.contextmanager
def _no_signals() -> Iterator[None]:
    yield


def _report(control: Control, descriptor: int | None) -> None:
    if descriptor is None:
        return
    with os.fdopen(descriptor, "w") as pipe:
        pipe.write(json.dumps(control.report()) + "\n")
    control.first = None


def _text(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()
