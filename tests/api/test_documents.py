"""Documents by the API: filed whole or not at all, seen by those they belong to, red until they are in order."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stronghouse.access import people
from stronghouse.access.api_keys import KeyRequest, create_key
from stronghouse.access.model import Principal, Source
from stronghouse.access.roles.policies import rights_of
from stronghouse.access.roles.system import ADMIN, MEMBER
from stronghouse.audit import store as audit
from stronghouse.audit.event import Actor, ActorType, Context
from stronghouse.responsibility.collectors.documents import DocumentCollector
from stronghouse.responsibility.documents import store
from stronghouse.responsibility.documents.reminders import due_reminders
from stronghouse.responsibility.evaluation import evaluate
from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import ResultState
from tests.support.control_plane import CONTEXT, Plane

MARKER = b"%PDF-1.7 marker-of-a-confidential-report"
TODAY = "2026-11-23"


class Office:
    """An organization at its documents."""

    def __init__(self, plane: Plane, organization_id: str, auth: tuple[str, str] | None = None) -> None:
        self.plane, self.id = plane, organization_id
        self.auth = auth or plane.admin(organization_id)

    def call(self, method: str, path: str, **options: Any) -> Any:
        return self.plane.call(method, f"/organizations/{self.id}/{path}", self.auth, **options)

    def file(self, request: str, content: bytes | None = MARKER, *, name: str = "report.pdf", **fields: str) -> Any:
        given = {"request": request, "date": TODAY, **fields}
        parts: list[tuple[str, Any]] = [(key, (None, value)) for key, value in given.items()]
        if content is not None:
            parts.append(("file", (name, content, "application/pdf")))
        return self.call("POST", "documents", files=parts)

    def filed(self, request: str, content: bytes | None = MARKER, **fields: str) -> dict[str, Any]:
        answer = self.file(request, content, **fields)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["result"]
        return found

    def state(self, request: str) -> str:
        found = self.call("GET", "documentRequests").json()["result"]
        return str(next(entry for entry in found if entry["id"] == request)["state"])

    def review(self, document: dict[str, Any]) -> Any:
        return self.call("POST", f"documents/{document['id']}/reviews", json={"note": "Read it; nothing odd."})

    def codes(self) -> list[str]:
        with self.plane.control.database.read() as connection:
            return [entry.code for entry in audit.entries(connection)]


@pytest.fixture
def operator(plane: Plane) -> Office:
    return Office(plane, plane.organization())


@pytest.fixture
def customer(plane: Plane, operator: Office) -> Office:
    plane.clock.advance(timedelta(seconds=1))
    return Office(plane, plane.organization("Customer"))


def person_key(plane: Plane, organization_id: str, email: str) -> tuple[str, str]:
    """A key that a person made."""
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        user = people.create_member(
            uow, organization_id=organization_id, email=email, name=email, role_ids=(ADMIN.id,), now=plane.clock.now()
        )
    actor = Actor(ActorType.USER, user.id, email)
    creator = Principal(actor, {organization_id: rights_of([ADMIN])})
    wanted = KeyRequest(name=email, role_ids=(ADMIN.id,), ip_access=(Source("127.0.0.0/8"),))
    with plane.control.audit.unit_of_work(Context(actor)) as uow:
        new = create_key(uow, wanted, organization_id=organization_id, creator=creator, now=plane.clock.now())
    assert new.key_id
    assert new.key_secret
    return new.key_id.reveal(), new.key_secret.reveal()


@pytest.fixture
def collector(plane: Plane) -> DocumentCollector:
    library = plane.control.documents
    return DocumentCollector(
        plane.control.database.read, requests=library.requests, files=library.files, clock=plane.clock
    )


def results(plane: Plane, collector: DocumentCollector, request: str) -> dict[str | None, tuple[ResultState, str]]:
    """What a request's check says of each organization."""
    facts = Facts.from_json(collector.collect().to_json())
    owners = {resource.id: resource.organization_id for resource in facts.resources}
    found = evaluate(plane.control.catalogue.checks[f"document_{request}"], facts)
    return {owners[result.resource]: (result.state, result.reason) for result in found}


def test_a_request_goes_through_every_state_as_time_passes(
    plane: Plane, customer: Office, collector: DocumentCollector
) -> None:
    def check() -> ResultState:
        return results(plane, collector, "field_inventory")[customer.id][0]

    assert (customer.state("field_inventory"), check()) == ("missing", ResultState.FAIL)
    document = customer.filed("field_inventory")
    assert (customer.state("field_inventory"), check()) == ("not_reviewed", ResultState.FAIL)
    assert customer.review(document).status_code == 200
    assert (customer.state("field_inventory"), check()) == ("in_order", ResultState.PASS)
    plane.clock.advance(timedelta(days=184))
    assert (customer.state("field_inventory"), check()) == ("review_overdue", ResultState.FAIL)
    customer.review(document)
    assert (customer.state("field_inventory"), check()) == ("in_order", ResultState.PASS)
    plane.clock.advance(timedelta(days=182))
    assert (customer.state("field_inventory"), check()) == ("expired", ResultState.FAIL)
    assert {"document.file", "document.review"} <= set(customer.codes())


def test_an_organization_that_filed_nothing_is_red_everywhere(
    plane: Plane, customer: Office, collector: DocumentCollector
) -> None:
    facts = collector.collect()
    for request in plane.control.documents.requests.values():
        found = evaluate(plane.control.catalogue.checks[request.check_id], facts)
        wanted = ResultState.NOT_APPLICABLE if request.providers else ResultState.FAIL
        assert {result.state for result in found} == {wanted}
        assert len(found) == (2 if request.scope == "organization" else 1)


def test_a_record_needs_a_note_and_may_go_without_a_file(customer: Office) -> None:
    assert customer.file("member_review", None).status_code == 400
    record = customer.filed("member_review", None, note="Looked at all five keys.")
    assert record["fileName"] is None
    assert customer.state("member_review") == "in_order"
    assert customer.call("GET", f"documents/{record['id']}/file").status_code == 404
    assert customer.file("playbooks", None).status_code in {400, 403}


def test_a_newer_document_supersedes_and_the_older_stays_listed(customer: Office) -> None:
    new = customer.filed("field_inventory", MARKER, date="2026-11-20")
    old = customer.filed("field_inventory", b"%PDF old", date="2025-01-01")
    found = customer.call("GET", "documents?limit=1").json()["result"]
    found += customer.call("GET", f"documents?limit=1&before={found[0]['id']}").json()["result"]
    assert {entry["id"] for entry in found} == {new["id"], old["id"]}
    requests = customer.call("GET", "documentRequests").json()["result"]
    assert next(entry for entry in requests if entry["id"] == "field_inventory")["document"]["id"] == new["id"]


def test_a_file_comes_back_to_be_saved_only_and_that_is_recorded(customer: Office) -> None:
    content = MARKER * 60_000
    document = customer.filed("field_inventory", content, name='../Bericht "ä".pdf')
    answer = customer.call("GET", f"documents/{document['id']}/file")
    assert answer.content == content
    assert document["fileName"] == 'Bericht "ä".pdf'
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''Bericht%20%22%C3%A4%22.pdf"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert customer.codes()[-1] == "document.download"


def test_plain_content_is_nowhere_below_the_state_directory(customer: Office, tmp_path: Path) -> None:
    document = customer.filed("field_inventory", MARKER * 60_000)
    customer.call("GET", f"documents/{document['id']}/file")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".sealed" for path in files)
    assert not [path for path in files if MARKER in path.read_bytes()]


def test_another_organization_neither_sees_nor_touches_a_document(customer: Office, operator: Office) -> None:
    document = customer.filed("field_inventory")
    for method, path in (
        ("GET", ""),
        ("GET", "/file"),
        ("DELETE", ""),
        ("POST", "/reviews"),
    ):
        options = {"json": {"note": "seen"}} if method == "POST" else {}
        assert operator.call(method, f"documents/{document['id']}{path}", **options).status_code == 404
    assert operator.call("GET", "documents").json()["result"] == []
    assert operator.state("field_inventory") == "missing"


def test_the_installations_documents_are_the_operators_and_all_see_how_they_stand(
    plane: Plane, customer: Office, operator: Office, collector: DocumentCollector
) -> None:
    assert customer.file("playbooks").status_code == 403
    document = operator.filed("playbooks", note="internal-note")
    operator.review(document)
    assert customer.state("playbooks") == "in_order"
    shown = customer.call("GET", "documentRequests").text
    assert document["id"] not in shown
    assert "internal-note" not in shown
    assert results(plane, collector, "playbooks")[None][0] is ResultState.PASS
    assert customer.call("GET", f"documents/{document['id']}").status_code == 404


def test_a_high_document_is_reviewed_by_a_second_person(plane: Plane, operator: Office) -> None:
    alice, alice_too = (Office(plane, operator.id, person_key(plane, operator.id, f"{n}@a.test")) for n in ("a", "b"))
    document = alice.filed("pentest_report")
    assert "another person" in alice.review(document).json()["error"]
    assert operator.review(document).status_code == 403  # a key that no person made
    assert alice.state("pentest_report") == "not_reviewed"
    assert alice_too.review(document).status_code == 200
    assert operator.state("pentest_report") == "in_order"


def test_damaged_or_lost_file_is_found_and_named(
    plane: Plane, customer: Office, collector: DocumentCollector, tmp_path: Path
) -> None:
    document = customer.filed("field_inventory")
    customer.review(document)
    assert results(plane, collector, "field_inventory")[customer.id][0] is ResultState.PASS
    path = tmp_path / "documents" / f"{document['id']}.sealed"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    state, reason = results(plane, collector, "field_inventory")[customer.id]
    assert (state, document["id"] in reason) == (ResultState.FAIL, True)
    assert customer.call("GET", f"documents/{document['id']}/file").status_code == 409
    path.unlink()
    assert "gone" in results(plane, collector, "field_inventory")[customer.id][1]
    path.write_bytes(whole)
    assert results(plane, collector, "field_inventory")[customer.id][0] is ResultState.PASS


def test_a_crash_between_file_and_row_leaves_nothing_that_counts(
    plane: Plane, customer: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*arguments: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as broken:
        broken.setattr(store, "insert_document", crash)
        assert customer.file("field_inventory").status_code == 500
        assert list((tmp_path / "documents").iterdir()) == []
        broken.setattr("stronghouse.responsibility.documents.files.SealedWriter.discard", lambda writer: None)
        assert customer.file("field_inventory").status_code == 500
    assert len(list((tmp_path / "documents").iterdir())) == 1  # as if the process had been killed
    assert customer.state("field_inventory") == "missing"
    with plane.control.database.read() as connection:
        plane.control.documents.files.remove_orphans(store.ids_with_file(connection))
    assert list((tmp_path / "documents").iterdir()) == []


def test_deleting_removes_file_and_row_and_is_recorded(customer: Office, tmp_path: Path) -> None:
    document = customer.filed("field_inventory")
    customer.review(document)
    assert customer.call("DELETE", f"documents/{document['id']}").status_code == 200
    assert list((tmp_path / "documents").iterdir()) == []
    assert customer.state("field_inventory") == "missing"
    assert customer.codes()[-1] == "document.delete"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"request": "no_such_request"}, 404),
        ({"date": "2026-11-24"}, 400),
        ({"date": "1999-12-31"}, 400),
        ({"date": "yesterday"}, 400),
        ({"validUntil": "2026-01-01"}, 400),
        ({"note": "x" * 4001}, 400),
        ({"note": "x" * 40_000}, 400),
        ({"name": "x" * 201}, 400),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    customer: Office, tmp_path: Path, fields: dict[str, Any], status: int
) -> None:
    answer = customer.file(**{"request": "field_inventory", **fields})
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")
    assert list((tmp_path / "documents").iterdir()) == []
    assert customer.call("GET", "documents").json()["result"] == []


def test_types_that_are_not_listed_and_broken_forms_are_refused(customer: Office) -> None:
    parts = [("request", (None, "field_inventory")), ("file", ("a.html", b"<script>", "text/html"))]
    assert customer.call("POST", "documents", files=parts).status_code == 400
    backwards = [("file", ("a.pdf", b"x", "application/pdf")), ("request", (None, "field_inventory"))]
    assert customer.call("POST", "documents", files=backwards).status_code in {400, 404}
    headers = {"content-type": "multipart/form-data; boundary=b"}
    for body in (b"", b"--b", b"--b\r\nnonsense", b"\xff" * 1000):
        assert customer.call("POST", "documents", content=body, headers=headers).status_code == 400
    for boundary in ("", "x" * 1000):
        headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
        assert customer.call("POST", "documents", content=b"--x", headers=headers).status_code == 400


@pytest.mark.slow  # it sends three bodies of 25 MB and more
def test_more_than_25_megabytes_get_413_or_400_and_leave_nothing(customer: Office, tmp_path: Path) -> None:
    assert customer.file("field_inventory", b"x" * (25 * 1024 * 1024 + 1)).status_code == 400
    assert customer.file("field_inventory", b"x" * (26 * 1024 * 1024)).status_code == 413

    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="request"\r\n\r\nfield_inventory'
        for _ in range(300):
            yield b"\r\n" + b"x" * 100_000

    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert customer.call("POST", "documents", content=endless(), headers=headers).status_code in {400, 413}
    assert list((tmp_path / "documents").iterdir()) == []


def test_whoever_may_not_file_is_refused_before_the_file_is_read(plane: Plane, customer: Office) -> None:
    stranger = Office(plane, customer.id, plane.key(customer.id, MEMBER))
    assert stranger.file("field_inventory").status_code == 403


def test_hosting_decides_what_is_asked_for(
    plane: Plane, operator: Office, customer: Office, collector: DocumentCollector
) -> None:
    assert operator.state("aws_soc2_report") == "not_applicable"
    body = {"region": "local", "provider": "aws"}
    assert customer.call("PUT", "hosting", json=body).status_code == 403
    assert operator.call("PUT", "hosting", json={**body, "provider": "moon"}).status_code == 400
    assert operator.call("PUT", "hosting", json={**body, "region": "far"}).status_code == 404
    assert operator.call("PUT", "hosting", json=body).json()["result"] == [body]
    size = len(operator.codes())
    operator.call("PUT", "hosting", json=body)
    assert len(operator.codes()) == size
    assert operator.codes()[-1] == "hosting.declare"
    assert operator.state("aws_soc2_report") == "missing"
    assert operator.state("own_room_access") == "not_applicable"
    assert results(plane, collector, "aws_soc2_report")[None][0] is ResultState.FAIL
    hosting = evaluate(plane.control.catalogue.checks["hosting_declared"], collector.collect())
    assert [result.state for result in hosting] == [ResultState.PASS]


def test_reminders_name_what_is_due_within_30_days(plane: Plane, operator: Office, customer: Office) -> None:
    def reminded(organization_id: str | None) -> dict[str, bool]:
        with plane.control.database.read() as connection:
            found = due_reminders(connection, requests=plane.control.documents.requests, now=plane.clock.now())
        return {one.request_id: one.overdue for one in found if one.organization_id == organization_id}

    assert reminded(customer.id)["member_review"] is True
    assert reminded(None)["pentest_report"] is True
    assert "aws_soc2_report" not in reminded(None)
    customer.filed("member_review", None, note="Done.")
    assert "member_review" not in reminded(customer.id)
    assert "member_review" in reminded(operator.id)
    plane.clock.advance(timedelta(days=63))
    assert reminded(customer.id)["member_review"] is False
    plane.clock.advance(timedelta(days=30))
    assert reminded(customer.id)["member_review"] is True


def test_the_audit_log_holds_neither_note_nor_file_name(customer: Office) -> None:
    document = customer.filed("field_inventory", note="finding-in-a-note", name="customer-name.pdf")
    customer.review(document)
    with customer.plane.control.database.read() as connection:
        text = json.dumps([entry.body for entry in audit.entries(connection)])
    assert "finding-in-a-note" not in text
    assert "customer-name" not in text
    assert "nothing odd" not in text
