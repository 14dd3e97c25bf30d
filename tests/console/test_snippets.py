"""What pages show as command line or curl exists: commands with such options, calls with such bodies."""

import json
import re
import shlex
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import typer
from fastapi.routing import APIRoute
from starlette.routing import Match

from stronghouse.api.application import MODULES
from stronghouse.cli.main import app as cli
from stronghouse.responsibility.model import Severity
from tests.console.conftest import Enter
from tests.console.test_every_page import PAGES, path_of
from tests.support.control_plane import Plane
from tests.support.furnished import furnish, pages
from tests.unit.responsibility.findings.looks import Scene

SNIPPET = re.compile(r'<pre id="(cli|curl)-[^"]*"[^>]*>(.*?)</pre>', re.DOTALL)
CALLS = [route for module in MODULES for route in module.router.routes if isinstance(route, APIRoute)]
PREFIX = "/v1"
OF_THE_PERSON = {"/account/password", "/account/factors", "/account/factors/app", "/sign-in"}
"""Acts that are a person's own in a browser: nobody else can do them, and no key."""


def snippets(page: str) -> list[tuple[str, str]]:
    """Kind and text of each one on a page."""
    return [(kind, unescape(text)) for kind, text in SNIPPET.findall(page)]


def parse_command(text: str) -> None:
    """Raise an error for a command that does not exist, or has no such options."""
    words = shlex.split(text)
    assert words.pop(0) == "stronghouse"
    command: Any = typer.main.get_command(cli)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context(command.name, words)


def check_call(text: str) -> None:
    """Fail for a call that the API does not have, or whose body is not what it takes."""
    words = shlex.split(text.replace("\\\n", " ").replace("<(", "'<(").replace('SECRET")', "SECRET\")'"))
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    address = urlsplit(words[-1])
    assert address.path.startswith(PREFIX)
    scope: dict[str, Any] = {"type": "http", "method": method, "path": address.path.removeprefix(PREFIX), "headers": []}
    found = [route for route in CALLS if route.matches(scope)[0] is Match.FULL]
    assert found, f"The API has no {method} {address.path}"
    body = words[words.index("-d") + 1] if "-d" in words else ""
    if body and not body.startswith("@"):
        (parameter,) = found[0].dependant.body_params
        model = parameter.field_info.annotation
        assert model is not None
        model.model_validate(json.loads(body))


def show_all(enter: Enter, scene: Scene) -> list[str]:
    """Every page, where there is something on it."""
    scene.graver(Severity.HIGH)
    scene.look(**{"port/8123": "F"})
    path = f"/findings/{scene.id_of('port/8123')}"
    ada, bob = enter(scene.operator), enter(scene.operator, email="bob@example.com", name="Bob")
    pages = [ada.get(path)]
    ada.post(f"{path}/dispositions", data={"kind": "risk_accepted", "reason": "it's known", "until": "2026-12-01"})
    ada.post("/notifications", data={"name": "it's ours", "url": "jsons://hooks.example.com/path"})
    form = [("date", (None, "2026-11-23")), ("file", ("report.pdf", b"%PDF-1.7", "application/pdf"))]
    ada.post("/documents/requests/pentest_report", files=form)
    pages += [bob.get(path), bob.get("/documents/requests/pentest_report"), bob.get("/findings?status=triaged")]
    for route in PAGES:
        answer = bob.client.get(path_of(route, known=True), params={"token": "x"} if "link" in route.path else None)
        if answer.headers["content-type"].startswith("text/html") and answer.status_code == 200:
            pages.append(answer.text)
    return pages


def test_every_command_and_every_call_on_a_page_exists(plane: Plane, enter: Enter, scene: Scene) -> None:
    plane.admin(scene.operator)
    commands: set[str] = set()
    calls: set[str] = set()
    for page in show_all(enter, scene):
        for kind, text in snippets(page):
            (commands if kind == "cli" else calls).add(text)
    for command in sorted(line for text in commands for line in text.splitlines()):
        parse_command(command)
    for call in sorted(calls):
        check_call(call)
    assert {shlex.split(text)[1] for text in commands} >= {"finding", "document", "package", "notification", "advise"}


def test_every_page_with_an_act_tells_how_it_is_done_elsewhere(enter: Enter, scene: Scene, plane: Plane) -> None:
    ids = furnish(plane, scene)
    ada = enter(scene.operator)
    silent = set()
    for path in pages(ids):
        text = ada.get(path)
        acts = set(re.findall(r'<form[^>]* action="([^"]+)"', text)) - {"/theme", "/sign-out"}
        posts = {one for one in acts if f'method="post" action="{one}"' in text}
        if posts and 'class="as-code"' not in text:
            silent.add(path)
    # What a change of a key is as a command is told with the difference that it makes, one step on.
    assert silent == OF_THE_PERSON | {f"/keys/{ids['key_id']}/change"}
