"""`stronghouse member`: a second person comes about on the machine, and can do what takes two."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from stronghouse.access import people
from stronghouse.access.authentication import authenticate_session
from stronghouse.access.factors.store import factors_of
from stronghouse.app.control_secrets import open_secrets
from stronghouse.audit import store as audit_store
from stronghouse.console.application import create_console
from stronghouse.console.state import open_console
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.errors import Unauthenticated
from stronghouse.kernel.secret import Secret
from stronghouse.responsibility.model import Severity
from tests.console.conftest import BINDING, OURS, Visitor
from tests.support.control_plane import CONTEXT, NOW, Plane, control_plane
from tests.support.second_factors import set_up_app
from tests.unit.cli.conftest import Cli, Result
from tests.unit.responsibility.findings.looks import Scene

BOB = "bob@example.com"
REPORT = "pentest_report"
Member = Callable[..., Result]


@pytest.fixture
def plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plane]:
    """A control plane with its own sealed keys, as it lies on its machine."""
    directory = tmp_path / "control"
    directory.mkdir()
    signer = open_secrets(directory, machine_key=tmp_path / "machine.key", clock=FixedClock(NOW), begun=False).signer
    with control_plane(directory) as plane:
        plane.control.audit.signer = signer
        monkeypatch.setattr("stronghouse.kernel.clock.SystemClock.now", lambda _: plane.clock.now())
        yield plane


@pytest.fixture
def member(run: Cli, organization_id: str, tmp_path: Path) -> Member:
    """`stronghouse member` on the machine itself."""

    def command(*words: str) -> Result:
        return run("member", *words, "--state-dir", str(tmp_path), "--machine-key", str(tmp_path / "machine.key"))

    return command


def size(plane: Plane) -> int:
    with plane.control.database.read() as connection:
        return audit_store.size(connection)


def test_person_is_added_recorded_and_listed(member: Member, plane: Plane) -> None:
    added = member("add", "Bob@Example.com", "--name", "Bob", "--role", "admin", "--port-base", "9000", "--json").json
    assert (added["email"], added["name"], added["roles"]) == (BOB, "Bob", ["Admin"])
    assert added["login_url"].startswith("https://localhost:9001/sign-in/link?token=sh_link_")
    (listed,) = member("list", "--json").json
    assert (listed["email"], listed["roles"]) == (BOB, ["Admin"])
    assert (listed["hasPassword"], listed["lastSignInAt"]) == (False, None)
    assert BOB in member("list").out
    with plane.control.database.read() as connection:
        made, linked = [*audit_store.entries(connection)][-2:]
    assert (made.code, linked.code) == ("user.create", "user.sign_in_link_issue")
    assert added["login_url"].partition("token=")[2] not in made.body + linked.body


def test_only_the_link_is_on_standard_output(member: Member) -> None:
    added = member("add", BOB, "--role", "Developer")
    assert added.out.startswith("https://localhost:8441/sign-in/link?token=")
    assert added.out.count("\n") == 1
    assert "with the role Developer" in added.err


def test_member_is_not_added_twice_and_bad_input_changes_nothing(member: Member, plane: Plane) -> None:
    assert member("add", BOB, "--role", "Admin").code == 0
    before = size(plane)
    known = member("add", BOB.upper(), "--role", "Member")
    assert (known.code, known.err.count("\n"), "is a member already" in known.err) == (1, 1, True)
    for wrong in ("nobody", "@example.com", "a b@example.com", "a@"):
        refused = member("add", wrong, "--role", "Member")
        assert (refused.code, refused.err) == (1, "Error: This is not an e-mail address.\n")
    assert "name" in member("add", "c@example.com", "--role", "Member", "--name", "x" * 257).err
    assert member("add", "c@example.com", "--role", "Emperor").code == 2
    assert member("add", "c@example.com").code == 2
    assert size(plane) == before


def test_organization_is_named_when_there_are_several(member: Member, plane: Plane) -> None:
    other = plane.organization("Other")
    asked = member("add", BOB, "--role", "Admin")
    assert (asked.code, "--org" in asked.err) == (1, True)
    assert member("add", BOB, "--role", "Admin", "--org", "nothing").code == 1
    assert member("add", BOB, "--role", "Admin", "--org", other, "--json").json["organizationId"] == other


def test_nothing_is_made_where_there_is_no_installation(run: Cli, tmp_path: Path) -> None:
    for words in (("add", BOB, "--role", "Admin"), ("list",), ("sign-out", BOB)):
        refused = run("member", *words, "--state-dir", str(tmp_path / "none"))
        assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert not (tmp_path / "none").exists()


def test_person_is_signed_out_everywhere_and_their_links_end(member: Member, plane: Plane) -> None:
    link = Secret(member("add", BOB, "--role", "Admin", "--json").json["login_url"].partition("token=")[2])
    audit, now = plane.control.audit, plane.clock.now()
    with audit.unit_of_work(CONTEXT) as uow:
        session = people.sign_in_with_link(uow, token=link, now=now)
        unused = people.issue_sign_in_link(uow, email=BOB, now=now)
    assert isinstance(session, people.NewSession)
    assert member("sign-out", BOB.upper(), "--json").json == {"email": BOB, "endedSessions": 1}
    with plane.control.database.read() as connection:
        (event,) = audit_store.entries_of(connection, ["user.sign_out_everywhere"])
        with pytest.raises(Unauthenticated):
            authenticate_session(connection, token=session.token, user_agent=None, now=now)
    assert event.event()["data"] == {"user_id": session.session.user_id, "sessions": 1}
    with pytest.raises(Unauthenticated), audit.unit_of_work(CONTEXT) as uow:
        people.sign_in_with_link(uow, token=unused, now=now)
    again = member("sign-out", BOB)
    assert (again.code, again.out, "sessions ended: 0" in again.err) == (0, "", True)
    unknown = member("sign-out", "nobody@example.com")
    assert (unknown.code, unknown.err) == (1, "Error: Nobody has this e-mail address.\n")


@pytest.fixture
def enter(member: Member, plane: Plane) -> Iterator[Callable[[str], Visitor]]:
    """Add an administrator with the command, and spend the link that it prints in the console."""
    console = create_console(open_console(plane.control))
    with ExitStack() as stack:

        def sign_in(email: str) -> Visitor:
            added = member("add", email, "--role", "Admin", "--json").json
            browser = TestClient(console, base_url="https://localhost:8441", follow_redirects=False)
            client = stack.enter_context(browser)
            token = added["login_url"].partition("token=")[2]
            assert client.post("/sign-in/link", data={"token": token, **BINDING}, headers=OURS).status_code == 303
            return Visitor(plane, client, added["id"])

        yield sign_in


def test_one_asks_and_another_approves_so_that_the_check_is_accepted(
    enter: Callable[[str], Visitor], member: Member, plane: Plane, organization_id: str
) -> None:
    scene = Scene(plane.control.audit, plane.clock, organization_id, "")
    scene.graver(Severity.HIGH)
    scene.look(a="F")
    path = f"/findings/{scene.id_of('a')}"
    ann, bob = enter("ann@example.com"), enter(BOB)
    ann.post(f"{path}/dispositions", data={"kind": "risk_accepted", "reason": "We know.", "until": "2026-12-01"})
    assert scene.place(plane.control.catalogue)["state"] == "fail"
    (approve,) = re.findall(rf'action="({path}/dispositions/[^"]+/approve)"', bob.get(path))
    assert "another person has to" in ann.post(approve, 403)
    assert scene.place(plane.control.catalogue)["state"] == "fail"
    bob.post(approve)
    assert scene.place(plane.control.catalogue)["state"] == "accepted"
    assert all(one["lastSignInAt"] for one in member("list", "--json").json)


def test_one_files_and_another_reviews_so_that_the_request_is_in_order(
    enter: Callable[[str], Visitor], cli: Cli
) -> None:
    ann, bob = enter("ann@example.com"), enter(BOB)
    fields = [("date", (None, "2026-11-01")), ("validUntil", (None, "")), ("note", (None, ""))]
    upload = [*fields, ("file", ("report.pdf", b"%PDF-1.7", "application/pdf"))]
    ann.post(f"/documents/requests/{REPORT}", files=upload)
    (asked,) = cli("document", "requests", REPORT, "--json").json
    assert asked["state"] == "not_reviewed"
    (filed,) = cli("document", "list", "--json").json
    assert "another person has to" in ann.post(f"/documents/{filed['id']}/reviews", 403, data={"note": "fine"})
    bob.post(f"/documents/{filed['id']}/reviews", data={"note": "Read in full."})
    (answered,) = cli("document", "requests", REPORT, "--json").json
    assert answered["state"] == "in_order"


def test_who_lost_their_second_factor_has_it_taken_away(
    member: Member, plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    member("add", BOB, "--role", "Admin")
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        link = people.issue_sign_in_link(uow, email=BOB, now=plane.clock.now())
        session = people.sign_in_with_link(uow, token=link, now=plane.clock.now())
    assert isinstance(session, people.NewSession)
    set_up_app(plane.control, session, now=plane.clock.now())
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    assert member("reset-factors", BOB).code == 1
    taken = member("reset-factors", BOB.upper(), "--yes", "--json")
    assert taken.json == {"email": BOB, "removedFactors": ["authenticator_app"]}
    with plane.control.database.read() as connection:
        (event,) = audit_store.entries_of(connection, ["user.factors_reset"])
        assert not factors_of(connection, session.session.user_id).enrolled
        with pytest.raises(Unauthenticated):
            authenticate_session(connection, token=session.token, user_agent=None, now=plane.clock.now())
    told = {"user_id": session.session.user_id, "factors": ["authenticator_app"], "sessions": 1}
    assert event.event()["data"] == told
    again = member("reset-factors", BOB, "--yes")
    assert (again.code, again.err) == (1, f"Error: {BOB} has no second factor.\n")
