"""The Cloud API's operations with thousands of made-up requests, as their own description allows and forbids them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case as AnyCase
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from stronghouse.access.roles.system import MEMBER
from tests.support.control_plane import HERE, Plane, control_plane

DOCUMENT = json.loads((Path(__file__).parent / "cloud_schemas.json").read_text())


def made_strict(node: Any) -> Any:
    """The description, with what it takes for granted: what has properties is an object, and a body is sent."""
    if isinstance(node, list):
        return [made_strict(one) for one in node]
    if not isinstance(node, dict):
        return node
    said = {"type": "object"} if isinstance(node.get("properties"), dict) else {}
    sent = {"required": True} if "content" in node and "description" not in node else {}
    return {**said, **{name: made_strict(value) for name, value in node.items()}, **sent}


SCHEMA = schemathesis.openapi.from_dict(made_strict(DOCUMENT))
FOUND = [one.ok() for one in SCHEMA.get_all_operations() if isinstance(one, Ok)]
OPERATIONS = {one.definition.raw["operationId"]: one for one in FOUND}
Case = AnyCase[Any]
CASES = 2400 // len(OPERATIONS)
"""For each operation, so that all of them together get more than two thousand."""
EASY: dict[str, Any] = {
    "assignedRoleIds": [MEMBER.id],
    "ipAccessList": [{"source": "192.0.2.0/24", "description": "documentation"}],
    "policies": [{"allowDeny": "ALLOW", "permissions": ["control-plane:service:view"], "resources": ["instance/*"]}],
    "actors": [],
    "email": "made.up@example.com",
    "provider": "aws",
    "region": "us-east-1",
    "expireAt": "2030-01-01T00:00:00Z",
    "openApiKeys": [],
    "allowedOrigins": "https://app.example.com",
}
"""What cannot be made up from types alone."""
KNOWN = settings(
    max_examples=CASES, deadline=None, database=None, suppress_health_check=[*HealthCheck], derandomize=True
)
ANSWERED = {200, 400, 403, 404, 409, 422, 429, 503}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # thousands of requests


class Furnished:
    """An organization with one of each thing, whose ids the requests name."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.organization_id = plane.organization()
        self.auth = plane.admin(self.organization_id)
        made = self._post("services", name="events")
        self.secrets = [self.auth[1], made["password"]]
        key = self._post("keys", name="other", ipAccessList=[], assignedRoleIds=[])
        self.secrets += [key["keySecret"]]
        role = self._post("roles", name="Readers", policies=[], actors=[])
        invitation = self._post("invitations", email="grace@example.com")
        self.ids = {
            "organizationId": self.organization_id,
            "serviceId": made["service"]["id"],
            "keyId": key["key"]["id"],
            "roleId": role["id"],
            "invitationId": invitation["id"],
        }

    def _post(self, path: str, **body: object) -> dict[str, Any]:
        answer = self.plane.call("POST", f"/organizations/{self.organization_id}/{path}", self.auth, json=body)
        return dict(answer.json()["result"])

    def send(self, case: Case, *, auth: tuple[str, str] | None, known: bool) -> Any:
        """The answer to a case, in which `known` puts ids that there are; nothing is deleted that others need."""
        if known and case.method.upper() != "DELETE":
            case.path_parameters = {**(case.path_parameters or {}), **self._known(case)}
            if isinstance(case.body, dict):
                case.body = {**case.body, **{name: value for name, value in EASY.items() if name in case.body}}
        sent = case.as_transport_kwargs(base_url="https://testserver")
        headers = {**dict(sent.pop("headers", {})), "x-sh-client-ip": HERE}
        headers.pop("Authorization", None)
        sent.pop("cookies", None)
        if "data" in sent:
            sent["content"] = sent.pop("data")
        return self.plane.http.request(**sent, headers=headers, auth=auth)

    def _known(self, case: Case) -> dict[str, str]:
        return {name: value for name, value in self.ids.items() if name in (case.path_parameters or {})}


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    with control_plane(tmp_path_factory.mktemp("plane")) as plane:
        yield Furnished(plane)


def check_envelope(answer: Any) -> dict[str, Any]:
    assert answer.status_code in ANSWERED, answer.text
    body = dict(answer.json())
    assert body["status"] == answer.status_code
    if answer.status_code != 200:
        word, _, sentence = body["error"].partition(": ")
        assert word.isupper(), body
        assert sentence.strip(), body
    return body


def cases(operation: str) -> st.SearchStrategy[Case]:
    """Requests as the description allows them, and others that break it."""
    allowed, broken = (
        OPERATIONS[operation].as_strategy(generation_mode=mode)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    )
    return allowed | broken


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_request_breaks_an_operation_or_its_promises(furnished: Furnished, operation: str) -> None:
    answered = OPERATIONS[operation].definition.raw["responses"]["200"]["content"]["application/json"]["schema"]
    schema = {**answered, "components": DOCUMENT["components"]}

    @KNOWN
    @given(data=st.data(), known=st.sampled_from([True, True, True, False]))
    def send(data: st.DataObject, known: bool) -> None:
        case = data.draw(cases(operation))
        answer = furnished.send(case, auth=furnished.auth, known=known)
        body = check_envelope(answer)
        if answer.status_code == 200:
            jsonschema.validate(body, schema, format_checker=jsonschema.FormatChecker())
        assert not [secret for secret in furnished.secrets if secret in answer.text]

    send()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_without_a_key_nothing_is_answered_but_that_one_is_needed(furnished: Furnished, operation: str) -> None:
    @KNOWN
    @given(data=st.data(), known=st.booleans(), stranger=st.booleans())
    def send(data: st.DataObject, known: bool, stranger: bool) -> None:
        auth = ("stranger", "sh_wrong") if stranger else None
        answer = furnished.send(data.draw(cases(operation)), auth=auth, known=known)
        assert answer.status_code in {401, 404}, answer.text
        assert answer.json()["error"].startswith(("UNAUTHORIZED", "NOT_FOUND")), answer.text

    send()
