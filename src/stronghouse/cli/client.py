"""The API as commands see it: one request, one result, and every failure as one of our errors."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from stronghouse import __version__
from stronghouse.cli.credentials import Credentials, load_credentials
from stronghouse.kernel.errors import (
    Conflict,
    Denied,
    Internal,
    Invalid,
    NotFound,
    StronghouseError,
    TooMany,
    Unauthenticated,
    Unavailable,
)

TIMEOUT_SECONDS = 30.0
FILE_SECONDS = 300.0
"""How long an answer to a whole file may take."""
FILE_PART_BYTES = 256 * 1024
OK = 200
SERVER_ERRORS = 500
KINDS: Mapping[int, type[StronghouseError]] = {
    400: Invalid,
    401: Unauthenticated,
    403: Denied,
    404: NotFound,
    409: Conflict,
    429: TooMany,
    503: Unavailable,
}


class ApiClient:
    """A session with an installation's API. Use it in a `with` block."""

    def __init__(self, credentials: Credentials) -> None:
        import ssl

        import httpx

        self.credentials = credentials
        try:
            trust = ssl.create_default_context(cafile=None if credentials.ca_file is None else str(credentials.ca_file))
        except (OSError, ssl.SSLError):
            raise Invalid(f"The CA file {credentials.ca_file} cannot be read.", code="ca_file_unreadable") from None
        self._http = httpx.Client(
            base_url=f"{credentials.api_url.rstrip('/').removesuffix('/v1')}/v1",
            auth=(credentials.key_id, credentials.key_secret.reveal()),
            verify=trust,
            timeout=TIMEOUT_SECONDS,
            trust_env=False,  # no proxy: it would see where the API is
            headers={"user-agent": f"stronghouse/{__version__}"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **parameters: str | int) -> Any:  # noqa: ANN401 - JSON, checked where it is used
        """The result of a GET."""
        return self._call("GET", path, None, parameters)

    def post(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401
        """The result of a POST."""
        return self._call("POST", path, body)

    def patch(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401
        """The result of a PATCH."""
        return self._call("PATCH", path, body)

    def put(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401
        """The result of a PUT."""
        return self._call("PUT", path, body)

    def put_file(
        self, path: str, file: Path, *, headers: Mapping[str, str], parameters: Mapping[str, str], quiet: bool
    ) -> Any:  # noqa: ANN401
        """The result of a PUT whose body is a file, read as it is sent; shows how far it is unless `quiet`.

        Raises:
            Invalid: the file cannot be read.
        """
        import httpx
        from rich.console import Console
        from rich.progress import wrap_file

        try:
            opened = file.open("rb")
        except OSError:
            raise Invalid(f"The file {file} cannot be read.", code="file_unreadable") from None
        size = file.stat().st_size
        console = Console(stderr=True)
        hidden = quiet or not console.is_terminal  # where no bar can be drawn, rich would leave an empty line
        told_file = wrap_file(
            opened, total=size, description="Sending", console=console, transient=True, disable=hidden
        )
        with opened, told_file as told:
            try:
                answer = self._http.put(
                    path,
                    content=iter(lambda: told.read(FILE_PART_BYTES), b""),
                    headers={**headers, "content-length": str(size)},
                    params=dict(parameters),
                    timeout=FILE_SECONDS,
                )
            except httpx.HTTPError as error:
                raise self._unreachable(error) from error
        return result_of(answer.status_code, answer.content)

    def post_form(self, path: str, fields: Mapping[str, str], file: tuple[str, BinaryIO, str] | None) -> Any:  # noqa: ANN401
        """The result of a POST of a form: its fields, then a file (name, content, media type) if there is one."""
        import httpx

        parts: list[tuple[str, Any]] = [(name, (None, value.encode())) for name, value in fields.items()]
        if file is not None:
            parts.append(("file", file))
        try:
            answer = self._http.post(path, files=parts)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        return result_of(answer.status_code, answer.content)

    def delete(self, path: str) -> None:
        """Do a DELETE."""
        self._call("DELETE", path, None)

    def get_page(self, path: str, parameters: Mapping[str, str | int]) -> dict[str, Any]:
        """The whole envelope of a GET: beside its `result` it says where to go on."""
        return self._send("GET", path, None, parameters)

    @contextmanager
    def stream(self, path: str, parameters: Mapping[str, str | int] | None = None) -> Iterator[Iterator[bytes]]:
        """The pieces of what a GET answers, for as long as the block runs; raises Unavailable when it breaks off."""
        import httpx

        try:
            with self._http.stream("GET", path, params=dict(parameters or {}), timeout=FILE_SECONDS) as answer:
                if answer.status_code != OK:
                    result_of(answer.status_code, answer.read())
                yield answer.iter_bytes()
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def text(self, path: str, parameters: Mapping[str, str | int] | None = None) -> str:
        """What a GET answers that has no envelope."""
        with self.stream(path, parameters) as pieces:
            return b"".join(pieces).decode(errors="replace")

    @contextmanager
    def run_statement(
        self, url: str, body: Mapping[str, object], *, parameters: Mapping[str, str], wake: bool
    ) -> Iterator[tuple[int, Iterator[bytes]]]:
        """The status and the pieces of what the queries host at `url` answers, for as long as the block runs.

        Raises:
            Invalid: the URL is not https: the key must not cross a network in the clear.
            Unavailable: it does not answer, or breaks off.
        """
        import httpx

        if not url.startswith("https://"):
            raise Invalid(f"{url[:100]!r} is not an https URL.", code="queries_url_invalid")
        headers = {"wake-service": "true"} if wake else {}
        try:
            with self._http.stream(
                "POST", url, json=body, params=dict(parameters), headers=headers, timeout=FILE_SECONDS
            ) as answer:
                yield answer.status_code, answer.iter_bytes()
        except httpx.HTTPError as error:
            raise Unavailable(
                f"{url} does not answer, or broke off ({str(error) or type(error).__name__}).", code="unreachable"
            ) from error

    def download(self, path: str, target: Path) -> None:
        """Save what a GET answers as a new file that only its owner can read; nothing is left of one that broke off."""
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file, self.stream(path) as pieces:
                for piece in pieces:
                    file.write(piece)
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def _call(self, method: str, path: str, body: object, parameters: Mapping[str, str | int] | None = None) -> Any:  # noqa: ANN401
        return self._send(method, path, body, parameters or {}).get("result")

    def _send(self, method: str, path: str, body: object, parameters: Mapping[str, str | int]) -> dict[str, Any]:
        import httpx

        try:
            answer = self._http.request(method, path, json=body, params=dict(parameters))
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        return envelope_of(answer.status_code, answer.content)

    def _unreachable(self, error: Exception) -> Unavailable:
        url = self.credentials.api_url
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return Unavailable(
                f"The certificate of {url} is not trusted; set STRONGHOUSE_CA_FILE to the installation's ca.pem.",
                code="certificate_untrusted",
            )
        return Unavailable(
            f"{url} does not answer ({str(error) or type(error).__name__}); is Stronghouse running?", code="unreachable"
        )


def result_of(status: int, content: bytes) -> Any:  # noqa: ANN401 - JSON
    """What stands in an answer's envelope; a DELETE has no result. Raises as `envelope_of` does."""
    return envelope_of(status, content).get("result")


def envelope_of(status: int, content: bytes) -> dict[str, Any]:
    """An answer of our API's.

    Raises:
        StronghouseError: the answer is an error, or is not one of our API's.
    """
    try:
        envelope = json.loads(content)
    except ValueError:
        envelope = None
    if not isinstance(envelope, dict):
        raise Internal(f"What answered is not Stronghouse's API (HTTP {status}); check the URL.", code="not_the_api")
    if status == OK:
        return envelope
    text = str(envelope.get("error") or f"HTTP {status}")
    word, colon, sentence = text.partition(": ")
    public = sentence if colon and word.replace("_", "").isupper() else text
    kind = KINDS.get(status, Internal if status >= SERVER_ERRORS else Invalid)
    request = f" (request {envelope.get('requestId')})" if status >= SERVER_ERRORS else ""
    raise kind(f"{public}{request}", code=f"http_{status}")


def connect() -> ApiClient:
    """A session with the credentials that are at hand."""
    return ApiClient(load_credentials())
