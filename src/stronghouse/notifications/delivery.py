"""Delivers what happened since each channel was told last. At least once: a crash repeats a message, none is lost.

What a channel was told is remembered as a time (`told_until`), written after the message was accepted.
"""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import StronghouseError
from stronghouse.notifications import store
from stronghouse.notifications.actions import Channels
from stronghouse.notifications.digest import compose, wanted
from stronghouse.notifications.model import PERIODS, Channel, Mode
from stronghouse.notifications.ports import NoticeSource

SETTLE = timedelta(seconds=10)
"""A notice is read only when it is so old: one that another thread stores now bears a time slightly past."""
HOUR = timedelta(hours=1)
PER_HOUR = 20
"""Messages to one channel within an hour; what comes after waits and is told together."""
BACK_OFF = timedelta(seconds=30)
MOST_BACK_OFF = timedelta(hours=1)
QUIET_STEP = timedelta(minutes=5)
"""How far a channel's time may lag behind while nothing happens: moving it costs a write."""
POLL_SECONDS = 10.0
_log = structlog.get_logger()


class Deliverer:
    """Tells every channel what its organization's sources have.

    Args:
        audit: the database, and where deliveries are noted.
        channels: sends.
        sources: what notices come from.
        clock: the time.
    """

    def __init__(self, audit: AuditLog, *, channels: Channels, sources: Sequence[NoticeSource], clock: Clock) -> None:
        self._audit = audit
        self._channels = channels
        self._sources = sources
        self._clock = clock

    def deliver_due(self) -> int:
        """Send what is due now; how many messages were accepted."""
        now = self._clock.now()
        with self._audit.database.read() as connection:
            channels = store.every_channel(connection)
        return sum(self._delivered(channel, now) for channel in channels if _is_due(channel, now))

    def run_forever(self, stop: threading.Event) -> None:
        """Deliver what becomes due until `stop` is set. For a thread of its own."""
        while not stop.wait(POLL_SECONDS):
            try:
                self.deliver_due()
            except Exception:  # noqa: BLE001 - the edge of this thread: without it nothing would ever be sent again
                _log.exception("notifications_interrupted")

    def _delivered(self, channel: Channel, now: datetime) -> bool:
        try:
            return self._deliver(channel, now)
        except Exception:  # noqa: BLE001 - the edge of a channel: its trouble must not keep the others from being told
            _log.exception("notification_interrupted", channel=channel.id)
            return False

    def _deliver(self, channel: Channel, now: datetime) -> bool:
        until = now - SETTLE
        with self._audit.database.read() as connection:
            found = [
                notice
                for source in self._sources
                for notice in source.notices(connection, channel.organization_id, channel.told_until, until)
            ]
        told = wanted(channel, found)
        if not told:
            if channel.mode is not Mode.IMMEDIATE or until - channel.told_until >= QUIET_STEP:
                self._note(channel, told_until=until)
            return False
        title, body = compose(told)
        try:
            self._channels.send(channel, title=title, body=body)
        except StronghouseError as error:
            _log.warning("notification_failed", channel=channel.id, reason=error.public)
            self._note(channel, attempted_at=now, error=error.public, failures=channel.failures + 1)
            return False
        fresh = channel.hour_began is None or now - channel.hour_began >= HOUR
        self._note(
            channel,
            told_until=until,
            attempted_at=now,
            delivered_at=now,
            error=None,
            failures=0,
            hour_began=now if fresh else channel.hour_began,
            sent_in_hour=1 if fresh else channel.sent_in_hour + 1,
        )
        return True

    def _note(self, channel: Channel, **changed: datetime | str | int | None) -> None:
        with self._audit.bookkeeping("how far a channel was told is a fact about it, no act of anyone") as connection:
            store.update_channel(connection, channel.id, **changed)


def _is_due(channel: Channel, now: datetime) -> bool:
    if now - SETTLE - channel.told_until < max(PERIODS[channel.mode] - SETTLE, timedelta(microseconds=1)):
        return False
    if channel.failures and channel.attempted_at is not None:
        wait = min(BACK_OFF * 2 ** min(channel.failures - 1, 10), MOST_BACK_OFF)
        if now - channel.attempted_at < wait:
            return False
    within = channel.hour_began is not None and now - channel.hour_began < HOUR
    return not (within and channel.sent_in_hour >= PER_HOUR)
