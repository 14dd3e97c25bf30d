"""An organization in which there is one of everything that a page of the console can be about."""

from datetime import timedelta
from typing import Any

from fastapi.routing import APIRoute
from sqlalchemy import Connection, String, inspect, update
from tests.api.test_advisories import inventory
from tests.support.advisories import entry, lines
from tests.support.console_services import connected, make_service
from tests.support.control_plane import CONTEXT, NOW, Plane
from tests.unit.responsibility.findings.looks import Scene

from stronghouse.access import api_keys
from stronghouse.access.api_keys import KeyRequest
from stronghouse.access.model import Source
from stronghouse.access.permissions import Permission
from stronghouse.access.roles import store as roles
from stronghouse.access.roles.policies import EVERY_SERVICE, Effect, Policy, Role
from stronghouse.access.roles.system import ADMIN
from stronghouse.audit.event import Context
from stronghouse.compliance import store as packages
from stronghouse.compliance.model import Package, PackageState, Sample
from stronghouse.console.application import MODULES
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from stronghouse.notifications.actions import ChannelRequest
from stronghouse.responsibility.model import Severity
from stronghouse.services.model import ServiceState
from stronghouse.storage.columns import metadata

REPORT = "pentest_report"
"""A request for a document."""
ROW, PROFILE = "platform.rest", "baseline"
DOWNLOADS = ("/file", "/export")
TOLD = {"name", "reason", "note", "error", "file_name", "engine_version", "ended_because", "source"}
"""Columns in which people, agents or programs tell something in their own words."""


def furnish(plane: Plane, scene: Scene) -> dict[str, str]:
    """Fill the operator's organization, all of it by others than who will look; ids by how routes call them."""
    grace = scene.person("grace@example.com")
    key_id, auth = _key(plane, scene, grace)
    running = make_service(plane, scene.operator, "running", "0.0.0.0/0 everyone", settings={"max_threads": "4"})
    make_service(plane, scene.operator, "asleep", state=ServiceState.IDLE)
    make_service(plane, scene.operator, "stopped", state=ServiceState.STOPPED)
    connected(plane, ("203.0.113.9", 2))
    finding_id, disposition_id = _findings(plane, scene, grace, auth)
    role = _role(plane, scene)
    run = plane.control.check_runs.start(CONTEXT, organization_id=scene.operator, row_id=ROW)
    plane.control.check_runs.run_next()
    evidence_id, *_ = _column(plane, "SELECT id FROM evidence")
    return {
        "service_id": running.id,
        "key_id": key_id,
        "role_id": role.id,
        "user_id": scene.person("heidi@example.com").actor.id,
        "finding_id": finding_id,
        "disposition_id": disposition_id,
        "request_id": REPORT,
        "document_id": _document(plane, scene, auth),
        "channel_id": _channel(plane, scene),
        "package_id": _package(plane, scene),
        "evidence_id": evidence_id,
        "run_id": run.id,
        "invitation_id": _invitation(plane, scene, auth),
        "event_id": _column(plane, 'SELECT event_id FROM audit_entry ORDER BY "index" DESC')[0],
        "profile_id": PROFILE,
        "row_id": ROW,
    }


def _role(plane: Plane, scene: Scene) -> Role:
    """A role that allows nothing, so that whoever may change roles may change it."""
    denial = Policy(new_id(), Effect.DENY, (Permission.SERVICE_DELETE,), (EVERY_SERVICE,))
    role = Role(new_id(), "Careful", (denial,), scene.operator)
    with plane.control.database.write() as connection:
        roles.insert_role(connection, role, now=NOW)
    return role


def pages(ids: dict[str, str]) -> list[str]:
    """The address of every page of the console about what was furnished."""
    routes = [route for module in MODULES for route in module.router.routes if isinstance(route, APIRoute)]
    shown = [route.path for route in routes if "GET" in (route.methods or ()) and not route.path.endswith(DOWNLOADS)]
    return sorted(path.format(**ids) for path in shown if not path.startswith("/sign-in/"))


def rename_everything(connection: Connection, name: str) -> int:
    """Put `name` wherever something is called or told, past every rule about names; how many rows that were."""
    there = set(inspect(connection).get_table_names())  # some tests have tables of their own
    return sum(
        connection.execute(update(table).values({column.name: name for column in told})).rowcount
        for table in metadata.tables.values()
        if table.name in there
        and (told := [column for column in table.columns if column.name in TOLD and isinstance(column.type, String)])
    )


def _column(plane: Plane, statement: str) -> list[str]:
    with plane.control.database.read() as connection:
        return [str(one) for one in connection.exec_driver_sql(statement).scalars()]


def _key(plane: Plane, scene: Scene, maker: Context) -> tuple[str, tuple[str, str]]:
    """One without an end, so that there is advice about it."""
    wanted = KeyRequest(name="deploy", role_ids=(ADMIN.id,), ip_access=(Source("127.0.0.0/8"),))
    with plane.control.audit.unit_of_work(maker) as uow:
        made = api_keys.create_key(uow, wanted, organization_id=scene.operator, creator=None, now=plane.clock.now())
    assert made.key_id is not None
    assert made.key_secret is not None
    return made.key.id, (made.key_id.reveal(), made.key_secret.reveal())


def _findings(plane: Plane, scene: Scene, author: Context, auth: tuple[str, str]) -> tuple[str, str]:
    """Two findings, known vulnerabilities, and a disposition of the first that somebody asked for."""
    feed = f"/organizations/{scene.operator}/advisories?unsigned=true&source=made%20up"
    assert plane.call("PUT", feed, auth, content=lines(entry("A-1"))).status_code == 200
    inventory(plane, "region/local", ["widget"])
    scene.graver(Severity.HIGH)
    scene.look(**{"file/a": "F", "file/b": "F"})
    asked = scene.ask("file/a", author)
    return scene.id_of("file/a"), asked.id


def _document(plane: Plane, scene: Scene, auth: tuple[str, str]) -> str:
    """One that nobody reviewed yet."""
    fields: list[tuple[str, Any]] = [("request", (None, REPORT)), ("date", (None, str(NOW.date())))]
    file = ("file", ("report.pdf", b"%PDF-1.7", "application/pdf"))
    answer = plane.call("POST", f"/organizations/{scene.operator}/documents", auth, files=[*fields, file])
    assert answer.status_code == 200, answer.text
    return str(answer.json()["result"]["id"])


def _channel(plane: Plane, scene: Scene) -> str:
    wanted = ChannelRequest(name="hook", url=Secret("jsons://hooks.example.com"))
    added = plane.control.channels.add(CONTEXT, wanted, organization_id=scene.operator, now=plane.clock.now())
    return added.id


def _invitation(plane: Plane, scene: Scene, auth: tuple[str, str]) -> str:
    body = {"email": "invited@example.com", "assignedRoleIds": [ADMIN.id]}
    answer = plane.call("POST", f"/organizations/{scene.operator}/invitations", auth, json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["result"]["id"])


def _package(plane: Plane, scene: Scene) -> str:
    """One that can be taken."""
    begin, now = NOW - timedelta(days=30), plane.clock.now()
    made = Package(new_id(), scene.operator, now, begin, NOW, Sample.DAILY, PackageState.READY, size=1, sha256="0" * 64)
    with plane.control.audit.bookkeeping("a test's package") as connection:
        packages.insert_package(connection, made)
    plane.control.packages.path(made.id).write_bytes(b"x")
    return made.id
