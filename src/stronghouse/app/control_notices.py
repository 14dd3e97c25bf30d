"""The control plane's channels, and its threads for history and notifications."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from stronghouse.app.control_secrets import CONTROL_KEY_SUFFIX
from stronghouse.audit.throttle import Throttle
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.networks import IPNetwork, parse_source
from stronghouse.keys.key_file import load_or_create_keys
from stronghouse.keys.sealing import Sealer
from stronghouse.notifications.actions import FORM, Channels
from stronghouse.notifications.sender import AppriseSender
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.history.snapshots import SNAPSHOT_EVERY, take_snapshots
from stronghouse.settings.environment import variable

ALLOWED_NETWORKS = "STRONGHOUSE__NOTIFICATIONS__ALLOWED_NETWORKS"
"""Addresses and blocks, separated by commas, that notifications may go to besides public addresses over TLS; none if
unset."""
_log = structlog.get_logger()


def allowed_networks() -> list[IPNetwork]:
    """Networks that messages may go to besides public addresses: addresses and blocks, separated by commas.

    Raises:
        Invalid: one of them is neither.
    """
    return [parse_source(one) for one in (variable(ALLOWED_NETWORKS) or "").split(",") if one.strip()]


def open_channels(audit: AuditLog, *, machine_key: Path, clock: Clock) -> Channels:
    """The channels, with the control plane's own key to seal their URLs."""
    roots = load_or_create_keys(machine_key.with_name(machine_key.name + CONTROL_KEY_SUFFIX))
    sender = AppriseSender(allowed_networks())
    return Channels(audit, sealer=Sealer(FORM, roots), sender=sender, throttle=Throttle(clock))


def keep_history(
    audit: AuditLog, *, catalogue: Catalogue, regions: Callable[[], Sequence[str]], clock: Clock, stop: threading.Event
) -> None:
    """Take a snapshot every minute until `stop` is set. For a thread of its own."""
    while not stop.wait(SNAPSHOT_EVERY.total_seconds()):
        try:
            take_snapshots(audit, catalogue=catalogue, regions=regions(), now=clock.now())
        except Exception:  # noqa: BLE001 - the edge of this thread: without it no history would be kept any more
            _log.exception("history_interrupted")
