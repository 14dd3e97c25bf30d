"""A whole installation mails an invitation, and again after a kill while the mail server could not be reached."""

import os
import re
import signal
import ssl
from pathlib import Path

import httpx
import pytest

from stronghouse.access.roles.system import MEMBER
from tests.support.mail_server import PASSWORD, USER, mail_server
from tests.support.stack import Stack, running_stack

pytestmark = [
    pytest.mark.slow,  # a whole installation, and the minute until a mail is tried again
    pytest.mark.timeout(300),
]


def test_an_invitation_reaches_its_person_and_survives_a_kill(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        settings = {
            "HOST": "localhost",
            "PORT": str(server.port),
            "SENDER": "stronghouse@example.com",
            "USER": USER,
            "PASSWORD_FILE": str(server.password_file),
            "CA_FILE": str(server.ca_file),
        }
        environment = {f"STRONGHOUSE__MAIL__{name}": value for name, value in settings.items()}
        with running_stack(tmp_path, environment=environment) as stack:
            made = stack.api("POST", "/invitations", {"email": "Grace@Example.com", "assignedRoleIds": [MEMBER.id]})
            stack.wait_until(lambda: len(server.messages) == 1)
            server.refuse = "451 not now"
            stack.api("POST", "/invitations", {"email": "later@example.com"})
            stack.wait_until(lambda: deliveries(stack) == ["sent", "retrying"])
            os.kill(stack.pid_of("control"), signal.SIGKILL)
            server.refuse = None
            stack.wait_until(lambda: len(server.messages) == 2, timeout=150)
            first, second = server.messages
            assert (first["to"], second["to"]) == ("grace@example.com", "later@example.com")
            (link,) = re.findall(r"https://localhost:\d+/sign-in/invitation\?token=\S+", first.get_content())
            trust = ssl.create_default_context(cafile=stack.ca_file)
            with httpx.Client(verify=trust) as browser:
                assert "Choose a password" in browser.get(link).text
            stack.api("DELETE", f"/invitations/{made['id']}")
            with httpx.Client(verify=trust) as browser:
                assert browser.get(link).status_code == 404
        logs = [tmp_path / "up.log", *(path for path in (tmp_path / "state" / "log").rglob("*") if path.is_file())]
        for log in logs:
            assert PASSWORD not in log.read_text(errors="replace")
            assert "sh_invite_" not in log.read_text(errors="replace")


def deliveries(stack: Stack) -> list[str]:
    """How far each link has got, by address."""
    return [one["state"] for one in stack.api("GET", "/invitationDeliveries")]
