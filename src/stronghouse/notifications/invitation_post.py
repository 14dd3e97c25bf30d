"""Mails invitations. A link is made just before it is sent, so that none has to be kept until a server takes it.

At least once: after a crash between sending and noting it, another mail with another link is sent, and only the newest
link works.
"""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from stronghouse.access import store as access
from stronghouse.access.invitations import store
from stronghouse.access.invitations.actions import make_link
from stronghouse.access.invitations.events import InvitationCreated, InvitationDelivered, InvitationRenewed
from stronghouse.access.invitations.model import Invitation
from stronghouse.access.roles.store import roles_of
from stronghouse.access.roles.system import held
from stronghouse.audit.event import SYSTEM, AuditEvent, Context, Outcome
from stronghouse.audit.throttle import Throttle
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import Internal, StronghouseError
from stronghouse.kernel.secret import Secret
from stronghouse.notifications.ports import Mailer
from stronghouse.notifications.smtp import Mail, MailRefused
from stronghouse.organizations import store as organizations

FIRST_BACK_OFF = timedelta(minutes=1)
MOST_BACK_OFF = timedelta(hours=1)
APART = timedelta(minutes=1)
"""Between two mails to one address, whoever asks for them: nobody's mailbox is filled through us."""
POLL_SECONDS = 5.0
MAX_NAME = 80
"""Characters of a name that others chose, in a mail that bears ours."""
_log = structlog.get_logger()


def invitation_link(console_url: str, token: Secret) -> Secret:
    """The address at which an invitation is accepted."""
    return Secret(f"{console_url}/sign-in/invitation?token={token.reveal()}")


class InvitationPost:
    """Mails what is due.

    Args:
        audit: the database, and where deliveries are recorded.
        mailer: hands mail to the server.
        console_url: where links lead.
        clock: the time.
    """

    def __init__(self, audit: AuditLog, *, mailer: Mailer, console_url: str, clock: Clock) -> None:
        self._audit = audit
        self._mailer = mailer
        self._console_url = console_url
        self._clock = clock
        self._apart = Throttle(clock, interval=APART)
        self._wake = threading.Event()
        audit.listeners.append(self._note)

    def send_due(self) -> int:
        """Mail what is due now; how many mails were taken."""
        with self._audit.database.read() as connection:
            found = store.due(connection, now=self._clock.now())
        return sum(self._sent(one) for one in found)

    def run_forever(self, stop: threading.Event) -> None:
        """Mail what becomes due until `stop` is set. For a thread of its own."""
        while not stop.is_set():
            self._wake.clear()
            try:
                self.send_due()
            except Exception:  # noqa: BLE001 - the edge of this thread: without it nobody would be invited any more
                _log.exception("invitations_interrupted")
            self._wake.wait(POLL_SECONDS)

    def _note(self, events: Sequence[AuditEvent]) -> None:
        if any(isinstance(one, InvitationCreated | InvitationRenewed) for one in events):
            self._wake.set()

    def _sent(self, one: Invitation) -> bool:
        try:
            return self._send(one)
        except Exception:  # noqa: BLE001 - the edge of an invitation: its trouble must not keep the others waiting
            _log.exception("invitation_interrupted", invitation=one.id)
            return False

    def _send(self, one: Invitation) -> bool:
        if not self._apart.is_news(one.email):
            return False
        now = self._clock.now()
        attempts = one.attempts + 1
        following = now + min(FIRST_BACK_OFF * 2 ** min(one.attempts, 10), MOST_BACK_OFF)
        with self._audit.bookkeeping("the link of an invitation is made as it is sent") as connection:
            token = make_link(connection, one.id)
            # Written before it is sent: whatever ends this process, the same mail does not go out at each start.
            store.update_invitation(connection, one.id, attempts=attempts, attempted_at=now, next_attempt_at=following)
            mail = None if token is None else self._mail(connection, one, token)
        if mail is None:
            return False  # revoked meanwhile
        reason, is_final = self._outcome(mail)
        self._keep(one, attempts, reason=reason, is_final=is_final, now=now)
        return reason is None

    def _outcome(self, mail: Mail) -> tuple[str | None, bool]:
        """Why the server did not take a mail, and whether trying again is of no use."""
        try:
            self._mailer.send(mail)
        except StronghouseError as error:
            return error.public, isinstance(error, MailRefused)
        return None, True

    def _keep(self, one: Invitation, attempts: int, *, reason: str | None, is_final: bool, now: datetime) -> None:
        """Note how it went, unless the invitation has gone, or was asked for anew, while the mail was under way."""
        with self._audit.unit_of_work(Context(SYSTEM)) as uow:
            present = store.find(uow.connection, organization_id=one.organization_id, invitation_id=one.id, now=now)
            if present is None or (present.attempts, present.attempted_at) != (attempts, now):
                return
            changed: dict[str, object] = {"error": reason, "delivered_at": now if reason is None else None}
            if is_final:
                changed["next_attempt_at"] = None
            if reason is None or is_final or reason != one.error:
                uow.record(
                    InvitationDelivered(
                        organization_id=one.organization_id,
                        outcome=Outcome.SUCCESS if reason is None else Outcome.FAILURE,
                        invitation_id=one.id,
                        email=one.email,
                        reason=reason,
                        is_final=is_final,
                    )
                )
                store.update_invitation(uow.connection, one.id, **changed)
                return
        with self._audit.bookkeeping("the same failure once more is no news") as connection:
            store.update_invitation(connection, one.id, **changed)

    def _mail(self, connection: Connection, one: Invitation, token: Secret) -> Mail:
        """The text. Names in it were chosen by others, so they are cut and stand in quotation marks."""
        organization = organizations.find(connection, one.organization_id)
        if organization is None:
            raise Internal("An invitation is of an organization that is not there.")
        roles = [role.name for role in held(roles_of(connection, one.organization_id), one.role_ids)]
        what = f"with the roles {', '.join(map(_quoted, roles))}" if roles else "without any role yet"
        link = invitation_link(self._console_url, token).reveal()
        body = (
            f"{_inviter(connection, one)} invites you to the organization {_quoted(organization.name)} on Stronghouse, "
            f"{what}.\n\n"
            f"To accept, open this link before {one.expires_at:%Y-%m-%d %H:%M} UTC:\n\n{link}\n\n"
            "It works once, and only for this address. Keep it to yourself: whoever opens it first may become you.\n"
            "If you do not know who invites you, do nothing.\n"
        )
        return Mail(to=one.email, subject=f"Invitation to {_cut(organization.name)}", body=body)


def _inviter(connection: Connection, one: Invitation) -> str:
    kind, _, inviter_id = one.inviter.partition("/")
    user = access.user(connection, inviter_id) if kind == "user" else None
    if user is not None:
        return f"{_quoted(user.name)} ({user.email})" if user.name and user.name != user.email else user.email
    return "A program of the organization"


def _quoted(name: str) -> str:
    return f"“{_cut(name)}”"


def _cut(name: str) -> str:
    """A name in a line: of printable characters, and not too long."""
    shown = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in name)
    return shown if len(shown) <= MAX_NAME else f"{shown[:MAX_NAME]}…"
