"""The wrapped data key of each service: does it open, is it the one that its files are under, where is its KEK."""

import asyncio
import stat
from pathlib import Path

from stronghouse.agent.collectors.region_facts import region_facts, service_resource, services
from stronghouse.agent.inventory import Inventory, ServiceInventory
from stronghouse.kernel.canonical import Json, parse_json
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import StronghouseError
from stronghouse.kernel.files import is_private
from stronghouse.keys.data_keys import WrappedDataKey, open_data_key
from stronghouse.keys.disk_headers import scan_directory
from stronghouse.keys.ports import KeyManagement

VERSION = 1
METHOD = (
    "Each wrapped key is unwrapped by the region's key management and its fingerprint computed anew (the plaintext "
    "is dropped at once); the fingerprints in the headers of the service's files are counted; path, mode and "
    "owner of the machine key file are read."
)


async def collect_data_keys(inventory: Inventory) -> Json:
    """Facts about each service's key and the region's machine key; never any key."""
    collected_at = SystemClock().now()
    resources = [await asyncio.to_thread(_service, service, inventory.kms) for service in services(inventory)]
    resources.append(await asyncio.to_thread(_machine_key, inventory))
    return region_facts(
        inventory,
        collector="data_keys",
        version=VERSION,
        method=METHOD,
        collected_at=collected_at,
        resources=resources,
    )


def _service(service: ServiceInventory, kms: KeyManagement) -> dict[str, Json]:
    found = _fingerprints(service.data_directory)
    fields: dict[str, Json] = {"problem": None, "fingerprint": None, "key_id": None, "files_by_fingerprint": {**found}}
    if not service.wrapped_key.exists():
        if found or service.key:
            fields["problem"] = "The file with the wrapped key is gone."
        return service_resource(service, **fields)
    try:
        wrapped = WrappedDataKey.from_json(parse_json(service.wrapped_key.read_bytes()))
        open_data_key(kms, wrapped, service_id=service.id)
        fields.update(fingerprint=wrapped.fingerprint, key_id=wrapped.key_id)
    except StronghouseError as error:
        fields["problem"] = error.public
    except ValueError:
        fields["problem"] = "The file with the wrapped key is damaged."
    return service_resource(service, **fields)


def _fingerprints(directory: Path) -> dict[str, int]:
    try:
        return dict(scan_directory(directory).encrypted)
    except FileNotFoundError:  # a service that is just being made, or deleted, has no data
        return {}


def _machine_key(inventory: Inventory) -> dict[str, Json]:
    description = inventory.kms.describe()
    fields: dict[str, Json] = {
        "id": f"machine_key/{inventory.region}",
        "kind": "machine_key",
        "used": description.kms == "local",
        "kms": description.kms,
        "key_id": description.key_id,
    }
    if description.kms == "local":
        path = inventory.machine_key_file
        fields.update(
            outside_state_directory=_is_outside(path, inventory.state_directory),
            private=is_private(path),
            mode=f"{stat.S_IMODE(path.stat().st_mode):04o}",
        )
    return fields


def _is_outside(path: Path, directory: Path) -> bool:
    """Whether neither the name nor what it leads to lies in `directory`."""
    state = directory.resolve()
    return not (path.resolve().is_relative_to(state) or (path.parent.resolve() / path.name).is_relative_to(state))
