"""An invitation from the API through a real SMTP server to the page at which it is accepted."""

import re
from pathlib import Path

from starlette.testclient import TestClient

from stronghouse.access.roles.system import DEVELOPER
from stronghouse.console.application import create_console
from stronghouse.console.state import open_console
from stronghouse.notifications.invitation_post import FIRST_BACK_OFF, InvitationPost
from stronghouse.notifications.smtp import SmtpMailer, SmtpSettings, Tls
from tests.console.conftest import BINDING, OURS
from tests.support.control_plane import Plane, control_plane
from tests.support.mail_server import USER, Server, mail_server

PASSWORD = "Walrus onyx fable crumpet 1"


def post(plane: Plane, server: Server) -> InvitationPost:
    settings = SmtpSettings(
        host="localhost",
        port=server.port,
        tls=Tls.STARTTLS,
        sender="stronghouse@example.com",
        user=USER,
        password_file=server.password_file,
        ca_file=server.ca_file,
    )
    return InvitationPost(
        plane.control.audit,
        mailer=SmtpMailer(settings, plane.clock),
        console_url=plane.control.console_url,
        clock=plane.clock,
    )


def test_the_link_in_the_mail_makes_a_member(tmp_path: Path) -> None:
    with control_plane(tmp_path) as plane, mail_server(tmp_path) as server:
        organization = plane.organization("Grüne Wiese AG")
        auth = plane.admin(organization)
        body = {"email": "Grace@Example.com", "assignedRoleIds": [DEVELOPER.id]}
        assert plane.call("POST", f"/organizations/{organization}/invitations", auth, json=body).status_code == 200
        sending = post(plane, server)
        server.refuse = "451 greylisted"
        assert sending.send_due() == 0
        (one,) = plane.call("GET", f"/organizations/{organization}/invitationDeliveries", auth).json()["result"]
        assert (one["state"], one["attempts"]) == ("retrying", 1)
        assert one["error"] == "The mail server refuses the address with status 451."
        server.refuse = None
        plane.clock.advance(FIRST_BACK_OFF)
        assert sending.send_due() == 1
        (message,), (envelope,) = server.messages, server.envelopes
        assert envelope.rcpt_tos == ["grace@example.com"]
        text = message.get_content()
        assert "Grüne Wiese" in text
        assert "“Developer”" in text
        (link,) = re.findall(r"https://localhost:8441(/sign-in/invitation\?token=\S+)", text)
        with TestClient(
            create_console(open_console(plane.control)), base_url="https://localhost:8441", follow_redirects=False
        ) as browser:
            assert "Choose a password" in browser.get(link).text
            form = {"token": link.partition("token=")[2], "name": "Grace", "password": PASSWORD, "again": PASSWORD}
            assert browser.post("/sign-in/invitation", data={**form, **BINDING}, headers=OURS).status_code == 303
        (member,) = plane.call("GET", f"/organizations/{organization}/members", auth).json()["result"]
        assert (member["email"], member["assignedRoles"][0]["roleName"]) == ("grace@example.com", "Developer")
        assert plane.call("GET", f"/organizations/{organization}/invitations", auth).json()["result"] == []
