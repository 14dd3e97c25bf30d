"""What handlers work with: the parts of the control plane, put together by `app`."""

from collections.abc import Callable
from dataclasses import dataclass

from stronghouse.audit.throttle import Throttle
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import Clock
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.services.ports import Jobs
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
    refusals: Throttle
    catalogue: Catalogue
