"""What a region says of its services, as the control plane takes it in."""

from tests.support.control_plane import CONTEXT, Plane

from stronghouse.services.reports import Report, take_reports

ENGINE_VERSION = "26.9.2.1"


def report(plane: Plane, service_id: str, state: str) -> None:
    """The region says that a service is in a state, as of what is wanted now."""
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        said = Report(service_id, state, version=10_000, engine_version=ENGINE_VERSION)
        take_reports(uow, region_id="local", reports=[said])
