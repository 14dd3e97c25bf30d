"""What handlers and pages work with: the parts of the control plane, put together by `app`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stronghouse.access.factors.proving import SecondFactors
from stronghouse.audit.throttle import Throttle
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.compliance.builder import PackageBuilder
from stronghouse.kernel.clock import Clock
from stronghouse.notifications.actions import Channels
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.documents.actions import DocumentLibrary
from stronghouse.responsibility.guidance.model import Profile
from stronghouse.responsibility.runs import CheckRuns
from stronghouse.services.ports import Jobs
from stronghouse.services.query_endpoints.following import follow
from stronghouse.storage.database import Database


@dataclass
class ControlPlane:
    """The parts of the control plane that the API and the console call."""

    database: Database
    audit: AuditLog
    clock: Clock
    jobs: Jobs
    service_port: Callable[[int], int]  # a service's HTTPS port from its slot
    host: str
    api_url: str
    console_url: str
    queries_url: str
    ca_file: Path  # the certificate of the authority that clients are to trust
    refusals: Throttle
    catalogue: Catalogue
    check_runs: CheckRuns
    channels: Channels
    factors: SecondFactors
    packages: PackageBuilder
    documents: DocumentLibrary
    profiles: Mapping[str, Profile]
    sends_mail: bool  # whether a mail server is set, so that invitations are mailed and not shown

    def __post_init__(self) -> None:
        follow(self.audit, self.jobs)
