"""A console in this process, over a real control plane with two organizations, and people who look at it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import Response
from starlette.testclient import TestClient

from stronghouse.access import people
from stronghouse.access.roles.policies import Role
from stronghouse.access.roles.system import ADMIN
from stronghouse.audit import store as audit_store
from stronghouse.console.application import create_console
from stronghouse.console.state import open_console
from tests.support.control_plane import CONTEXT, Plane, control_plane
from tests.unit.responsibility.findings.looks import Scene

OURS = {"sec-fetch-site": "same-origin"}
BINDING = {"binding": "b" * 64}
"""What the script of the pages puts into each form."""


class _Scripts(HTMLParser):
    """Reads a page as a browser does, and remembers whatever a script could hide in."""

    def __init__(self) -> None:
        super().__init__()
        self.nonces: set[str] = set()
        self.strange: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._inside = tag in {"script", "style"}
        ours = tag == "script" and given.get("nonce") and given.get("src", "").startswith("/static/")
        if self._inside and not ours:
            self.strange.append(str(self.get_starttag_text()))
        for name, value in given.items():
            schemes = ("javascript:", "data:", "vbscript:")
            if name == "style" or name.startswith(("on", "hx-on")) or value.strip().lower().startswith(schemes):
                self.strange.append(f"{name}={value}")
        if ours:
            self.nonces.add(given["nonce"])

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside and data.strip():
            self.strange.append(data)


def assert_only_our_scripts(text: str) -> set[str]:
    """Every script of a page is a file of ours with a nonce, and nothing else in it could run. Returns the nonces."""
    page = _Scripts()
    page.feed(text)
    page.close()
    assert page.strange == []
    return page.nonces


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with control_plane(tmp_path) as ready:
        yield ready


@pytest.fixture
def app(plane: Plane) -> FastAPI:
    return create_console(open_console(plane.control))


@pytest.fixture
def browser(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="https://localhost:8441", follow_redirects=False) as client:
        yield client


@pytest.fixture
def scene(plane: Plane) -> Scene:
    return Scene.start(plane.control.audit, plane.clock)


@dataclass
class Visitor:
    """A person with a session."""

    plane: Plane
    client: TestClient
    user_id: str

    def get(self, path: str, status: int = 200, **options: Any) -> str:
        """A page's text."""
        answer = self.client.get(path, **options)
        assert answer.status_code == status, answer.text
        return str(answer.text)

    def post(self, path: str, status: int = 303, **options: Any) -> str:
        """The text of what a form led to."""
        answer = self.send(path, **options)
        assert answer.status_code == status, answer.text
        return str(answer.text)

    def send(self, path: str, *, headers: dict[str, str] = OURS, **options: Any) -> Response:
        """The answer to a form as a page of ours sends it."""
        if "files" in options:
            options["files"] = [("binding", (None, BINDING["binding"])), *options["files"]]
        else:
            options["data"] = {**BINDING, **(options.get("data") or {})}
        answer: Response = self.client.post(path, headers=headers, **options)
        return answer

    def events(self) -> list[str]:
        """Codes of all events, oldest first."""
        with self.plane.control.database.read() as connection:
            return [str(entry.event()["code"]) for entry in audit_store.entries(connection)]


Enter = Callable[..., Visitor]


@pytest.fixture
def enter(plane: Plane, app: FastAPI) -> Iterator[Enter]:
    """Let a new member of an organization sign in."""
    with ExitStack() as stack:

        def sign_in(
            organization_id: str, role: Role = ADMIN, *, email: str = "ada@example.com", name: str = "Ada"
        ) -> Visitor:
            now = plane.clock.now()
            with plane.control.audit.unit_of_work(CONTEXT) as uow:
                user = people.create_member(
                    uow, organization_id=organization_id, email=email, name=name, role_ids=(role.id,), now=now
                )
                token = people.issue_sign_in_link(uow, email=email, now=now).reveal()
            client = stack.enter_context(TestClient(app, base_url="https://localhost:8441", follow_redirects=False))
            assert client.post("/sign-in/link", data={"token": token, **BINDING}, headers=OURS).status_code == 303
            return Visitor(plane, client, user.id)

        yield sign_in
