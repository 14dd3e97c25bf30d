"""What each engine and the edge read as their configuration, beside what this agent would write for them now."""

import asyncio
import os
import re
import stat
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from stronghouse.agent.collectors.region_facts import RUNNING_STATE, region_facts, service_resource, services
from stronghouse.agent.inventory import Inventory, ServiceInventory
from stronghouse.engine.configuration import GRANTS, Layout, rendered_configuration
from stronghouse.kernel.canonical import Json, parse_json
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.secret import Secret
from stronghouse.responsibility.collectors.edge_files import edge_resource
from stronghouse.services.actions import sha256_text

VERSION = 1
METHOD = (
    "The files engine.xml and users.xml of each service and the edge's own files are compared byte by byte with what "
    "this agent would write now; users, rights and log tables are read from them. The program and the arguments of "
    "each running worker are read from /proc."
)
MAX_BYTES = 1024 * 1024
SHOWN = 10
LOG_TABLES = ("session_log", "query_log")
WORKER_MODULE = "stronghouse.worker"
_NAME = re.compile(rb"<([A-Za-z][A-Za-z0-9_]*)[ />]")
_BEGINNING = b"<?xml version='1.0' encoding='utf-8'?>"
_PROC = Path("/proc")


async def collect_rendered_configuration(inventory: Inventory) -> Json:
    """Facts about each service and the edge; raises Unavailable while the edge does not run."""
    collected_at = SystemClock().now()
    if inventory.edge.pid is None:
        raise Unavailable("The edge is not running.")
    resources = [await asyncio.to_thread(_service, service) for service in services(inventory)]
    resources.append(await asyncio.to_thread(edge_resource, inventory.edge, place=inventory.region))
    return region_facts(
        inventory,
        collector="rendered_configuration",
        version=VERSION,
        method=METHOD,
        collected_at=collected_at,
        resources=resources,
    )


def _service(service: ServiceInventory) -> dict[str, Json]:
    layout = Layout(service.spec.data_directory)
    wanted = rendered_configuration(layout, memory_limit_bytes=service.spec.memory_limit_bytes)
    found = {path: _read(path) for path in wanted}
    users = _users(found[layout.users_file])
    engine = _document(found[layout.engine_file])
    return service_resource(
        service,
        running=service.state == RUNNING_STATE and service.pid is not None,
        written=all(content is not None for content in found.values()),
        differences=_differences(wanted, found),
        process_problems=_process_problems(service),
        password_empty=service.spec.password_sha256 == sha256_text(Secret("")),
        expected_user=service.spec.username,
        users=users,
        log_tables=[*(name for name in LOG_TABLES if engine is not None and engine.find(name) is not None)],
    )


def _read(path: Path) -> bytes | None:
    """A file's content, at most a megabyte; None where there is none, and for anything but a regular file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, MAX_BYTES) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    finally:
        os.close(descriptor)


def _differences(wanted: Mapping[Path, bytes], found: Mapping[Path, bytes | None]) -> list[Json]:
    """Which files differ, and by which elements: names only, since values are whatever somebody wrote there."""
    told: list[Json] = []
    for path, content in wanted.items():
        there = found[path]
        if there is None:
            told.append(f"{path.name} is missing")
        elif there != content:
            ours, theirs = Counter(_NAME.findall(content)), Counter(_NAME.findall(there))
            gone, added = sorted((ours - theirs).elements()), sorted((theirs - ours).elements())
            told.append(f"{path.name} differs: {_named('gone', gone)}{_named('added', added)}".rstrip("; :"))
    return told


def _named(what: str, names: list[bytes]) -> str:
    distinct = list(dict.fromkeys(name.decode() for name in names))
    return f"{what} {', '.join(distinct[:SHOWN])}; " if distinct else ""


def _document(content: bytes | None) -> ET.Element | None:
    """The file as XML; None for one with declarations of its own, by which a small file can become a huge one."""
    if content is None or not content.startswith(_BEGINNING) or b"<!" in content:
        return None
    parser = ET.XMLParser()  # noqa: S314 - without declarations there is nothing to expand
    try:
        parser.feed(content)
        return parser.close()
    except ET.ParseError:
        return None


def _users(content: bytes | None) -> Json:
    """Every user with the rights that are not among ours; None where the file cannot be read."""
    document = _document(content)
    if document is None:
        return None
    known = {f"GRANT {GRANTS} ON *.*", "GRANT SET DEFINER ON default"}
    users: list[Json] = []
    for user in document.findall("users/*"):
        grants = [query.text or "" for query in user.findall("grants/query")]
        extra = [one for one in grants if one not in known and not one.startswith("GRANT TABLE ENGINE ON ")]
        managed = [name for name in ("access_management", "named_collection_control") if user.find(name) is not None]
        users.append({"name": user.tag, "extra_rights": [*extra, *managed], "restricted": bool(grants)})
    return users


def _process_problems(service: ServiceInventory) -> list[Json]:
    """What is not as we start a worker; empty for one that does not run."""
    if service.pid is None:
        return []
    try:
        arguments = (_PROC / str(service.pid) / "cmdline").read_bytes().split(b"\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []  # it has just ended
    except OSError:
        return ["what it was started with cannot be read"]
    told: list[Json] = []
    try:
        program = (_PROC / str(service.pid) / "exe").readlink()
        if program != Path(sys.executable).resolve():
            told.append(f"its program is {program}")
    except OSError:  # a worker that hides itself from us; its arguments are told all the same
        pass
    if len(arguments) < 2 or arguments[-2] != WORKER_MODULE.encode():  # noqa: PLR2004 - the module and what it is given
        return [*told, "it is no worker of ours"]
    try:
        launch = parse_json(arguments[-1])
    except ValueError:
        launch = None
    wanted: dict[str, Json] = {"data_directory": str(service.spec.data_directory), "uid": service.spec.uid}
    fields = launch if isinstance(launch, dict) else {}
    return [*told, *(f"it was started with another {name}" for name, one in wanted.items() if fields.get(name) != one)]
