"""What may be done with channels: add, test, remove."""

from dataclasses import dataclass
from datetime import datetime

from stronghouse.audit.event import Context, Outcome
from stronghouse.audit.throttle import Throttle
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.errors import Conflict, Invalid, NotFound, StronghouseError, TooMany
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from stronghouse.keys.sealing import Sealer
from stronghouse.notifications import store
from stronghouse.notifications.addresses import require_allowed
from stronghouse.notifications.events import ChannelAdded, ChannelRemoved, ChannelTested
from stronghouse.notifications.model import Channel, Kind, Level, Mode
from stronghouse.notifications.ports import Sender
from stronghouse.organizations.operator import is_operator

FORM = b"N1"
MAX_CHANNELS = 20
MAX_NAME = 64
TEST_TITLE = "Stronghouse: a test message"
TEST_BODY = "This channel works. It will be told of what changes."


@dataclass(frozen=True, kw_only=True)
class ChannelRequest:
    """What somebody asks for."""

    name: str
    url: Secret
    minimum_severity: Level = Level.LOW
    kinds: tuple[Kind, ...] = tuple(Kind)
    mode: Mode = Mode.IMMEDIATE


class Channels:
    """The channels of all organizations.

    Args:
        audit: where changes are recorded.
        sealer: seals URLs at rest, made with the form `FORM`.
        sender: sends test messages.
        throttle: how often a channel may be tested.
    """

    def __init__(self, audit: AuditLog, *, sealer: Sealer, sender: Sender, throttle: Throttle) -> None:
        self._audit = audit
        self._sealer = sealer
        self._sender = sender
        self._throttle = throttle

    def add(self, context: Context, wanted: ChannelRequest, *, organization_id: str, now: datetime) -> Channel:
        """Add a channel; it is told of what happens from now on.

        Raises:
            Invalid: a name or URL that is not allowed, or no kind.
            Conflict: the name is taken.
            TooMany: the organization has 20 channels.
        """
        name = wanted.name.strip()
        if not name or len(name) > MAX_NAME or not name.isprintable():
            raise Invalid("A channel's name has 1 to 64 printable characters.", code="name_invalid")
        if not wanted.kinds:
            raise Invalid("A channel is told of at least one kind of notice.", code="kinds_invalid")
        address = require_allowed(wanted.url)
        self._sender.check(wanted.url)
        channel_id = new_id()
        channel = Channel(
            id=channel_id,
            organization_id=organization_id,
            name=name,
            address=address,
            sealed_url=self._sealer.seal(wanted.url.reveal().encode(), _bound(organization_id, channel_id)),
            minimum_severity=wanted.minimum_severity,
            kinds=wanted.kinds,
            mode=wanted.mode,
            created_at=now,
            told_until=now,
        )
        with self._audit.unit_of_work(context) as uow:
            existing = store.of_organization(uow.connection, organization_id)
            if any(one.name == name for one in existing):
                raise Conflict(f"There is a channel {name!r} already.", code="name_taken")
            if len(existing) >= MAX_CHANNELS:
                raise TooMany("An organization has at most 20 notification channels.", code="channels_exhausted")
            store.insert_channel(uow.connection, channel)
            uow.record(
                ChannelAdded(
                    organization_id=organization_id, channel=channel_id, name=name, address=address, mode=wanted.mode
                )
            )
        return channel

    def remove(self, context: Context, *, organization_id: str, channel_id: str) -> None:
        """Remove a channel; raises NotFound."""
        with self._audit.unit_of_work(context) as uow:
            channel = _found(store.find(uow.connection, organization_id=organization_id, channel_id=channel_id))
            store.delete_channel(uow.connection, channel_id)
            uow.record(ChannelRemoved(organization_id=organization_id, channel=channel_id, name=channel.name))

    def test(self, context: Context, *, organization_id: str, channel_id: str, now: datetime) -> str | None:
        """Send a message now; why it was not accepted, None if it was.

        Raises:
            NotFound: there is no such channel.
            TooMany: it was tested within the last ten seconds.
        """
        with self._audit.database.read() as connection:
            channel = _found(store.find(connection, organization_id=organization_id, channel_id=channel_id))
        if not self._throttle.is_news(channel_id):
            raise TooMany("This channel was tested just now; try again in 10 seconds.", code="tested_lately")
        reason: str | None = None
        try:
            self.send(channel, title=TEST_TITLE, body=TEST_BODY)
        except StronghouseError as error:
            reason = error.public
        outcome = Outcome.SUCCESS if reason is None else Outcome.FAILURE
        changed: dict[str, datetime | int] = {"delivered_at": now, "failures": 0} if reason is None else {}
        with self._audit.unit_of_work(context) as uow:
            store.update_channel(uow.connection, channel_id, attempted_at=now, error=reason, **changed)
            uow.record(
                ChannelTested(
                    organization_id=organization_id,
                    channel=channel_id,
                    name=channel.name,
                    reason=reason,
                    outcome=outcome,
                )
            )
        return reason

    def send(self, channel: Channel, *, title: str, body: str) -> None:
        """Send a message to a channel; raises Unavailable or KeyRefused.

        Networks beside the public ones are allowed to the operator's own channels only: the others' addresses are
        chosen by people who should not reach what stands beside this machine.
        """
        bound = _bound(channel.organization_id, channel.id)
        with self._audit.database.read() as connection:
            inside = is_operator(connection, channel.organization_id)
        url = Secret(self._sealer.open(channel.sealed_url, bound).decode())
        self._sender.send(url, title=title, body=body, inside=inside)


def _bound(organization_id: str, channel_id: str) -> dict[str, str]:
    return {"use": "notification channel", "organization": organization_id, "channel": channel_id}


def _found(channel: Channel | None) -> Channel:
    if channel is None:
        raise NotFound("There is no such notification channel.")
    return channel
