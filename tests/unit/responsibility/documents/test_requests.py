"""The requests are complete, name controls that exist, and ask what only a person can answer."""

import copy
import re
import tomllib
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest

from stronghouse.kernel.errors import Internal
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.documents.model import Party, Provider, RequestKind, Scope
from stronghouse.responsibility.documents.requests import load_requests, parse_request
from stronghouse.responsibility.documents.standing import who
from stronghouse.responsibility.model import Owner

MUST_HAVE = [
    "infra.physical.reports",
    "infra.resources.provider_report",
    "infra.resources.accounts",
    "assess.pentest.tested",
    "assess.pentest.mended",
    "assess.audits.audited",
    "assess.audits.mended",
    "assess.frameworks.mapped",
    "assess.trust_center.reports",
    "team.settings.reviewed",
    "team.incidents.response",
    "team.playbooks.written",
    "team.playbooks.practised",
    "team.threats.detections",
    "team.threats.tested",
    "team.disclosure.published",
    "team.disclosure.answered",
    "dev.sast.analysed",
    "dev.fuzzing.fuzzed",
    "console.iam.reviews",
    "console.audit.reviewed",
    "console.audit.witnessed",
    "service.iam.reviews",
    "service.retention.declared",
    "service.retention.enforced",
    "service.fields.declared",
    "extension.backups.restored",
    "extension.recovery.escrow",
    "extension.recovery.rebuilt",
    "platform.infra_iam.accounts",
    "platform.app_iam.reviews",
]
ONLY_CODE = {
    "service.fields.encrypted",
    "extension.backups.taken",
    "extension.backups.encrypted",
    "console.tde.rotated",
}


def test_every_control_that_needs_a_person_has_a_request_and_no_other_has(catalogue: Catalogue) -> None:
    found = {request.control for request in load_requests(catalogue.responsibilities).values()}
    assert found == set(MUST_HAVE)
    assert not found & ONLY_CODE


def test_every_request_becomes_a_check_with_a_command_and_a_place_to_get_it(catalogue: Catalogue) -> None:
    for request in load_requests(catalogue.responsibilities).values():
        meta = catalogue.checks[f"document_{request.id}"].meta
        assert meta.controls == (request.control,)
        assert meta.collector == "documents"
        assert meta.max_age.days <= 1
        assert f"`stronghouse document {'record' if request.kind is RequestKind.REVIEW else 'file'}" in meta.remediation
        assert request.source in meta.remediation
        for sentence in (meta.risk, meta.remediation, request.contents):
            assert len(sentence) > 30
            assert sentence.endswith(".")
        assert len(meta.title) > 20
        assert re.fullmatch(r"[a-z][a-z0-9_]{3,60}", meta.id)
        assert all(
            re.fullmatch(r"(SOC2:(CC|A|C|PI|P)\d\.\d|ISO27001:A\.\d\.\d+|CIS:\d+\.\d+)", one) for one in meta.frameworks
        )


def test_whoever_carries_the_machines_something_is_asked_for(catalogue: Catalogue) -> None:
    requests = load_requests(catalogue.responsibilities).values()
    for control in ("infra.physical.reports", "infra.resources.provider_report"):
        asked = {provider for request in requests if request.control == control for provider in request.providers}
        assert asked == set(Provider)


def test_who_files_follows_from_the_owner_of_the_row(catalogue: Catalogue) -> None:
    owners = {control.id: row.owner for row in catalogue.responsibilities for control in row.controls}
    for request in load_requests(catalogue.responsibilities).values():
        own = owners[request.control] in {Owner.CUSTOMER, Owner.SHARED}
        assert (request.scope is Scope.ORGANIZATION) == own


@pytest.mark.parametrize(
    "change",
    [
        {"id": "Not-Snake"},
        {"control": "no.such.control"},
        {"kind": "letter"},
        {"severity": "huge"},
        {"valid_days": 0},
        {"valid_days": 5000},
        {"review_every_days": None},
        {"kind": "review"},
        {"risk": "no sentence"},
        {"title": ""},
        {"providers": ["moon"]},
        {"control": "service.fields.declared", "providers": ["aws"]},
    ],
)
def test_malformed_request_is_refused_when_it_is_read(change: dict[str, Any], catalogue: Catalogue) -> None:
    owners = {control.id: row.owner for row in catalogue.responsibilities for control in row.controls}
    text = resources.files("stronghouse.responsibility.documents").joinpath("requests.toml").read_text()
    good = next(entry for entry in tomllib.loads(text)["request"] if entry["id"] == "pentest_report")
    parse_request(good, owners)
    with pytest.raises(Internal):
        parse_request({**copy.deepcopy(good), **change}, owners)


def test_person_or_key_of_the_operator_is_named_readably_and_by_no_more_than_its_id() -> None:
    party = Party(type="api", id="2d0c58dc-0000-4000-8000-000000000000", details="first start", person=None)
    assert who(party, Scope.INSTALLATION) == "an API key of the operator (2d0c58dc)"
    assert who(replace(party, type="user"), Scope.INSTALLATION) == "a member of the operator (2d0c58dc)"
    assert who(party, Scope.ORGANIZATION) == "first start"
