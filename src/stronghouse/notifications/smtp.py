"""Sends mail through the one SMTP server that the installation is told of. Its certificate is always verified."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, make_msgid
from enum import StrEnum
from pathlib import Path

from stronghouse.access.mail_addresses import mail_address
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import Invalid, Unavailable
from stronghouse.kernel.files import is_private
from stronghouse.kernel.secret import Secret

SECONDS = 20.0
"""How long each step with the server may take."""
MAX_SUBJECT = 200
MAX_PASSWORD_BYTES = 4096
PERMANENT = 500  # RFC 5321 section 4.2.1: replies from 500 on will be the same next time
# Everything is encoded into ASCII, so that a server without 8BITMIME or SMTPUTF8 takes it, too.
_POLICY = SMTP.clone(cte_type="7bit")


class Tls(StrEnum):
    """How the connection to the server is protected."""

    STARTTLS = "starttls"
    """It begins in the clear and goes on only once it is encrypted (RFC 3207)."""
    IMPLICIT = "implicit"
    """It is encrypted from its first byte (RFC 8314)."""
    NONE = "none"
    """Never encrypted: for a relay on this very machine."""


PORTS = {Tls.STARTTLS: 587, Tls.IMPLICIT: 465, Tls.NONE: 25}
"""Where a server answers unless somebody says otherwise."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True)
class SmtpSettings:
    """Which server takes our mail.

    Attributes:
        sender: the address that mail comes from.
        user: whom to authenticate as; None for a server that asks nobody.
        password_file: read for each mail, so that a new password counts at once.
        ca_file: certificates to trust instead of the machine's; None for those.

    Raises:
        Invalid: something that does not go together; the sentence says what.
    """

    host: str
    port: int
    tls: Tls
    sender: str
    user: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        if self.tls is Tls.NONE and self.host.lower() not in LOOPBACK:
            raise Invalid("mail without TLS goes to a relay on localhost only; choose starttls or implicit.")
        if self.tls is Tls.NONE and self.user is not None:
            raise Invalid("a password is never sent without TLS; leave the user out, or choose starttls or implicit.")
        if (self.user is None) != (self.password_file is None):
            raise Invalid("a user needs a file with the password, and the file a user.")
        self.password()
        self.trust()

    def password(self) -> Secret | None:
        """What the file holds, without the end of its line; raises Invalid for one that is not there, empty or open."""
        if self.password_file is None:
            return None
        try:
            if not self.password_file.is_file() or not is_private(self.password_file):
                raise Invalid(f"{self.password_file} must be a file that nobody but its owner can read (mode 0600).")
            with self.password_file.open("rb") as file:
                found = file.read(MAX_PASSWORD_BYTES + 1).decode().rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise Invalid(f"{self.password_file} cannot be read as text.") from None
        if not found or len(found.encode()) > MAX_PASSWORD_BYTES or not found.isprintable():
            raise Invalid(f"{self.password_file} holds one line with a password.")
        return Secret(found)

    def trust(self) -> ssl.SSLContext:
        """What the server's certificate is checked against, with its name; raises Invalid for a file without any."""
        try:
            context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        except (OSError, ssl.SSLError):
            raise Invalid(f"{self.ca_file} holds no certificates.") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One plain-text message to one person."""

    to: str
    subject: str
    body: str


class MailRefused(Unavailable):
    """The server will not take this message to this address, however often it is asked."""


class SmtpMailer:
    """Implements `ports.Mailer`."""

    def __init__(self, settings: SmtpSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    def send(self, mail: Mail) -> None:
        """Hand one message to the server.

        Raises:
            MailRefused: the server refuses the recipient or the message for good.
            Unavailable: anything else; trying again may help. No sentence holds what the server said.
        """
        message = self._compose(mail)
        with _told(), self._connection() as server:
            server.send_message(message, self._settings.sender, [message["to"].addresses[0].addr_spec])

    def _compose(self, mail: Mail) -> EmailMessage:
        """The message. A line break in a header raises, in our own checks first and then in the library's."""
        if len(mail.subject) > MAX_SUBJECT or not mail.subject.isprintable():
            raise MailRefused("The subject has a character that no mail can have.", code="mail_malformed")
        message = EmailMessage(policy=_POLICY)
        message["From"] = formataddr(("Stronghouse", self._settings.sender))
        message["To"] = mail_address(mail.to)
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = make_msgid(domain=self._domain)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is answered to us
        message.set_content(mail.body)
        return message

    @property
    def _domain(self) -> str:
        return self._settings.sender.rpartition("@")[2]

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        chosen = self._settings
        # Without a name of ours smtplib asks the resolver for one, which may take long.
        if chosen.tls is Tls.IMPLICIT:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                chosen.host, chosen.port, local_hostname=self._domain, timeout=SECONDS, context=chosen.trust()
            )
        else:
            server = smtplib.SMTP(chosen.host, chosen.port, local_hostname=self._domain, timeout=SECONDS)
        with server:
            if chosen.tls is Tls.STARTTLS:
                server.starttls(context=chosen.trust())
            password = chosen.password()
            if chosen.user is not None and password is not None:
                server.login(chosen.user, password.reveal())
            yield server


# The first that fits: some are kinds of others.
_CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (smtplib.SMTPAuthenticationError, "The mail server refuses our user or password."),
    (smtplib.SMTPSenderRefused, "The mail server refuses the sender."),
    (smtplib.SMTPHeloError, "The mail server refuses to talk to us."),
    (smtplib.SMTPConnectError, "The mail server refuses to talk to us."),
    (smtplib.SMTPNotSupportedError, "The mail server offers no STARTTLS, or no way to authenticate that we know."),
    (smtplib.SMTPException, "The mail server closed the connection."),
    (ssl.SSLCertVerificationError, "The mail server's certificate is not trusted, or is of another name."),
    (ssl.SSLError, "No TLS connection to the mail server could be made."),
    (socket.gaierror, "The mail server's name does not resolve."),
    (ConnectionRefusedError, "The mail server refuses the connection."),
    (TimeoutError, "The mail server did not answer in time."),
    (OSError, "The mail server cannot be reached."),
)


@contextmanager
def _told() -> Iterator[None]:
    """Make an error of a sentence of ours of whatever goes wrong: what a server says may hold anything."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        raise _refusal("the address", max(code for code, _ in error.recipients.values())) from None
    except smtplib.SMTPDataError as error:
        raise _refusal("the message", error.smtp_code) from None
    except Invalid as error:  # the file with the password has changed since the start
        raise Unavailable(error.public, code="mail_failed") from None
    except (smtplib.SMTPException, OSError) as error:
        sentence = next(sentence for kind, sentence in _CAUSES if isinstance(error, kind))
        raise Unavailable(sentence, code="mail_failed") from None


def _refusal(what: str, status: int) -> Unavailable:
    sentence = f"The mail server refuses {what} with status {status}."
    if status >= PERMANENT:
        return MailRefused(sentence, code="mail_refused")
    return Unavailable(sentence, code="mail_failed")
