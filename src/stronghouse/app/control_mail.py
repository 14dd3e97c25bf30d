"""The mail server that the operator set, if one."""

from pathlib import Path

from stronghouse.access.mail_addresses import mail_address
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import Invalid
from stronghouse.notifications.smtp import PORTS, SmtpMailer, SmtpSettings, Tls
from stronghouse.settings.environment import variable

HOST = "STRONGHOUSE__MAIL__HOST"
"""The name of the SMTP server that takes mail to people, which so far is invitations; without it no mail is sent."""
PORT = "STRONGHOUSE__MAIL__PORT"
"""Its port; 587, 465 or 25 if unset, by `STRONGHOUSE__MAIL__TLS`."""
TLS = "STRONGHOUSE__MAIL__TLS"
"""`starttls`, `implicit` (TLS from the first byte) or `none`, which is for a relay on `localhost` without a user;
`starttls` if unset. The certificate is always verified."""
CA_FILE = "STRONGHOUSE__MAIL__CA_FILE"
"""Certificates (PEM) of authorities to trust instead of the machine's, for a server with one of your own."""
SENDER = "STRONGHOUSE__MAIL__SENDER"
"""The address that mail comes from; needed where there is a server."""
USER = "STRONGHOUSE__MAIL__USER"
"""Whom to authenticate as; nobody if unset."""
PASSWORD_FILE = "STRONGHOUSE__MAIL__PASSWORD_FILE"  # noqa: S105 - the name of a variable
"""A file with that user's password on one line, which only its owner can read. It is read for each mail."""
LAST_PORT = 65535
OF_SERVER = (PORT, TLS, CA_FILE, SENDER, USER, PASSWORD_FILE)


def open_mailer(clock: Clock) -> SmtpMailer | None:
    """What sends mail; None where no server is set.

    Raises:
        Invalid: a variable is malformed, missing or does not go with the others; the sentence names it.
    """
    host = variable(HOST)
    if host is None:
        stray = [name for name in OF_SERVER if variable(name) is not None]
        if stray:
            raise Invalid(f"{stray[0]} is set, but {HOST} is not: name the mail server, or unset both.")
        return None
    if not host.isprintable() or " " in host:
        raise Invalid(f"{HOST} is not the name of a server.")
    tls = _tls()
    try:
        settings = SmtpSettings(
            host=host,
            port=_port(tls),
            tls=tls,
            sender=_sender(),
            user=variable(USER),
            password_file=_path(PASSWORD_FILE),
            ca_file=_path(CA_FILE),
        )
    except Invalid as error:
        told = error.public if error.public.startswith("STRONGHOUSE") else f"STRONGHOUSE__MAIL__…: {error.public}"
        raise Invalid(told, code="mail_settings") from None
    return SmtpMailer(settings, clock)


def _tls() -> Tls:
    try:
        return Tls(variable(TLS) or Tls.STARTTLS)
    except ValueError:
        raise Invalid(f"{TLS} is one of {', '.join(Tls)}.") from None


def _port(tls: Tls) -> int:
    value = variable(PORT)
    if value is None:
        return PORTS[tls]
    if not value.isascii() or not value.isdecimal() or not 1 <= int(value) <= LAST_PORT:
        raise Invalid(f"{PORT} is a number from 1 to {LAST_PORT}.")
    return int(value)


def _sender() -> str:
    try:
        return mail_address(variable(SENDER) or "")
    except Invalid:
        raise Invalid(f"{SENDER} is an address, as in stronghouse@example.com.") from None


def _path(name: str) -> Path | None:
    value = variable(name)
    if value is not None and not Path(value).is_absolute():
        raise Invalid(f"{name} is the whole path of a file.")
    return None if value is None else Path(value)
