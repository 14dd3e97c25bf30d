"""A console in this process, over a real control plane with two organizations, and people who look at it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from stronghouse.access import people
from stronghouse.access.roles import ADMIN, Role
from stronghouse.audit import store as audit_store
from stronghouse.audit.throttle import Throttle
from stronghouse.console.application import create_console
from stronghouse.console.state import Console
from tests.support.control_plane import CONTEXT, Plane, control_plane
from tests.unit.responsibility.findings.looks import Scene

OURS = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with control_plane(tmp_path) as ready:
        yield ready


@pytest.fixture
def app(plane: Plane) -> FastAPI:
    return create_console(Console(plane.control, Throttle(plane.clock)))


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
        answer = self.client.post(path, headers=OURS, **options)
        assert answer.status_code == status, answer.text
        return str(answer.text)

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
            assert client.post("/sign-in/link", data={"token": token}, headers=OURS).status_code == 303
            return Visitor(plane, client, user.id)

        yield sign_in
