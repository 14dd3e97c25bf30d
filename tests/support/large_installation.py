"""A control plane with a thousand services and a million audit events, made in seconds.

The events are one realistic stretch of log (`many_events`) and copies of it, later in time. What is copied is not what
the tree commits to, so nothing here may be verified; reading, filtering and proving cost what they would.
"""

from datetime import timedelta

from sqlalchemy import Connection
from tests.support.control_plane import CONTEXT, Plane
from tests.support.many_events import STEP, fill
from tests.unit.responsibility.findings.looks import Scene

from stronghouse.access.model import Source
from stronghouse.audit import store as audit
from stronghouse.regions import actions as regions
from stronghouse.services import store as services
from stronghouse.services.model import Service, ServiceState, Wanted

STRETCH = 10_000
COPIES_AT_ONCE = 5
SERVICES_OF_A_REGION = 250
EVERY_PAGE = (
    "/",
    "/?state=fail",
    "/responsibilities/platform.rest",
    "/findings",
    "/vulnerabilities",
    "/guidance",
    "/services",
    "/services?q=analytics-99",
    "/services/{service}",
    "/services/{service}/access",
    "/keys",
    "/people",
    "/audit",
    "/audit?code=service.create",
    "/audit?service={service}",
    "/audit?outcome=denied",
    "/audit?address=10.0.7.7",
    "/audit?since=2026-03-01&until=2026-03-02",
    "/audit/{event}",
    "/documents",
    "/packages",
    "/notifications",
    "/account",
)
FAILING = 10
"""One in so many services has a failing check."""


def enlarge(plane: Plane, scene: Scene, *, services_count: int, events_count: int) -> list[str]:
    """Fill the operator's organization; the ids of its services."""
    ids = _add_services(plane, scene.operator, services_count)
    scene.look(**{f"service/{one}": "F" if number % FAILING == 0 else "P" for number, one in enumerate(ids)})
    copies = events_count // STRETCH - 1
    until = plane.clock.now() - timedelta(days=1) - STEP * STRETCH * copies
    with plane.control.database.read() as connection:
        start = audit.size(connection)
    fill(plane.control.database, scene.operator, STRETCH, until=until, services=len(ids))
    for first in range(1, copies + 1, COPIES_AT_ONCE):  # so that the write-ahead log stays small
        with plane.control.database.write() as connection:
            _copy_events(connection, start, first, min(first + COPIES_AT_ONCE - 1, copies))
    with plane.control.database.write() as connection:
        _complete_tree(connection)
    return ids


def an_event(plane: Plane) -> str:
    """The id of an event whose place in the tree is real."""
    with plane.control.database.read() as connection:
        (found,) = audit.entries(connection, start=STRETCH // 2, count=1)
    return found.event_id


def _add_services(plane: Plane, organization_id: str, count: int) -> list[str]:
    names = [f"region-{number}" for number in range(-(-count // SERVICES_OF_A_REGION))]
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        for name in names:
            regions.create_region(uow, region_id=name, cloud_provider=None, cloud_region=None, now=plane.clock.now())
    ids = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(count)]
    with plane.control.database.write() as connection:
        for number, one in enumerate(ids):
            services.insert_service(connection, _service(plane, organization_id, number, one, names))
    return ids


def _service(plane: Plane, organization_id: str, number: int, service_id: str, names: list[str]) -> Service:
    return Service(
        id=service_id,
        organization_id=organization_id,
        region=names[number // SERVICES_OF_A_REGION],
        slot=number % SERVICES_OF_A_REGION,
        name=f"analytics-{number}",
        state=ServiceState.RUNNING if number % 3 else ServiceState.IDLE,
        wanted=Wanted.RUNNING,
        version=1,
        reason=None,
        engine_version="26.5.1.1",
        key_id="local:1",
        ip_access=tuple(Source(f"10.0.{block}.0/24", f"office {block}") for block in range(20)),
        username="default",
        password_sha256="A" * 43 + "=",
        idle_scaling=True,
        idle_timeout_minutes=15,
        memory_gb=8,
        created_at=plane.clock.now() - timedelta(days=1, minutes=number),
    )


def _copy_events(connection: Connection, start: int, first: int, last: int) -> None:
    """Lay copies of the stretch behind it: later, and each with an id of its own."""
    microseconds = int(STEP.total_seconds() * 1_000_000)
    fields = "organization_id, service_id, code, activity, body, leaf_hash, actor_id, outcome, address"
    connection.exec_driver_sql(
        f"""
        INSERT INTO audit_entry ("index", event_id, created_at, {fields})
        WITH RECURSIVE copy(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM copy WHERE n < {last})
        SELECT "index" + n * {STRETCH}, lower(hex(randomblob(16))), created_at + n * {STRETCH * microseconds}, {fields}
        FROM copy CROSS JOIN audit_entry WHERE "index" >= {start} AND "index" < {start + STRETCH}
        """
    )


def _complete_tree(connection: Connection) -> None:
    size, level = audit.size(connection), 0
    while size >> level:
        connection.exec_driver_sql(
            f"""
            INSERT OR IGNORE INTO audit_node (level, "index", hash)
            WITH RECURSIVE place(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM place WHERE n + 1 < {size >> level})
            SELECT {level}, n, randomblob(32) FROM place
            """
        )
        level += 1
