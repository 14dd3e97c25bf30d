"""Mail through a real SMTP server: it arrives encrypted, nothing is sent to a server that is not who it should be."""

from pathlib import Path
from typing import Any

import pytest

from stronghouse.app.control_mail import open_mailer
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import Invalid, StronghouseError, Unavailable
from stronghouse.notifications.smtp import Mail, MailRefused, SmtpMailer, SmtpSettings, Tls
from tests.support.mail_server import PASSWORD, USER, Server, mail_server
from tests.support.receivers import smtp_server

BODY = "Grüße,\nhttps://localhost:8441/invitation?token=" + "x" * 100 + "\n"
MAIL = Mail(to="Grace@Example.com", subject="Invitation to „Beispiel“", body=BODY)


def mailer(server: Server, **changed: Any) -> SmtpMailer:
    settings: dict[str, Any] = {
        "host": "localhost",
        "port": server.port,
        "tls": Tls.STARTTLS,
        "sender": "stronghouse@example.com",
        "user": USER,
        "password_file": server.password_file,
        "ca_file": server.ca_file,
    }
    return SmtpMailer(SmtpSettings(**{**settings, **changed}), SystemClock())


def failure(sender: SmtpMailer, mail: Mail = MAIL) -> StronghouseError:
    with pytest.raises(Unavailable) as failed:
        sender.send(mail)
    assert PASSWORD not in f"{failed.value.public}{failed.value.detail}"
    return failed.value


@pytest.mark.parametrize("implicit", [False, True])
def test_mail_arrives_encrypted_and_authenticated(tmp_path: Path, implicit: bool) -> None:
    with mail_server(tmp_path, implicit=implicit) as server:
        mailer(server, tls=Tls.IMPLICIT if implicit else Tls.STARTTLS).send(MAIL)
        assert server.users == [USER.encode()]
        assert server.encrypted == [True]
        (message,), (envelope,) = server.messages, server.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("stronghouse@example.com", ["grace@example.com"])
    assert message["subject"] == MAIL.subject
    assert message["from"].addresses[0].addr_spec == "stronghouse@example.com"
    assert message["to"] == "grace@example.com"
    assert message["auto-submitted"] == "auto-generated"
    assert message["date"].datetime is not None
    assert message["message-id"].endswith("@example.com>")
    assert message.get_content().replace("\r\n", "\n") == BODY
    raw = envelope.original_content
    assert isinstance(raw, bytes)
    assert raw.isascii()


def test_a_server_that_nobody_vouches_for_gets_neither_password_nor_mail(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        assert "not trusted" in failure(mailer(server, ca_file=None)).public
        assert (server.users, server.envelopes) == ([], [])
    with mail_server(tmp_path, name="mail.example.com") as server:
        assert "of another name" in failure(mailer(server)).public
        assert (server.users, server.envelopes) == ([], [])


def test_a_server_without_starttls_gets_nothing(tmp_path: Path) -> None:
    with mail_server(tmp_path, tls=False) as server:
        assert "STARTTLS" in failure(mailer(server)).public
        assert "TLS connection" in failure(mailer(server, tls=Tls.IMPLICIT)).public
        assert (server.users, server.envelopes) == ([], [])


def test_a_relay_on_this_machine_may_do_without(tmp_path: Path) -> None:
    with mail_server(tmp_path, tls=False) as server:
        mailer(server, tls=Tls.NONE, user=None, password_file=None).send(MAIL)
        assert server.encrypted == [False]


def test_reasons_say_what_to_do_and_which_are_for_good(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        server.refuse = f"550 no {PASSWORD}"
        assert isinstance(failure(mailer(server)), MailRefused)
        server.refuse = "451 later"
        later = failure(mailer(server))
        assert not isinstance(later, MailRefused)
        assert "451" in later.public
        server.refuse = None
        sender = mailer(server)
        server.password_file.write_text("another")
        assert "user or password" in failure(sender).public
        server.password_file.chmod(0o644)
        assert "0600" in failure(sender).public
        port = server.port
    server.port = port
    server.password_file.chmod(0o600)
    assert "refuses the connection" in failure(mailer(server)).public
    assert "does not resolve" in failure(mailer(server, host="nowhere.invalid")).public
    with smtp_server() as mailbox:
        mailbox.refuse = True
        settings = SmtpSettings(host="127.0.0.1", port=mailbox.port, tls=Tls.NONE, sender="a@example.com")
        assert "the message with status 554" in failure(SmtpMailer(settings, SystemClock())).public


@pytest.mark.parametrize(
    "address",
    [
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com\nRCPT TO:<b@example.com>",
        "a@example.com, b@example.com",
        "a@example.com>\r\nRCPT TO:<b@example.com",
        '"a\r\nb"@example.com',
        "<a@example.com>",
        "Name <a@example.com>",
        "a@[127.0.0.1]",
        "a@example.com\x00",
        "a\u2028b@example.com",
        "@example.com",
        "a@",
        "a b@example.com",
        "a@exa_mple.com",
        "ä@example.com",
        f"{'a' * 65}@example.com",
    ],
)
def test_no_header_and_no_recipient_comes_in_with_an_address(tmp_path: Path, address: str) -> None:
    with mail_server(tmp_path, tls=False) as server:
        sender = mailer(server, tls=Tls.NONE, user=None, password_file=None)
        with pytest.raises(Invalid):
            sender.send(Mail(to=address, subject="a", body="b"))
        assert server.envelopes == []


@pytest.mark.parametrize("subject", ["a\r\nBcc: b@example.com", "a\nb", "a\rb", "a\x00", "a\u2028b", "x" * 300])
def test_no_header_comes_in_with_a_subject(tmp_path: Path, subject: str) -> None:
    with mail_server(tmp_path, tls=False) as server:
        failure(
            mailer(server, tls=Tls.NONE, user=None, password_file=None),
            Mail(to="a@example.com", subject=subject, body=""),
        )
        assert server.envelopes == []


def test_a_body_ends_no_message_early(tmp_path: Path) -> None:
    body = "one\n.\nMAIL FROM:<x@example.com>\n..\n"
    with mail_server(tmp_path, tls=False) as server:
        mailer(server, tls=Tls.NONE, user=None, password_file=None).send(Mail(to="a@b.example", subject="a", body=body))
        (message,) = server.messages
    assert message.get_content().replace("\r\n", "\n") == body


VALID = {"HOST": "localhost", "SENDER": "stronghouse@example.com"}


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"SENDER": "a@example.com"}, "STRONGHOUSE__MAIL__HOST"),
        ({"HOST": "mail.example.com"}, "STRONGHOUSE__MAIL__SENDER"),
        ({"HOST": "mail example", "SENDER": "a@example.com"}, "STRONGHOUSE__MAIL__HOST"),
        ({**VALID, "PORT": "0"}, "STRONGHOUSE__MAIL__PORT"),
        ({**VALID, "PORT": "٣"}, "STRONGHOUSE__MAIL__PORT"),
        ({**VALID, "TLS": "maybe"}, "STRONGHOUSE__MAIL__TLS"),
        ({**VALID, "HOST": "mail.example.com", "TLS": "none"}, "localhost only"),
        ({**VALID, "TLS": "none", "USER": "a", "PASSWORD_FILE": "/nowhere"}, "never sent without TLS"),
        ({**VALID, "USER": "a"}, "needs a file"),
        ({**VALID, "PASSWORD_FILE": "/nowhere"}, "the file a user"),
        ({**VALID, "USER": "a", "PASSWORD_FILE": "relative"}, "STRONGHOUSE__MAIL__PASSWORD_FILE"),
        ({**VALID, "USER": "a", "PASSWORD_FILE": "/nowhere"}, "/nowhere"),
        ({**VALID, "CA_FILE": "/nowhere"}, "/nowhere"),
    ],
)
def test_settings_that_do_not_go_together_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"STRONGHOUSE__MAIL__{name}", value)
    with pytest.raises(Invalid, match=named):
        open_mailer(SystemClock())


def test_without_a_server_there_is_no_mail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert open_mailer(SystemClock()) is None
    with mail_server(tmp_path) as server:
        chosen = {**VALID, "PORT": str(server.port), "USER": USER, "PASSWORD_FILE": str(server.password_file)}
        for name, value in {**chosen, "CA_FILE": str(server.ca_file)}.items():
            monkeypatch.setenv(f"STRONGHOUSE__MAIL__{name}", value)
        opened = open_mailer(SystemClock())
        assert opened is not None
        opened.send(MAIL)
        assert len(server.messages) == 1


@pytest.mark.parametrize("content", ["", "\n", "a\nb", "x" * 5000, "a\x00b"])
def test_a_file_without_one_password_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "password"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(Invalid, match="one line"):
        SmtpSettings(host="localhost", port=25, tls=Tls.STARTTLS, sender="a@example.com", user="a", password_file=file)
