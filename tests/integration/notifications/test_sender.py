"""Sending for real: mail and webhooks arrive, nothing goes where it may not, and no reason tells a URL."""

import json
from ipaddress import ip_network

import pytest

from stronghouse.kernel.errors import Invalid, Unavailable
from stronghouse.kernel.secret import Secret
from stronghouse.notifications.sender import AppriseSender
from tests.support.receivers import smtp_server, webhook

LOCAL = AppriseSender([ip_network("127.0.0.0/8")])
NOBODY = AppriseSender()
MARKER = "marker-secret"


def failure(sender: AppriseSender, url: str) -> str:
    with pytest.raises(Unavailable) as failed:
        sender.send(Secret(url), title="Stronghouse: title", body="body", inside=True)
    assert MARKER not in f"{failed.value.public}{failed.value.detail}"
    return failed.value.public


def test_mail_arrives() -> None:
    with smtp_server() as mailbox:
        url = f"mailto://127.0.0.1:{mailbox.port}?from=sh@example.com&to=ops@example.com&smtp=127.0.0.1"
        LOCAL.send(Secret(url), title="Stronghouse: 2 changes", body="[high] a fails\nWhat to do: this.", inside=True)
        (message,) = mailbox.messages
        assert "Stronghouse: 2 changes" in message
        assert any("ops@example.com" in line for line in mailbox.recipients)
        mailbox.refuse = True
        assert "554" in failure(LOCAL, url)


def test_webhook_gets_plain_text() -> None:
    with webhook() as hook:
        url = Secret(f"json://127.0.0.1:{hook.port}/in/{MARKER}")
        LOCAL.send(url, title="title", body="[high] a <b> & c", inside=True)
        (body,) = hook.bodies
    assert json.loads(body)["title"] == "title"
    assert json.loads(body)["message"] == "[high] a <b> & c"


def test_reason_says_exactly_what_went_wrong_and_never_the_url() -> None:
    with webhook() as hook:
        hook.status = 403
        assert "403" in failure(LOCAL, f"json://user:{MARKER}@127.0.0.1:{hook.port}/{MARKER}")
        port = hook.port
    assert "refuses the connection" in failure(LOCAL, f"json://127.0.0.1:{port}/{MARKER}")
    assert "does not resolve" in failure(LOCAL, f"json://nowhere.invalid/{MARKER}")


def test_reason_of_a_mail_host_that_is_not_reached_is_no_tls_error() -> None:
    mail = f"mailtos://user:{MARKER}@example.com:1?to=ops@example.com&from=sh@example.com&smtp="
    assert "refuses the connection" in failure(LOCAL, f"{mail}127.0.0.1")
    assert "does not resolve" in failure(LOCAL, f"{mail}nowhere.invalid")


def test_plain_port_behind_a_tls_schema_is_a_tls_error() -> None:
    with webhook() as hook:
        assert "TLS" in failure(LOCAL, f"jsons://127.0.0.1:{hook.port}/{MARKER}")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("schema", ["json", "jsons"])
def test_this_machine_is_not_reached_however_it_is_spelled(host: str, schema: str) -> None:
    with webhook() as hook:
        reason = failure(NOBODY, f"{schema}://{host}:{hook.port}/{MARKER}")
        assert hook.bodies == []
    assert "may not go" in reason or "does not resolve" in reason or "apprise does not understand" in reason


def test_metadata_service_is_not_reached_and_proxies_of_the_environment_are_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with webhook() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert "169.254.169.254" in failure(LOCAL, f"json://169.254.169.254/{MARKER}")
        assert proxy.bodies == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_not_followed(status: int) -> None:
    with webhook() as target, webhook() as hook:
        hook.status, hook.location = status, f"http://127.0.0.1:{target.port}/"
        assert str(status) in failure(LOCAL, f"json://127.0.0.1:{hook.port}/{MARKER}")
        assert target.bodies == []


def test_url_that_apprise_does_not_understand_is_refused() -> None:
    LOCAL.check(Secret("tgram://123456789:abcdefg_hijklmnop-lmnopqrstuv/12315544/"))
    with pytest.raises(Invalid):
        LOCAL.check(Secret("tgram://x"))


def test_an_allowed_network_is_not_allowed_to_everybody() -> None:
    with webhook() as hook, pytest.raises(Unavailable):
        LOCAL.send(Secret(f"json://127.0.0.1:{hook.port}/in"), title="title", body="body", inside=False)
