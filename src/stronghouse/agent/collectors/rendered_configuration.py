"""What each engine and the edge read as their configuration, beside what this agent would write for them now."""

import asyncio
import base64
import hashlib
import os
import re
import stat
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

from stronghouse.agent.collectors.region_facts import RUNNING_STATE, region_facts, service_resource, services
from stronghouse.agent.collectors.users_file import read_users
from stronghouse.agent.inventory import Inventory, ServiceInventory
from stronghouse.engine.configuration import Layout, engine_tree, render
from stronghouse.kernel.canonical import Json, parse_json
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import Unavailable
from stronghouse.responsibility.collectors.edge_files import edge_resource

VERSION = 2
METHOD = (
    "The file engine.xml of each service and the edge's own files are compared byte by byte with what this agent would "
    "write now, and users.xml, which follows the service's catalogue, with the SHA-256 of what its running worker "
    "says that it wrote. Users and rights are read from it. The program and the arguments of each running worker are "
    "read from /proc."
)
MAX_BYTES = 64 * 1024 * 1024
"""A users file has about 1 KiB for each user, and the filters of each row policy for each of those who make views."""
SHOWN = 10
WORKER_MODULE = "stronghouse.worker"
EMPTY_PASSWORD = base64.b64encode(hashlib.sha256(b"").digest()).decode()
"""How the control plane would tell of it. Its own function for that would bring the database's library with it."""
_NAME = re.compile(rb"<([A-Za-z][A-Za-z0-9_]*)[ />]")
_BEGINNING = b"<?xml version='1.0' encoding='utf-8'?>"
_PROC = Path("/proc")


async def collect_rendered_configuration(inventory: Inventory) -> Json:
    """Facts about each service and the edge; raises Unavailable while the edge does not run."""
    collected_at = SystemClock().now()
    if inventory.edge.pid is None:
        raise Unavailable("The edge is not running.")
    resources: list[dict[str, Json]] = [await _service(service) for service in services(inventory)]
    resources.append(await asyncio.to_thread(edge_resource, inventory.edge, place=inventory.region))
    return region_facts(
        inventory,
        collector="rendered_configuration",
        version=VERSION,
        method=METHOD,
        collected_at=collected_at,
        resources=resources,
    )


async def _service(service: ServiceInventory) -> dict[str, Json]:
    written = await _told_digest(service)
    seen = await asyncio.to_thread(_seen, service, written)
    if seen["differences"] and await _told_digest(service) != written:
        # Its users were changed between the question and the look.
        seen = await asyncio.to_thread(_seen, service, await _told_digest(service))
    return seen


async def _told_digest(service: ServiceInventory) -> str | None:
    """The SHA-256 of the users file that the running worker wrote; None where it does not tell."""
    if service.state != RUNNING_STATE or service.worker is None:
        return None
    try:
        return (await service.worker.access()).users_file_sha256
    except Unavailable:
        return None


def _seen(service: ServiceInventory, users_digest: str | None) -> dict[str, Json]:
    layout = Layout(service.spec.data_directory)
    engine = render(engine_tree(layout, memory_limit_bytes=service.spec.memory_limit_bytes))
    engine_file, users_file = _read(layout.engine_file), _read(layout.users_file)
    differences = _differences(layout.engine_file.name, engine, engine_file)
    differences += _differing_users(layout.users_file.name, users_digest, users_file)
    return service_resource(
        service,
        running=service.state == RUNNING_STATE and service.pid is not None,
        written=engine_file is not None and users_file is not None,
        differences=differences,
        process_problems=_process_problems(service),
        password_empty=service.spec.password_sha256 == EMPTY_PASSWORD,
        expected_user=service.spec.username,
        users=read_users(_document(users_file)),
    )


def _differing_users(name: str, digest: str | None, found: bytes | None) -> list[Json]:
    if found is None:
        return [f"{name} is missing"]
    if digest is None:
        return [f"{name} cannot be compared: the service's worker does not tell what it wrote"]
    return [] if hashlib.sha256(found).hexdigest() == digest else [f"{name} is not what the service's worker wrote"]


def _read(path: Path) -> bytes | None:
    """A file's content, up to `MAX_BYTES`; None where there is none, and for anything but a regular file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, MAX_BYTES) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    finally:
        os.close(descriptor)


def _differences(name: str, wanted: bytes, found: bytes | None) -> list[Json]:
    """How a file differs, by the elements: names only, since values are whatever somebody wrote there."""
    if found is None:
        return [f"{name} is missing"]
    if found == wanted:
        return []
    ours, theirs = Counter(_NAME.findall(wanted)), Counter(_NAME.findall(found))
    gone, added = sorted((ours - theirs).elements()), sorted((theirs - ours).elements())
    return [f"{name} differs: {_named('gone', gone)}{_named('added', added)}".rstrip("; :")]


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
