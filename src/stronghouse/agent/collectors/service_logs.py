"""Whether a running service keeps its logs: something is done that they must show, and then they are asked for it."""

import asyncio
import secrets
from datetime import UTC, datetime

from stronghouse.agent.collectors.region_facts import RUNNING_STATE, region_facts, service_resource, services
from stronghouse.agent.collectors.service_authentication import attempt, nobodys_address
from stronghouse.agent.inventory import Inventory, ServiceInventory
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock, rfc3339
from stronghouse.kernel.errors import Unavailable
from stronghouse.worker.reports import CANARY, LogReport

VERSION = 1
METHOD = (
    "A sign-in under a random name is tried at the socket of each running worker, which must refuse it; the worker is "
    "then told the name, runs a statement that holds it and records it under that name, moves its journal into the "
    "tables, and looks in system.session_log and system.query_log for both. Rows are counted, and the tables' "
    "retention is read."
)


async def collect_service_logs(inventory: Inventory) -> Json:
    """Facts about each service. One that does not run is not woken."""
    collected_at = SystemClock().now()
    resources = await asyncio.gather(*(_service(service) for service in services(inventory)))
    return region_facts(
        inventory,
        collector="service_logs",
        version=VERSION,
        method=METHOD,
        collected_at=collected_at,
        resources=resources,
    )


async def _service(service: ServiceInventory) -> dict[str, Json]:
    wanted = service.spec.log_retention_days
    worker = service.worker
    if service.state != RUNNING_STATE or worker is None:
        return service_resource(
            service, running=False, problem=None, wanted_retention_days=wanted, query_log=None, session_log=None
        )
    canary = f"{CANARY}{secrets.token_hex(16)}"
    problem, found = None, None
    try:
        stranger = (canary, secrets.token_urlsafe(32))
        await attempt(service.socket, "canary", stranger, address=nobodys_address())
        found = await worker.logs(canary=canary)
    except Unavailable as error:
        problem = error.public
    return service_resource(
        service,
        running=True,
        problem=problem,
        wanted_retention_days=wanted,
        query_log=None if found is None else _fields(found.query_log),
        session_log=None if found is None else _fields(found.session_log),
    )


def _fields(log: LogReport) -> dict[str, Json]:
    newest = None if log.newest is None else rfc3339(datetime.fromtimestamp(log.newest, UTC))
    return {**log.to_json(), "newest": newest, "canary": log.canary is True}
