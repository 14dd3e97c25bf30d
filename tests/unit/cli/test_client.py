from pathlib import Path

import httpx
import pytest

from stronghouse.cli.client import ApiClient, result_of
from stronghouse.cli.credentials import Credentials
from stronghouse.kernel.errors import Conflict, Internal, Invalid, NotFound, TooMany, Unauthenticated, Unavailable
from stronghouse.kernel.secret import Secret


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Unauthenticated),
        (404, NotFound),
        (409, Conflict),
        (418, Invalid),
        (429, TooMany),
        (500, Internal),
    ],
)
def test_every_status_has_its_error_without_the_code_word(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"^It is so\.") as caught:
        result_of(status, b'{"status": 0, "error": "CODE_WORD: It is so.", "requestId": "r-1"}')
    assert ("r-1" in str(caught.value)) == (status >= 500)


def test_sentence_that_only_begins_like_a_code_word_is_kept() -> None:
    with pytest.raises(Invalid, match="name: too long"):
        result_of(400, b'{"error": "name: too long"}')


@pytest.mark.parametrize("content", [b"<html>", b"", b"[]", b'"x"'])
def test_answer_of_something_else_is_not_taken_for_the_api(content: bytes) -> None:
    with pytest.raises(Internal, match="check the URL"):
        result_of(200, content)


@pytest.mark.parametrize("url", ["https://h:1", "https://h:1/", "https://h:1/v1", "https://h:1/v1/"])
def test_url_may_carry_the_version(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(200, json={"result": []})

    real = httpx.Client
    monkeypatch.setattr(
        httpx, "Client", lambda **options: real(transport=httpx.MockTransport(answer), base_url=options["base_url"])
    )
    with ApiClient(Credentials(url, "i", Secret("s"), None)) as client:
        client.get("/organizations")
    assert seen == ["https://h:1/v1/organizations"]


def test_failure_to_connect_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed")

    real = httpx.Client
    monkeypatch.setattr(
        httpx, "Client", lambda **options: real(transport=httpx.MockTransport(broken), base_url=options["base_url"])
    )
    client = ApiClient(Credentials("https://h:1", "i", Secret("s"), None))
    with pytest.raises(Unavailable, match="STRONGHOUSE_CA_FILE"):
        client.get("/organizations")


def test_missing_ca_file_is_named() -> None:
    with pytest.raises(Invalid, match=r"/nowhere/ca\.pem"):
        ApiClient(Credentials("https://h:1", "i", Secret("s"), Path("/nowhere/ca.pem")))
