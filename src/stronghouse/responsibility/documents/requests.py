"""The requests out of `requests.toml`, checked when they are read."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

from stronghouse.kernel.errors import Internal
from stronghouse.responsibility.documents.model import (
    INSTALLATION_OWNERS,
    DocumentRequest,
    Provider,
    RequestKind,
    Scope,
)
from stronghouse.responsibility.model import Owner, Responsibility, Severity

FILE = "requests.toml"
MAX_DAYS = 1096
_ID = re.compile(r"[a-z][a-z0-9_]{3,50}\Z")


def load_requests(rows: Iterable[Responsibility]) -> Mapping[str, DocumentRequest]:
    """The requests of this version by id; raises Internal where one is malformed or names no control of `rows`."""
    text = resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    owners = {control.id: row.owner for row in rows for control in row.controls}
    found: dict[str, DocumentRequest] = {}
    for entry in tomllib.loads(text)["request"]:
        request = parse_request(entry, owners)
        if request.id in found:
            raise Internal(f"There are two document requests {request.id}.")
        found[request.id] = request
    return found


def parse_request(entry: Mapping[str, Any], owners: Mapping[str, Owner]) -> DocumentRequest:
    """One request; `owners` says whose each control is. Raises Internal with what is wrong."""
    name = str(entry.get("id"))
    try:
        control = entry["control"]
        request = DocumentRequest(
            id=name,
            control=control,
            title=entry["title"],
            contents=entry["contents"],
            kind=RequestKind(entry["kind"]),
            valid_days=entry["valid_days"],
            review_every_days=entry.get("review_every_days"),
            reviewer=entry["reviewer"],
            severity=Severity(entry["severity"]),
            risk=entry["risk"],
            source=entry["source"],
            providers=tuple(Provider(provider) for provider in entry.get("providers", ())),
            frameworks=tuple(entry["frameworks"]),
            scope=Scope.INSTALLATION if owners[control] in INSTALLATION_OWNERS else Scope.ORGANIZATION,
        )
    except (KeyError, ValueError) as error:
        raise Internal(f"The document request {name} lacks or misstates {error}.") from None
    problem = _problem(request)
    if problem is not None:
        raise Internal(f"The document request {name} {problem}.")
    return request


def _problem(request: DocumentRequest) -> str | None:
    days = (request.valid_days, request.review_every_days)
    if not _ID.match(request.id):
        return "has an id that is not in snake case"
    if any(day is not None and not 1 <= day <= MAX_DAYS for day in days):
        return f"counts for less than a day or more than {MAX_DAYS}"
    if (request.kind is RequestKind.DOCUMENT) != (request.review_every_days is not None):
        return "is a document without reviews, or a review with them"
    if request.providers and request.scope is not Scope.INSTALLATION:
        return "depends on a provider, which only the operator's can"
    sentences = (request.contents, request.risk, request.source)
    if not request.title or not all(sentence.endswith(".") for sentence in sentences):
        return "has no title, or contents, risk or source that are no sentences"
    return None
