"""What this area needs from others."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from stronghouse.kernel.secret import Secret
from stronghouse.notifications.model import Notice
from stronghouse.notifications.smtp import Mail


class NoticeSource(Protocol):
    """Derives notices from what is stored. The same times give the same notices."""

    def notices(self, connection: Connection, organization_id: str, since: datetime, now: datetime) -> Sequence[Notice]:
        """What happened after `since`, up to and including `now`."""
        ...


class Sender(Protocol):
    """Sends one message. May block for half a minute."""

    def check(self, url: Secret) -> None:
        """Raise Invalid, without the URL in it, when apprise does not understand `url`."""
        ...

    def send(self, url: Secret, *, title: str, body: str, inside: bool) -> None:
        """Deliver a message; raises Unavailable, without the URL in it, when it was not accepted.

        `inside` says whether it may go to the networks that the operator allowed besides public addresses.
        """
        ...


class Mailer(Protocol):
    """Sends mail to people. May block for a minute or two."""

    def send(self, mail: Mail) -> None:
        """Hand one message over; raises `smtp.MailRefused` for good, Unavailable where trying again may help."""
        ...
