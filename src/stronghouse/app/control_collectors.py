"""The collectors that run on the control plane, by name."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from stronghouse.audit.checkpoint import Signer
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.compliance.collector import collect_packages
from stronghouse.edge.edge import Edge
from stronghouse.kernel.clock import Clock
from stronghouse.regions.actions import find_agents, find_regions
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.collectors.advisories import compare
from stronghouse.responsibility.collectors.agents import await_agents, collect_agents
from stronghouse.responsibility.collectors.audit_progress import collect_audit_progress
from stronghouse.responsibility.collectors.audit_tree import collect_audit_tree
from stronghouse.responsibility.collectors.components import collect_components
from stronghouse.responsibility.collectors.control_access import collect_control_access
from stronghouse.responsibility.collectors.declared_state import collect_declared_state
from stronghouse.responsibility.collectors.documents import DocumentCollector
from stronghouse.responsibility.collectors.edge_files import collect_edge_files
from stronghouse.responsibility.collectors.findings import collect_findings
from stronghouse.responsibility.collectors.guidance import collect_guidance
from stronghouse.responsibility.collectors.host.collect import HOST_COLLECTORS, collect_host
from stronghouse.responsibility.collectors.host.subject import Subject
from stronghouse.responsibility.collectors.host.view import HostView
from stronghouse.responsibility.collectors.key_ages import Authority, collect_key_ages
from stronghouse.responsibility.collectors.listening_sockets import collect_listening_sockets
from stronghouse.responsibility.collectors.notification_channels import collect_notification_channels
from stronghouse.responsibility.collectors.own_files import OwnFiles, collect_own_files
from stronghouse.responsibility.collectors.own_process import collect_own_process
from stronghouse.responsibility.collectors.tls_endpoints import TlsEndpoint, collect_tls_endpoints
from stronghouse.responsibility.documents.actions import DocumentLibrary
from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.guidance.actions import close_everywhere
from stronghouse.responsibility.guidance.comparison import Controls
from stronghouse.responsibility.guidance.model import Profile
from stronghouse.storage.database import Database
from stronghouse.storage.schema import foreign_objects

TARGET = "control plane"
TARGET_ID = "control"
AGENTS_BACK_SECONDS = 15.0
"""How long after the control plane's start its agents may take to come back."""


@dataclass(frozen=True, kw_only=True)
class ControlParts:
    """What the collectors look at.

    Attributes:
        audit: where guidance closes the tasks that are done.
        profiles: of settings.
        signer: of the audit log; only its name and public key are used.
        endpoints: what the control plane serves.
        edge_ca_pem: the authority that their certificates end in.
        edge: the control plane's own.
        authorities: certificates of the two certificate authorities `agents` and `edge`, PEM.
        documents: what must be on file, and the sealed files.
        own_files: which files are the control plane's, and who may read them.
        running_since: when the control plane started.
        host: the machine, and what to know of Stronghouse on it.
        host_examined_by_agent: whether an agent on the same machine looks at it: nothing is then said twice.
        stopping: set when no look is wanted any more.
    """

    database: Database
    audit: AuditLog
    profiles: Mapping[str, Profile]
    signer: Signer
    catalogue: Catalogue
    clock: Clock
    endpoints: Sequence[TlsEndpoint]
    edge_ca_pem: str
    edge: Edge
    authorities: Mapping[str, bytes]
    own_files: OwnFiles
    documents: DocumentLibrary
    running_since: datetime
    host: tuple[HostView, Subject]
    host_examined_by_agent: bool
    stopping: threading.Event


def control_collectors(parts: ControlParts) -> Mapping[str, Callable[[], Facts]]:
    """Every collector whose place is the control plane (`responsibility.facts.COLLECTORS`)."""

    def audit_tree() -> Facts:
        with parts.database.read() as connection:
            return collect_audit_tree(
                connection,
                origin=parts.signer.origin,
                public_key=parts.signer.public_key,
                catalogue=parts.catalogue,
                clock=parts.clock,
            )

    def packages() -> Facts:
        with parts.database.read() as connection:
            return collect_packages(connection, clock=parts.clock)

    def findings() -> Facts:
        with parts.database.read() as connection:
            return collect_findings(connection, clock=parts.clock)

    def guidance() -> Facts:
        with parts.database.read() as connection:
            controls = Controls(parts.catalogue, [region.id for region in find_regions(connection)])
        close_everywhere(parts.audit, Context(SYSTEM), parts.profiles, controls=controls, now=parts.clock.now())
        with parts.database.read() as connection:
            return collect_guidance(connection, profiles=parts.profiles, controls=controls, clock=parts.clock)

    def notification_channels() -> Facts:
        with parts.database.read() as connection:
            return collect_notification_channels(connection, clock=parts.clock)

    documents = DocumentCollector(
        parts.database.read, requests=parts.documents.requests, files=parts.documents.files, clock=parts.clock
    )
    return {
        "documents": documents.collect,
        "notification_channels": notification_channels,
        **_product_collectors(parts),
        **_host_collectors(parts),
        "findings": findings,
        "guidance": guidance,
        "packages": packages,
        "audit_tree": audit_tree,
        "tls_endpoints": lambda: collect_tls_endpoints(
            parts.endpoints, authority_pem=parts.edge_ca_pem, target=TARGET, clock=parts.clock
        ),
        "listening_sockets": lambda: collect_listening_sockets(target=TARGET, clock=parts.clock),
        "components": lambda: collect_components(target=TARGET, engine_runs_here=False, clock=parts.clock),
    }


def _product_collectors(parts: ControlParts) -> Mapping[str, Callable[[], Facts]]:
    """The collectors that look at the control plane's own records and files."""
    clock, origin, public_key = parts.clock, parts.signer.origin, parts.signer.public_key

    def control_access() -> Facts:
        with parts.database.read() as connection:
            return collect_control_access(connection, clock=clock)

    def declared_state() -> Facts:
        with parts.database.read() as connection:
            return collect_declared_state(connection, clock=clock, foreign_objects=foreign_objects(connection))

    def agents() -> Facts:
        with parts.database.read() as connection:
            return collect_agents(connection, clock=clock)

    def patient_agents() -> Facts:
        running = (clock.now() - parts.running_since).total_seconds()
        return await_agents(agents, seconds=AGENTS_BACK_SECONDS - running, stopping=parts.stopping)

    def key_ages() -> Facts:
        with parts.database.read() as connection:
            joined = bool(find_agents(connection))
            authorities = {
                "agents": Authority(parts.authorities["agents"], used=joined),
                "edge": Authority(parts.authorities["edge"]),
            }
            return collect_key_ages(
                connection, origin=origin, public_key=public_key, authorities=authorities, clock=clock
            )

    def audit_progress() -> Facts:
        with parts.database.read() as connection:
            return collect_audit_progress(
                connection, origin=origin, public_key=public_key, running_since=parts.running_since, clock=clock
            )

    return {
        "control_access": control_access,
        "declared_state": declared_state,
        "agents": patient_agents,
        "key_ages": key_ages,
        "audit_progress": audit_progress,
        "own_files": lambda: collect_own_files(parts.own_files, target=TARGET, clock=clock),
        "own_process": lambda: collect_own_process(place=TARGET_ID, target=TARGET, clock=clock),
        "rendered_configuration": lambda: collect_edge_files(parts.edge, place=TARGET_ID, target=TARGET, clock=clock),
    }


def _host_collectors(parts: ControlParts) -> Mapping[str, Callable[[], Facts]]:
    """The collectors that look at the machine."""
    view, subject = parts.host

    def look(name: str) -> Facts:
        return collect_host(
            name,
            view=view,
            subject=subject,
            target=TARGET,
            clock=parts.clock,
            examined_by_agent=parts.host_examined_by_agent,
        )

    return {name: partial(look, name) for name in HOST_COLLECTORS}


def control_completions(database: Database) -> Mapping[str, Callable[[Facts, str | None], Facts]]:
    """What the control plane adds to the facts of a collector, wherever it ran, before they are judged."""

    def components(facts: Facts, region: str | None) -> Facts:
        with database.read() as connection:
            return compare(facts, connection, control_plane=region is None)

    return {"components": components}
