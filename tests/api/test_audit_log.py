"""The audit log over the API: filters, pages, one event, and the whole of it as a file."""

import base64
import csv
import io
import json
from typing import Any

import pytest

from stronghouse.access.roles.system import DEVELOPER
from stronghouse.audit import tree
from stronghouse.audit.checkpoint import parse_verifier_key, verify
from tests.support.control_plane import Plane

Auth = tuple[str, str]


class Log:
    """An organization with a few events, and calls about its log."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.organization_id = plane.organization()
        self.auth: Auth = plane.admin(self.organization_id)
        self.service = self.make("one")
        self.make("two")
        self.call("PATCH", f"services/{self.service}", json={"name": "first"})

    def make(self, name: str) -> str:
        """The id of a new service."""
        return str(self.call("POST", "services", json={"name": name})["result"]["service"]["id"])

    def call(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """The answer's body."""
        answer = self.plane.call(method, f"/organizations/{self.organization_id}/{path}", self.auth, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    def codes(self, **filters: str | int) -> list[str]:
        """Codes of the events that pass."""
        return [event["code"] for event in self.call("GET", "auditLog", params=filters)["result"]]

    def export(self, **parameters: str) -> Any:
        """The answer to an export."""
        path = f"/organizations/{self.organization_id}/auditLog/export"
        return self.plane.call("GET", path, self.auth, params=parameters)


@pytest.fixture
def log(plane: Plane) -> Log:
    return Log(plane)


def test_filters_narrow_what_is_listed(log: Log) -> None:
    assert log.codes(code="service.create") == ["service.create"] * 2
    assert log.codes(code="service.", serviceId=log.service) == ["service.rename", "service.create"]
    assert log.codes(code="service", text="FIRST") == ["service.rename"]
    assert log.codes(code="service.create", outcome="denied") == []
    assert set(log.codes(address="127.0.0.1")) == {"service.create", "service.rename"}
    assert "organization.create" in log.codes(actor="stronghouse")
    assert log.codes(since="2026-11-24") == log.codes(until="2026-11-22") == []
    assert log.codes(since="2026-11-23", until="2026-11-23") == log.codes()
    assert log.codes(code="", outcome="", text="") == log.codes()


def test_pages_lead_on_in_both_directions(log: Log) -> None:
    first = log.call("GET", "auditLog?limit=2")
    assert set(first) == {"status", "requestId", "result", "older"}
    second = log.call("GET", f"auditLog?limit=2&before={first['older']}")
    assert second["result"][0]["index"] < first["result"][-1]["index"]
    back = log.call("GET", f"auditLog?limit=2&after={second['newer']}")
    assert back["result"] == first["result"]


@pytest.mark.parametrize(
    "query",
    [
        "outcome=good",
        "outcom=denied",
        "code=Service",
        "serviceId=one",
        "address=10.0.0.0/8",
        "since=soon",
        "since=2026-02-01&until=2026-01-01",
        "text=" + "x" * 201,
        "outcome=denied&outcome=success",
        "before=5&after=3",
        "limit=1001",
        "before=-1",
        "format=csv",
    ],
)
def test_bad_filters_get_400_and_never_more_than_was_asked_for(log: Log, query: str) -> None:
    assert log.call("GET", f"auditLog?{query}", 400)["error"].startswith("BAD_REQUEST: ")


@pytest.mark.parametrize("query", ["", "format=xml", "format=csv&limit=5", "format=csv&outcome=good"])
def test_bad_exports_get_400_and_are_not_recorded(log: Log, query: str) -> None:
    log.call("GET", f"auditLog/export?{query}", 400)
    assert "audit_log.export" not in log.codes()


def test_event_shows_what_it_changed_and_its_proof_holds(log: Log) -> None:
    listed = log.call("GET", "auditLog?code=service.rename")["result"][0]
    shown = log.call("GET", f"auditLog/{listed['id']}")["result"]
    changed = {"field": "name", "before": "one", "after": "first", "added": [], "removed": []}
    assert shown == {**listed, "changes": [changed]}
    head = log.call("GET", "auditLog/checkpoint")["result"]
    origin, key = parse_verifier_key(head["verifierKey"])
    proof = log.call("GET", f"auditLog/{listed['id']}/proof")["result"]
    signed = verify(head["checkpoint"], origin=origin, public_key=key)
    path = [base64.b64decode(node) for node in proof["proof"]]
    leaf = tree.leaf_hash(proof["leaf"].encode())
    assert tree.verify_inclusion(leaf, proof["index"], signed.size, path, signed.root)
    assert json.loads(proof["leaf"])["id"] == listed["id"]


def test_events_of_others_are_not_there(plane: Plane, log: Log) -> None:
    theirs = Log(plane)
    event = theirs.call("GET", "auditLog?code=service.rename")["result"][0]
    hidden = log.call("GET", f"auditLog/{event['id']}", 404)
    assert hidden["error"] == log.call("GET", "auditLog/00000000-0000-4000-8000-000000000000", 404)["error"]
    assert log.codes(serviceId=theirs.service) == []
    assert theirs.service not in log.export(format="ndjson").text


def test_export_is_recorded_first_and_holds_what_was_asked_for(log: Log) -> None:
    answer = log.export(format="ndjson", code="service.")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == 'attachment; filename="audit-log-20261123T120000Z.ndjson"'
    assert answer.headers["cache-control"] == "no-store"
    events = [json.loads(line) for line in answer.text.splitlines()]
    assert [event["code"] for event in events] == ["service.create", "service.create", "service.rename"]
    for line, event in zip(answer.text.splitlines(), events, strict=True):
        proof = log.call("GET", f"auditLog/{event['id']}/proof")["result"]
        assert "{" + line.partition(",")[2] == proof["leaf"]
    recorded = log.call("GET", "auditLog?code=audit_log.export")["result"]
    assert recorded[0]["data"] == {"format": "ndjson", "filters": {"code": "service."}}
    assert recorded[0]["actor"]["type"] == "api"


def test_csv_is_a_table_of_everything(log: Log) -> None:
    answer = log.export(format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    records = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [int(record["index"]) for record in records] == sorted(int(record["index"]) for record in records)
    assert records[-1]["code"] == "audit_log.export"
    assert len(records) == len(log.codes(limit=1000))


def test_who_may_not_see_the_log_exports_nothing(plane: Plane, log: Log) -> None:
    log.auth, admin = plane.key(log.organization_id, DEVELOPER), log.auth
    assert log.export(format="csv").status_code == 403
    log.auth = admin
    assert "audit_log.export" not in log.codes()
