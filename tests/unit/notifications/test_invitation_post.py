"""Mailing invitations: what is due is sent, what fails is tried again and seen, and no link is kept."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stronghouse.access.api_keys import hash_text
from stronghouse.access.invitations import acceptance, actions, store
from stronghouse.access.invitations.actions import LIFETIME
from stronghouse.access.invitations.model import Channel, Invitation
from stronghouse.access.model import Principal
from stronghouse.access.roles.policies import rights_of
from stronghouse.access.roles.system import ADMIN, DEVELOPER
from stronghouse.audit import store as audit_store
from stronghouse.audit.event import Actor, ActorType
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.secret import Secret
from stronghouse.notifications.invitation_post import InvitationPost
from stronghouse.notifications.smtp import Mail, MailRefused
from tests.api.test_members import add
from tests.support.control_plane import CONTEXT, Plane, control_plane

EMAIL = "grace@example.com"
MINUTE = timedelta(minutes=1)


@dataclass
class Postbox:
    """A mail server that is not there: `problem` is what it answers with."""

    problem: Unavailable | None = None
    mails: list[Mail] = field(default_factory=list)
    asked: int = 0

    def send(self, mail: Mail) -> None:
        """Take a mail or refuse it."""
        self.asked += 1
        if self.problem is not None:
            raise self.problem
        self.mails.append(mail)

    @property
    def token(self) -> Secret:
        """In the newest mail."""
        (found,) = re.findall(r"https://localhost:8441/sign-in/invitation\?token=(\S+)", self.mails[-1].body)
        return Secret(found)


class Office:
    """An organization that invites."""

    def __init__(self, plane: Plane, name: str = "Example") -> None:
        self.plane = plane
        self.box = Postbox()
        self.id = plane.organization(name)
        user_id = add(plane, self.id, f"ada-{self.id}@example.com", ADMIN)
        self.ada = Principal(Actor(ActorType.USER, user_id, "ada"), {self.id: rights_of([ADMIN])})
        self.post = InvitationPost(
            plane.control.audit, mailer=self.box, console_url="https://localhost:8441", clock=plane.clock
        )

    def invite(self, email: str = EMAIL) -> str:
        with self.plane.control.audit.unit_of_work(CONTEXT) as uow:
            return actions.invite(
                uow,
                email=email,
                role_ids=(DEVELOPER.id,),
                organization_id=self.id,
                inviter=self.ada,
                channel=Channel.MAIL,
                now=self.plane.clock.now(),
            ).id

    def renew(self, invitation_id: str, channel: Channel = Channel.MAIL) -> None:
        with self.plane.control.audit.unit_of_work(CONTEXT) as uow:
            actions.renew(
                uow,
                invitation_id=invitation_id,
                organization_id=self.id,
                editor=self.ada,
                channel=channel,
                now=self.plane.clock.now(),
            )

    def revoke(self, invitation_id: str) -> None:
        with self.plane.control.audit.unit_of_work(CONTEXT) as uow:
            actions.revoke(uow, invitation_id=invitation_id, organization_id=self.id, now=self.plane.clock.now())

    def one(self, email: str = EMAIL) -> Invitation:
        with self.plane.control.database.read() as connection:
            found = store.by_email(connection, organization_id=self.id, email=email)
        assert found is not None
        return found

    def works(self, token: Secret) -> bool:
        with self.plane.control.database.read() as connection:
            try:
                acceptance.offer(connection, token, now=self.plane.clock.now())
            except Exception:  # noqa: BLE001 - whatever keeps it from being accepted
                return False
        return True

    def deliveries(self) -> list[Any]:
        with self.plane.control.database.read() as connection:
            return [entry.event() for entry in audit_store.entries_of(connection, ["invitation.deliver"])]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with control_plane(tmp_path) as plane:
        yield Office(plane)


def test_an_invitation_is_mailed_once_with_a_link_that_works(office: Office) -> None:
    office.invite()
    assert office.one().state == "waiting"
    assert office.post.send_due() == 1
    assert office.post.send_due() == 0
    (mail,) = office.box.mails
    assert (mail.to, mail.subject) == (EMAIL, "Invitation to Example")
    assert "“Example”" in mail.body
    assert "“Developer”" in mail.body
    assert f"“Ada” (ada-{office.id}@example.com) invites you" in mail.body
    assert "2026-11-30 12:00 UTC" in mail.body
    assert office.works(office.box.token)
    one = office.one()
    assert (one.state, one.attempts, one.error) == ("sent", 1, None)
    (event,) = office.deliveries()
    assert (event["outcome"], event["data"]["reason"], event["actor"]["type"]) == ("success", None, "system")


def test_no_link_is_kept_anywhere(office: Office, tmp_path: Path) -> None:
    office.invite()
    office.post.send_due()
    token = office.box.token.reveal()
    office.plane.control.database.close()
    for file in tmp_path.glob("control.db*"):
        content = file.read_bytes()
        assert token.encode() not in content
        assert b"sh_invite_" not in content
    assert any(hash_text(token).encode() in file.read_bytes() for file in tmp_path.glob("control.db*"))


def test_a_failure_is_seen_and_tried_again_later_and_later(office: Office) -> None:
    office.invite()
    office.box.problem = Unavailable("The mail server did not answer in time.")
    waits = []
    for _ in range(9):
        assert office.post.send_due() == 0
        one = office.one()
        assert (one.state, one.error) == ("retrying", office.box.problem.public)
        assert one.next_attempt_at is not None
        waits.append((one.next_attempt_at - office.plane.clock.now()) // MINUTE)
        asked = office.box.asked
        office.plane.clock.advance(one.next_attempt_at - office.plane.clock.now() - timedelta(seconds=1))
        office.post.send_due()
        assert office.box.asked == asked
        office.plane.clock.advance(timedelta(seconds=1))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    (event,) = office.deliveries()  # nine failures for one reason are one event
    assert (event["outcome"], event["data"]["is_final"]) == ("failure", False)
    office.box.problem = Unavailable("The mail server refuses the connection.")
    office.post.send_due()
    assert len(office.deliveries()) == 2
    office.plane.clock.advance(timedelta(hours=1))
    office.box.problem = None
    assert office.post.send_due() == 1
    assert office.one().state == "sent"
    assert office.deliveries()[-1]["outcome"] == "success"


def test_what_is_refused_for_good_waits_for_somebody_to_ask_again(office: Office) -> None:
    invitation_id = office.invite()
    office.box.problem = MailRefused("The mail server refuses the address with status 550.", code="mail_refused")
    office.post.send_due()
    assert office.one().state == "failed"
    office.plane.clock.advance(timedelta(days=1))
    office.post.send_due()
    assert office.box.asked == 1
    (event,) = office.deliveries()
    assert event["data"]["is_final"] is True
    office.box.problem = None
    office.renew(invitation_id)
    assert office.one().state == "waiting"
    assert office.post.send_due() == 1


def test_each_mail_has_a_link_of_its_own_and_the_newest_works(office: Office) -> None:
    invitation_id = office.invite()
    office.post.send_due()
    first = office.box.token
    with pytest.raises(Exception, match="just now"):
        office.renew(invitation_id)
    office.plane.clock.advance(MINUTE)
    office.renew(invitation_id)
    assert not office.works(first)
    office.post.send_due()
    assert office.works(office.box.token)
    assert not office.works(first)


def test_a_crash_between_sending_and_noting_sends_another_mail_later_whose_link_works(office: Office) -> None:
    office.invite()
    kept, office.post._keep = office.post._keep, lambda *_, **__: 1 / 0  # type: ignore[assignment, method-assign]
    assert office.post.send_due() == 0
    assert office.post.send_due() == 0
    first = office.box.token
    assert office.works(first)
    office.post._keep = kept  # type: ignore[method-assign]
    office.plane.clock.advance(MINUTE)
    assert office.post.send_due() == 1
    assert len(office.box.mails) == 2
    assert office.works(office.box.token)
    assert not office.works(first)


def test_what_is_revoked_or_asked_anew_while_its_mail_is_under_way_stays_so(office: Office) -> None:
    invitation_id = office.invite()
    sent = office.box.send

    def revoke_first(mail: Mail) -> None:
        office.revoke(invitation_id)
        sent(mail)

    office.box.send = revoke_first  # type: ignore[method-assign]
    office.post.send_due()
    assert not office.works(office.box.token)
    assert office.deliveries() == []
    another = office.invite()
    office.plane.clock.advance(MINUTE)

    def show_instead(mail: Mail) -> None:
        office.renew(another, Channel.SHOWN)
        sent(mail)

    office.box.send = show_instead  # type: ignore[method-assign]
    office.post.send_due()
    assert office.one().state == "shown"
    assert not office.works(office.box.token)
    assert office.deliveries() == []


def test_nothing_is_mailed_after_the_end(office: Office) -> None:
    office.invite()
    office.plane.clock.advance(LIFETIME)
    assert (office.post.send_due(), office.box.asked) == (0, 0)


def test_one_address_gets_a_mail_a_minute_whoever_invites(office: Office) -> None:
    other = Office(office.plane, "Other")
    other.post = office.post
    office.invite()
    other.invite()
    assert office.post.send_due() == 1
    assert office.post.send_due() == 0
    office.plane.clock.advance(MINUTE)
    assert office.post.send_due() == 1
    office.revoke(office.one().id)
    office.invite()
    assert office.post.send_due() == 0


def test_a_mail_that_fails_unexpectedly_keeps_no_other_waiting(office: Office) -> None:
    office.invite("a@example.com")
    office.invite("b@example.com")
    sent = office.box.send

    def one_crashes(mail: Mail) -> None:
        if mail.to == "a@example.com":
            raise ZeroDivisionError
        sent(mail)

    office.box.send = one_crashes  # type: ignore[method-assign]
    assert office.post.send_due() == 1
    assert office.one("b@example.com").state == "sent"


def test_names_of_others_are_cut_and_in_quotation_marks(tmp_path: Path) -> None:
    with control_plane(tmp_path) as plane:
        office = Office(plane, "Win a prize at https://evil.example " + "x" * 200)
        office.invite()
        office.post.send_due()
        (mail,) = office.box.mails
    assert "“Win a prize" in mail.body
    assert "x" * 80 not in mail.body
    assert len(mail.subject) < 120


def test_the_thread_is_woken_by_an_invitation(office: Office) -> None:
    assert not office.post._wake.is_set()
    add(office.plane, office.id, "bob@example.com")
    assert not office.post._wake.is_set()
    office.invite()
    assert office.post._wake.is_set()
