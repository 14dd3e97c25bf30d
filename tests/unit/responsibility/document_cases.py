"""Documents as the collector tells of them, and the cases of the check of their hosting."""

from collections.abc import Mapping, Sequence

from stronghouse.kernel.canonical import Json
from stronghouse.responsibility.catalogue import load_catalogue
from stronghouse.responsibility.documents.model import DocumentRequest
from stronghouse.responsibility.documents.requests import load_requests

Fields = Mapping[str, Json]
REQUESTS: Mapping[str, DocumentRequest] = load_requests(load_catalogue().responsibilities)


def hosting(**changed: Json) -> dict[str, Json]:
    return {
        "id": "hosting/local",
        "kind": "hosting",
        "region": "local",
        "provider": "own",
        "machines": 1,
        **changed,
    }


def answered(request: DocumentRequest, **changed: Json) -> dict[str, Json]:
    """A request with everything in order on 2026-11-23."""
    reviewed: Json = {"id": "r1", "at": "2026-11-23T09:00:00.000Z", "by": "bob"}
    return {
        "id": f"document/{request.id}",
        "kind": "document_request",
        "request": request.id,
        "applies": True,
        "document": filed(),
        "review": reviewed if request.review_every_days else None,
        "next_due": "2027-01-01T00:00:00.000Z",
        **changed,
    }


def filed(**changed: Json) -> dict[str, Json]:
    return {
        "id": "d1",
        "sha256": "00",
        "size": 3,
        "document_date": "2026-11-01",
        "valid_until": "2026-12-31",
        "filed_at": "2026-11-22T12:00:00.000Z",
        "filed_by": "alice",
        "file_verified_at": "2026-11-23T11:59:00.000Z",
        "file_problem": None,
        **changed,
    }


def on_file() -> list[dict[str, Json]]:
    """Every request in order."""
    return [answered(request) for request in REQUESTS.values()]


HOSTING: tuple[Fields, Sequence[tuple[Fields, str]], Sequence[Fields]] = (
    hosting(),
    [
        (hosting(provider=None), "stronghouse document hosting local PROVIDER"),
        (hosting(provider="elsewhere"), "Nobody declared"),
    ],
    [hosting(provider=None, machines=0)],
)
"""What passes, what fails with which word, what does not apply."""
