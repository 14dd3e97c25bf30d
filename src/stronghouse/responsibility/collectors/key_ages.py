"""How old keys and certificate authorities are, by records that cannot be refreshed without anyone noticing."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from stronghouse.access.certificates import expires_at
from stronghouse.audit import store as audit
from stronghouse.audit.checkpoint import verify
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock, rfc3339
from stronghouse.kernel.errors import Invalid
from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.services import store as services
from stronghouse.services.events import ServiceCreated, ServiceKeyAssigned

VERSION = 1
METHOD = (
    "The signed audit log says when a service was created (its data key is made with it and never replaced), when a "
    "key-encryption key was first named, and when the first entry under the signing key was written. The ends of the "
    "certificate authorities are read from their certificates. Times of files are not used: copying a file renews them."
)


@dataclass(frozen=True)
class Authority:
    """A certificate authority, and whether anything that it signed is in use."""

    certificate_pem: bytes
    used: bool = True


def collect_key_ages(
    connection: Connection,
    *,
    origin: str,
    public_key: bytes,
    authorities: Mapping[str, Authority],
    clock: Clock,
) -> Facts:
    """Facts about each service's data key, each key-encryption key, the log's signing key, each authority."""
    now = clock.now()
    created: dict[str, str] = {}
    first_named: dict[str, str] = {}
    for entry in audit.entries_of(connection, [ServiceCreated.code, ServiceKeyAssigned.code]):
        data = entry.event().get("data")
        if entry.code == ServiceCreated.code:
            created.setdefault(str(entry.service_id), rfc3339(entry.created_at))
        elif isinstance(data, dict) and isinstance(data.get("after"), str):
            first_named.setdefault(str(data["after"]), rfc3339(entry.created_at))
    rows = services.every_service(connection)
    in_use = sorted({row.key_id for row in rows if row.key_id is not None})
    resources = [
        *(
            Resource(
                {
                    "id": f"data_key/{row.id}",
                    "kind": "key",
                    "what": "data key",
                    "service_id": row.id,
                    "exists": row.key_id is not None,
                    "since": created.get(row.id),
                }
            )
            for row in rows
        ),
        *(_key(f"key_encryption_key/{one}", "key-encryption key", first_named.get(one)) for one in in_use),
        _signing_key(connection, origin, public_key),
        *(_authority(name, authority) for name, authority in sorted(authorities.items())),
    ]
    return Facts(
        collector="key_ages",
        version=VERSION,
        method=METHOD,
        target="keys and certificate authorities",
        collected_at=now,
        resources=tuple(resources),
    )


def _key(resource_id: str, what: str, since: str | None) -> Resource:
    return Resource({"id": resource_id, "kind": "key", "what": what, "exists": True, "since": since})


def _signing_key(connection: Connection, origin: str, public_key: bytes) -> Resource:
    """The key has signed since the log's first checkpoint, if that one is under it."""
    fields: dict[str, Json] = {"id": "signing_key", "kind": "signing_key", "exists": False, "since": None}
    for _, note in audit.checkpoints(connection):
        fields["exists"] = True
        try:
            verify(note, origin=origin, public_key=public_key)
        except Invalid:
            break
        fields["since"] = next((rfc3339(one.created_at) for one in audit.entries(connection, count=1)), None)
        break
    return Resource(fields)


def _authority(name: str, authority: Authority) -> Resource:
    not_after = rfc3339(expires_at(authority.certificate_pem))
    return Resource({"id": f"authority/{name}", "kind": "authority", "used": authority.used, "not_after": not_after})
