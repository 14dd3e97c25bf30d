"""What confines each engine's worker, by the kernel's account and its own, and what a probe in its sandbox reaches."""

import asyncio
import os
from pathlib import Path

from stronghouse.agent.collectors.region_facts import RUNNING_STATE, region_facts, service_resource, services
from stronghouse.agent.directories import Directories
from stronghouse.agent.inventory import Inventory, ServiceInventory
from stronghouse.edge.bootstrap import ADMIN_SOCKET
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import Unavailable
from stronghouse.worker.probe import probe_sandbox

VERSION = 1
METHOD = (
    "/proc/<pid>/status and limits of each running worker, and what it told of Landlock when it started; then a "
    "process in the same sandbox tries to read files, to reach sockets and to open connections that are not its own."
)
FOREIGN_FILES = (Path("/etc/passwd"), Path("/etc/hostname"))
_PROC = Path("/proc")
_CORE_LIMIT = "Max core file size"
LANDLOCK = "landlock_abi"
CAP_DAC_READ_SEARCH = 1 << 2  # linux/capability.h


async def collect_worker_sandbox(inventory: Inventory) -> Json:
    """Facts about each service. Nothing is started for one that does not run."""
    collected_at = SystemClock().now()
    resources = [await _service(service, inventory) for service in services(inventory)]
    return region_facts(
        inventory,
        collector="worker_sandbox",
        version=VERSION,
        method=METHOD,
        collected_at=collected_at,
        resources=resources,
    )


def _texts(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise Unavailable("The sandbox could not be tried.", code="probe_failed")
    return value


async def _service(service: ServiceInventory, inventory: Inventory) -> dict[str, Json]:
    held = None
    if service.state == RUNNING_STATE and service.pid is not None:
        held = await asyncio.to_thread(confinement, service.pid, service.sandbox or {})
    if held is None:
        return service_resource(service, running=False, in_force=[], missing=[], probed=False, reached=[], tried=0)
    report = await probe_sandbox(
        service.spec,
        forbidden_paths=_forbidden_paths(service, inventory),
        forbidden_sockets=_forbidden_sockets(service, inventory),
    )
    return service_resource(
        service,
        running=True,
        in_force=[name for name, holds in held.items() if holds],
        missing=[name for name, holds in held.items() if not holds],
        probed=True,
        reached=_texts(report["reached"]),
        tried=len(_texts(report["tried"])),
    )


def confinement(pid: int, account: dict[str, Json]) -> dict[str, bool] | None:
    """Each part of the sandbox and whether it is in force; None for a process that has ended.

    The kernel tells nothing of Landlock, so that part is by the worker's own `account`.
    """
    try:
        status = _fields((_PROC / str(pid) / "status").read_text(), ":")
        limits = (_PROC / str(pid) / "limits").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    held = {
        "seccomp filter": status.get("Seccomp") == "2",
        "no new privileges": status.get("NoNewPrivs") == "1",
        "no capabilities": _capabilities_bounded(status, landlock=_told(account.get(LANDLOCK))),
        "no core dumps": _core_limits(limits) == ["0", "0"],
        "Landlock": _told(account.get(LANDLOCK)),
    }
    if os.geteuid() == 0:
        held["a user of its own"] = "0" not in status.get("Uid", "0").split()
    return held


def _capabilities_bounded(status: dict[str, str], *, landlock: bool) -> bool:
    """No capability at all, or only the one to pass directories that others may not enter, under Landlock.

    Without it a worker could not start where the program or the state lies below root's home. Landlock names each file
    that the worker may open, so the capability opens no other; without Landlock it would.
    """
    held = int(status.get("CapEff", "1"), 16)
    return held == 0 or (held == CAP_DAC_READ_SEARCH and landlock)


def _told(value: Json) -> bool:
    """Whether the worker says that it is in force: true, or the number of the kernel's interface, at least 1."""
    return isinstance(value, int) and value >= 1


def _core_limits(limits: str) -> list[str]:
    return next(
        (line[len(_CORE_LIMIT) :].split()[:2] for line in limits.splitlines() if line.startswith(_CORE_LIMIT)), []
    )


def _fields(text: str, separator: str) -> dict[str, str]:
    return {name: value.strip() for name, _, value in (line.partition(separator) for line in text.splitlines())}


def _forbidden_paths(service: ServiceInventory, inventory: Inventory) -> list[Path]:
    others = [other.data_directory for other in inventory.services if other.id != service.id]
    own_secrets = [service.wrapped_key, inventory.machine_key_file]
    return [*FOREIGN_FILES, *own_secrets, inventory.state_directory, inventory.log_directory, *others]


def _forbidden_sockets(service: ServiceInventory, inventory: Inventory) -> list[Path]:
    admin = Directories(inventory.state_directory / "agent").edge / ADMIN_SOCKET
    return [admin, *(other.socket for other in inventory.services if other.id != service.id)]
