"""The disk below the state directory is encrypted."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

META = CheckMeta(
    id="host_disk_encrypted",
    title="The state directory lies on an encrypted disk",
    severity=Severity.HIGH,
    risk=("Whoever gets the disk or a copy of it reads the control plane's database, logs and wrapped keys."),
    remediation=(
        "Move the state directory to an encrypted volume: `cryptsetup luksFormat DEVICE`, `cryptsetup "
        "open DEVICE state`, make a file system on `/dev/mapper/state` and mount it there; for a cloud "
        "volume put the provider's proof of encryption on file."
    ),
    max_age=timedelta(hours=24),
    collector="host_system",
    controls=("platform.rest.host",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.24", "CIS:3.11"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_system"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    disk = host.part("disk")
    state, device, kind = disk.text("state"), disk.optional_text("device"), disk.optional_text("kind")
    if state == "memory":
        return Result(host.id, ResultState.NOT_APPLICABLE, f"The state directory lies in memory ({kind}), on no disk.")
    where = f"on {device or 'a device that cannot be named'} ({kind or 'unknown file system'})"
    problems = [f"the state directory lies {where}, and no layer below it is encrypted"] if state == "plain" else []
    unknown = []
    if state == "virtual":
        unknown.append(
            f"the state directory lies {where}, a hypervisor's disk; whether its provider encrypts it is not seen"
        )
    elif state not in {"plain", "encrypted"}:
        unknown.append(f"the state directory lies {where}, and what is below that is not seen from here")
    return verdict(
        host.id, problems=problems, unknown=unknown, proven=f"The state directory lies {where}, encrypted by dm-crypt."
    )
