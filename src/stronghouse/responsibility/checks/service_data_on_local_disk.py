"""Data, key and logs of each service lie on a disk of the region's machine."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Observation
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "ceph", "glusterfs", "afs", "lustre", "gfs2", "ocfs2"}
)
LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs"})
META = CheckMeta(
    id="service_data_on_local_disk",
    title="Each service's data lies on a disk of its region",
    severity=Severity.HIGH,
    risk="A file system that is mounted over the network, or a link out of the state directory, carries data "
    "out of the region.",
    remediation="Stop the service with `stronghouse service stop <SERVICE>`, copy its directory back to a local disk "
    "below the state directory, take the link or the mount away, and start it with `stronghouse service "
    "start <SERVICE>`.",
    max_age=timedelta(hours=1),
    collector="service_places",
    controls=("console.geography.region", "team.misconfiguration.posture"),
    frameworks=("SOC2:C1.1", "ISO27001:A.5.34", "CIS:3.8"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service."""
    for service in facts.of_kind("service"):
        region = service.text("region")
        if not service.flag("exists"):
            yield Result(service.id, ResultState.NOT_APPLICABLE, "It has no data on disk yet.")
            continue
        problems = [problem for place in service.parts("places") if (problem := _problem(place))]
        if problems:
            yield Result(service.id, ResultState.FAIL, f"{' '.join(problems)}")
        else:
            kinds = sorted({place.text("file_system") for place in service.parts("places")})
            reason = f"Data, key and logs lie on local disks ({', '.join(kinds)}) of region {region}."
            yield Result(service.id, ResultState.PASS, reason)


def _problem(place: Observation) -> str | None:
    what, kind = place.text("what"), place.text("file_system")
    if kind in NETWORK or (kind.startswith("fuse.") and kind not in LOCAL_FUSE) or kind == "unknown":
        return f"Its {what} lies on a file system of type {kind}, which may be anywhere."
    if not place.flag("in_state_directory"):
        return f"Its {what} lies at {place.text('path')}, outside the state directory."
    return None
