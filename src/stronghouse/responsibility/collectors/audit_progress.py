"""Whether the audit log goes on: its newest entry, its newest signed head, and whether its times run forward."""

from datetime import datetime

from sqlalchemy import Connection

from stronghouse.audit import store as audit
from stronghouse.audit.checkpoint import verify
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock, rfc3339
from stronghouse.kernel.errors import Invalid
from stronghouse.responsibility.facts import Facts, Resource

VERSION = 1
METHOD = (
    "Time and position of the newest entry, the latest time of any entry, and the newest checkpoint, whose signature "
    "is verified. Every look of every check adds an entry, so a log that stands still means that checks stand still."
)


def collect_audit_progress(
    connection: Connection, *, origin: str, public_key: bytes, running_since: datetime, clock: Clock
) -> Facts:
    """Facts about the log as it stands in `connection`'s snapshot."""
    now = clock.now()
    size = audit.size(connection)
    fields: dict[str, Json] = {
        "id": "audit_log",
        "kind": "audit_log",
        "size": size,
        "running_since": rfc3339(running_since),
        "newest_at": None,
        "latest_at": None,
        "checkpoint_size": None,
        "checkpoint_problem": None,
    }
    for entry in audit.entries(connection, start=size - 1, count=1) if size else ():
        fields["newest_at"] = rfc3339(entry.created_at)
    latest = audit.latest_time(connection)
    fields["latest_at"] = None if latest is None else rfc3339(latest)
    note = audit.latest_checkpoint(connection)
    if note is not None:
        try:
            fields["checkpoint_size"] = verify(note, origin=origin, public_key=public_key).size
        except Invalid as error:
            fields["checkpoint_problem"] = error.public
    return Facts(
        collector="audit_progress",
        version=VERSION,
        method=METHOD,
        target="audit log of the control plane",
        collected_at=now,
        resources=(Resource(fields),),
    )
