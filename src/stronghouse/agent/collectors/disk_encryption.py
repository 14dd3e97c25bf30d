"""Which files of each service's data directory are encrypted, from the first bytes of every one of them."""

import asyncio
from pathlib import Path

from stronghouse.agent.collectors.region_facts import region_facts, service_resource, services
from stronghouse.agent.inventory import Inventory
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock
from stronghouse.keys.disk_headers import DiskScan, scan_directory
from stronghouse.responsibility.plaintext_allowances import ALLOWANCES

VERSION = 1
METHOD = "The first 64 bytes of every file below the service's data directory, read as the header of an encrypted file."


async def collect_disk_encryption(inventory: Inventory) -> Json:
    """Facts about each service, running or not; raises OSError where a data directory cannot be read."""
    collected_at = SystemClock().now()
    resources = []
    for service in services(inventory):  # one after the other: the disk gains nothing from two
        scan = await asyncio.to_thread(_scan, service.data_directory)
        resources.append(service_resource(service, **_fields(scan)))
    return region_facts(
        inventory,
        collector="disk_encryption",
        version=VERSION,
        method=METHOD,
        collected_at=collected_at,
        resources=resources,
    )


def _scan(directory: Path) -> DiskScan:
    try:
        return scan_directory(directory, allowances=ALLOWANCES)
    except FileNotFoundError:  # a service that is just being made, or deleted, has no data
        return DiskScan()


def _fields(scan: DiskScan) -> dict[str, Json]:
    return {
        "files": scan.files,
        "empty": scan.empty,
        "plaintext": scan.plaintext,
        "links": scan.links,
        "odd": scan.odd,
        "allowed": {**scan.allowed},
        "encrypted": {**scan.encrypted},
        "algorithms": {**scan.algorithms},
        "plaintext_paths": [*scan.plaintext_paths],
        "odd_paths": [*scan.odd_paths],
        "truncated": scan.truncated,
    }
