"""A service's directory: its record, its wrapped data key, its data. Every step may be cut off and is done again.

<id>/service.json   what is fixed for its life: the user that it runs as; and whether it was idle
<id>/data-key.json  the wrapped data key, durable before there is any data
<id>/data/          the engine's, owned by the service's user
<id>/deleted        there once the service is being deleted: nothing here is ever opened again
"""

import dataclasses
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from stronghouse.agent.directories import TRAVERSABLE
from stronghouse.kernel.canonical import parse_json
from stronghouse.kernel.errors import Conflict
from stronghouse.kernel.files import create_private, private_directory, sync_directory, write_private
from stronghouse.keys.data_keys import WrappedDataKey, create_data_key
from stronghouse.keys.ports import KeyManagement

FIRST_USER, USERS = 70_000, 25_000
"""User ids that Debian, systemd and rootless containers leave free (below 100000, above 65535)."""
FALLBACK_FIRST_USER = 64_000
"""For machines, mostly containers, whose user namespace ends at 65535."""


@dataclass(frozen=True)
class ServiceRecord:
    """What is remembered about a service.

    Attributes:
        user_id: the user and group that its worker runs as; None when the agent is not root.
        provisioned: whether it ever ran.
        idle: whether it slept when last heard of.
    """

    user_id: int | None
    provisioned: bool = False
    idle: bool = False


class ServiceHome:
    """One service's directory below `parent`. Synchronous: call it in a thread."""

    def __init__(self, parent: Path, service_id: str) -> None:
        self.service_id = service_id
        self.directory = parent / service_id
        self.data = self.directory / "data"
        self.wrapped_key = self.directory / "data-key.json"
        self._record_file = self.directory / "service.json"
        self._tombstone = self.directory / "deleted"
        self.record = self._load()

    @property
    def exists(self) -> bool:
        """Whether anything of it is on disk."""
        return self.directory.exists()

    @property
    def is_deleted(self) -> bool:
        """Whether its deletion has begun."""
        return self._tombstone.exists()

    def create(self, kms: KeyManagement, *, slot: int) -> WrappedDataKey:
        """Make what is missing, in the order that is safe to cut off anywhere; the wrapped data key.

        Raises:
            Conflict: the service was deleted, or its data is there without its key.
            Unavailable: the key management does not answer.
        """
        if self.is_deleted:
            raise Conflict(
                "The service was deleted and its key destroyed; it cannot run again.", code="service_deleted"
            )
        shared = TRAVERSABLE if os.geteuid() == 0 else 0o700
        private_directory(self.directory, mode=shared)
        if not self._record_file.exists():
            self.remember(ServiceRecord(user_id=self._choose_user(slot)))
        wrapped = self.key() or self._new_key(kms)
        private_directory(self.data)
        if self.record.user_id is not None:
            os.chown(self.data, self.record.user_id, self.record.user_id)
        sync_directory(self.directory)
        return wrapped

    def key(self) -> WrappedDataKey | None:
        """The wrapped data key, or None before there is one; raises Invalid when the file is damaged."""
        try:
            text = self.wrapped_key.read_bytes()
        except FileNotFoundError:
            return None
        return WrappedDataKey.from_json(parse_json(text))

    def remember(self, record: ServiceRecord) -> None:
        """Keep the record durably."""
        write_private(self._record_file, json.dumps(dataclasses.asdict(record)).encode())
        self.record = record

    def destroy(self) -> None:
        """Delete the service for good: note the intention, destroy the key, then the data. May be called again."""
        if not self.exists:
            return
        create_private(self._tombstone, b"")
        if self.wrapped_key.exists():
            # On a disk that keeps old blocks this is not enough; there the master key's rotation is.
            with self.wrapped_key.open("r+b") as file:
                file.write(secrets.token_bytes(self.wrapped_key.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            self.wrapped_key.unlink()
            sync_directory(self.directory)
        if self.data.exists():
            shutil.rmtree(self.data)
        self._record_file.unlink(missing_ok=True)
        sync_directory(self.directory)

    def forget(self) -> None:
        """Remove the last trace of a deleted service, once the control plane knows; does nothing to any other."""
        if self.is_deleted:
            self.destroy()
            shutil.rmtree(self.directory)

    def _new_key(self, kms: KeyManagement) -> WrappedDataKey:
        if self.data.exists() and any(self.data.iterdir()):
            raise Conflict(
                "The service has data but its key file is gone: restore data-key.json.", code="data_key_missing"
            )
        wrapped = create_data_key(kms, service_id=self.service_id)
        create_private(self.wrapped_key, json.dumps(wrapped.to_json()).encode())
        return wrapped

    def _load(self) -> ServiceRecord:
        try:
            value = parse_json(self._record_file.read_bytes())
        except (FileNotFoundError, ValueError):
            value = {}  # replaced whole at every change, so damage comes from outside; what counts can be found again
        fields = value if isinstance(value, dict) else {}
        user_id = fields.get("user_id")
        if not isinstance(user_id, int) and os.geteuid() == 0 and self.data.exists():
            user_id = self.data.stat().st_uid
        return ServiceRecord(
            user_id=user_id if isinstance(user_id, int) else None,
            provisioned=fields.get("provisioned") is True,
            idle=fields.get("idle") is True,
        )

    def _choose_user(self, slot: int) -> int | None:
        if os.geteuid() != 0 or self.record.user_id is not None:
            return self.record.user_id
        if not _maps_users_to(FIRST_USER + USERS):
            return FALLBACK_FIRST_USER + slot
        parent = self.directory.parent
        others = (ServiceHome(parent, other.name) for other in parent.iterdir() if other.name != self.service_id)
        return free_user(self.service_id, {other.record.user_id for other in others})


def free_user(service_id: str, taken: Collection[int | None]) -> int:
    """A user id for a service: from its id, so that two installations on one machine hardly ever share one."""
    start = int.from_bytes(hashlib.sha256(service_id.encode()).digest()[:4])
    candidates = (FIRST_USER + (start + step) % USERS for step in range(USERS))
    return next(candidate for candidate in candidates if candidate not in taken)


def _maps_users_to(user_id: int) -> bool:
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, count = (int(field) for field in line.split())
        if first <= user_id < first + count:
            return True
    return False
