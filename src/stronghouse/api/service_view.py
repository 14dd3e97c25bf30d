"""A service and its limits as the Cloud API shows them."""

from stronghouse.api.fields import source_list
from stronghouse.kernel.clock import rfc3339
from stronghouse.plane.parts import ControlPlane
from stronghouse.services.model import REPLICAS, Service
from stronghouse.services.scaling import VERTICAL
from stronghouse.services.schedule import ScheduleEntry

PROVIDER = "self-hosted"
TOTAL = 3
"""What the deprecated total memory is of one replica's: that of three, whatever their number."""


def view(plane: ControlPlane, service: Service) -> dict[str, object]:
    """A service; what Terraform reads without asking is always there."""
    shown: dict[str, object] = {
        "id": service.id,
        "name": service.name,
        "provider": PROVIDER,
        "region": service.region,
        "state": service.state.value,
        "endpoints": [
            {
                "protocol": "https",
                "host": plane.host,
                "port": plane.service_port(service.slot),
                "username": service.username,
            }
        ],
        "ipAccessList": source_list(service.ip_access),
        "minReplicaMemoryGb": service.memory_gb,
        "maxReplicaMemoryGb": service.memory_gb,
        "minTotalMemoryGb": service.memory_gb * TOTAL,
        "maxTotalMemoryGb": service.memory_gb * TOTAL,
        "numReplicas": REPLICAS,
        "autoscalingMode": VERTICAL,
        "currentScaling": _current(service),
        "idleScaling": service.idle_scaling,
        "idleTimeoutMinutes": service.idle_timeout_minutes,
        "createdAt": rfc3339(service.created_at),
        "iamRole": "",
        "privateEndpointIds": [],
        "availablePrivateEndpointIds": [],
        "dataWarehouseId": service.id,
        "isPrimary": True,
        "isReadonly": False,
        "releaseChannel": "default",
        "hasTransparentDataEncryption": True,
        "tags": [],
        "enableCoreDumps": False,
    }
    if service.schedule:
        shown["scalingSchedule"] = schedule_view(service)
    optional = {"clickhouseVersion": service.engine_version, "transparentDataEncryptionKeyId": service.key_id}
    return shown | {name: value for name, value in optional.items() if value is not None}


def schedule_view(service: Service) -> dict[str, object]:
    """A service's schedule, with its own limits as what holds outside of the entries; empty ones without a schedule."""
    own: dict[str, object] = {
        "autoscalingMode": VERTICAL,
        "minReplicaMemoryGb": service.memory_gb,
        "maxReplicaMemoryGb": service.memory_gb,
        "minReplicas": REPLICAS,
        "maxReplicas": REPLICAS,
        "idleScaling": service.idle_scaling,
        "idleTimeoutMinutes": service.idle_timeout_minutes,
    }
    return {
        "entries": [_entry(entry, active=entry.id == service.active_entry_id) for entry in service.schedule],
        "baseConfig": own if service.schedule else {},
        **_active(service),
    }


def _current(service: Service) -> dict[str, object]:
    """The limits that the region was given last."""
    limits = service.limits
    return {
        "effectiveAutoscalingMode": VERTICAL,
        "effectiveMinReplicaMemoryGb": limits.memory_gb,
        "effectiveMaxReplicaMemoryGb": limits.memory_gb,
        "effectiveMinReplicas": REPLICAS,
        "effectiveMaxReplicas": REPLICAS,
        "effectiveIdleScaling": limits.idle_scaling,
        "effectiveIdleTimeoutMinutes": limits.idle_timeout_minutes,
        **_active(service),
    }


def _active(service: Service) -> dict[str, object]:
    return {} if service.active_entry_id is None else {"activeEntryId": service.active_entry_id}


def _entry(entry: ScheduleEntry, *, active: bool) -> dict[str, object]:
    optional = {
        "minReplicaMemoryGb": entry.memory_gb,
        "maxReplicaMemoryGb": entry.memory_gb,
        "idleScaling": entry.idle_scaling,
        "idleTimeoutMinutes": entry.idle_timeout_minutes,
    }
    return {
        "id": entry.id,
        "name": entry.name,
        "weekdays": [*entry.weekdays],
        "startHourUtc": entry.start_hour,
        "endHourUtc": entry.end_hour,
        "autoscalingMode": VERTICAL,
        "minReplicas": REPLICAS,
        "maxReplicas": REPLICAS,
        "isActiveNow": active,
        **{name: value for name, value in optional.items() if value is not None},
    }
