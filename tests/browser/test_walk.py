"""The whole product through the browser, as an operator uses it on the first day, on a real installation.

`make screenshots` has it write the pictures of the documentation.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.support.chromium import NARROW, WIDE, Scheme, Window, window
from tests.support.stack import Stack, running_stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # a real installation and a real browser
IMAGES = Path(__file__).parents[2] / "docs" / "images"
ALSO = {"home-dark-1280.png", "home-light-390.png"}
"""Pictures of the other walks that the documentation shows."""
EMAIL, PASSWORD = "admin@stronghouse.localhost", "tall Ferns 7 lean over"
FIRST_PAGE_BYTES = 100_000
PROGRAMS = {"Python": [sys.executable, "-"], "curl": ["bash"]}


@dataclass
class Walk:
    """One person with one kind of screen."""

    stack: Stack
    window: Window
    scheme: Scheme
    width: int
    directory: Path

    @property
    def page(self) -> Page:
        return self.window.page

    @property
    def name(self) -> str:
        return "trips" if not self.kind else f"trips{self.kind}"

    @property
    def kind(self) -> str:
        """What tells this walk from the one in the documentation."""
        return "" if (self.scheme, self.width) == ("light", WIDE) else f"-{self.scheme}-{self.width}"

    def open(self, path: str) -> None:
        self.window.open(f"{self.stack.ready['console_url']}{path}")

    def press(self, name: str) -> None:
        """Press a button and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.get_by_role("main").get_by_role("button", name=name, exact=True).click()
        self.window.settle()

    def picture(self, name: str, *, top: str | None = None) -> None:
        """A picture of what is on the screen; the documentation gets those of the wide, light one."""
        assert not self.window.overflows(), f"{self.page.url} scrolls sideways"
        self.page.evaluate("scrollTo(0, 0)")
        if top is not None:
            self.page.locator(top).first.evaluate("element => element.scrollIntoView({block: 'start'})")
        picture = self.page.screenshot()
        file = f"{name}{self.kind}.png"
        (self.directory / file).write_bytes(picture)
        if os.environ.get("STRONGHOUSE_SCREENSHOTS") == "write" and (not self.kind or file in ALSO):
            (IMAGES / file).write_bytes(picture)

    def copied(self, title: str) -> str:
        """What the copy button of a snippet puts into the clipboard."""
        tab = self.page.locator("details", has=self.page.locator("summary", has_text=re.compile(rf"^{title}")))
        if tab.get_attribute("open") is None:
            tab.locator("summary").click()
        tab.get_by_role("button", name="Copy").click()
        expect(self.page.locator("#said")).to_have_text("Copied.")
        return str(self.page.evaluate("navigator.clipboard.readText()"))


@pytest.fixture(scope="module")
def stack(browser: Browser) -> Iterator[Stack]:
    """An installation with its demo, whose administrator came in by the one-time link and set a password.

    Its directory has a short name, because pages show it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="stronghouse-") as directory,
        running_stack(Path(directory), demo=True) as running,
    ):
        with window(browser) as first:
            first.sign_in(running.login_url)
            expect(first.page.get_by_role("heading", level=1)).to_have_text("Set a password")
            for label in ("New password", "New password again"):
                first.page.get_by_label(label, exact=True).fill(PASSWORD)
            first.page.get_by_role("button", name="Set the password").click()
            expect(first.page.get_by_role("status").first).to_contain_text("password")
            assert first.problems == []
            first.open(running.login_url)
            expect(first.page.get_by_role("main")).to_contain_text("used already")
        yield running


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_operator_goes_through_the_console(
    stack: Stack, browser: Browser, scheme: Scheme, width: int, tmp_path: Path
) -> None:
    with window(browser, scheme=scheme, width=width) as opened:
        walk = Walk(stack, opened, scheme, width, tmp_path)
        sign_in(walk)
        read_the_matrix_down_to_the_evidence(walk)
        create_a_service_and_run_its_snippets(walk)
        edit_its_ip_access_list(walk)
        make_and_delete_a_key(walk)
        find_all_of_it_in_the_audit_log(walk)
        sign_out(walk)
        assert opened.problems == []


def sign_in(walk: Walk) -> None:
    walk.open("/")
    walk.page.get_by_label("E-mail address").fill(EMAIL)
    walk.page.get_by_label("Password").fill(PASSWORD)
    loaded: list[Request] = []

    def note(one: Request) -> None:
        loaded.append(one)

    walk.page.on("requestfinished", note)
    walk.press("Sign in")
    walk.page.remove_listener("requestfinished", note)
    sizes = {one.url: one.sizes()["responseBodySize"] for one in loaded}
    assert 0 < sum(sizes.values()) <= FIRST_PAGE_BYTES, sizes
    assert len(walk.page.content()) <= FIRST_PAGE_BYTES


def read_the_matrix_down_to_the_evidence(walk: Walk) -> None:
    page = walk.page
    walk.press("Run all checks now")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Looked", timeout=60_000)
    page.get_by_role("link", name="To all responsibilities").click()
    expect(page.locator("tr.row")).to_have_count(34)
    expect(page.locator(".worst li")).to_have_count(3)
    expect(page.locator(".worst .fix")).to_have_count(3)
    walk.picture("home")
    row = page.locator("tr.row", has=page.get_by_role("link", name="Encryption at rest", exact=True))
    expect(row.locator("time")).not_to_have_count(0)
    failing = page.locator("tr.row", has=page.locator(".state.fail")).first
    failing.locator(".why > summary").click()
    expect(failing.locator(".fix").first).to_contain_text("Fix:")
    row.get_by_role("link", name="Encryption at rest", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Encryption at rest")
    walk.picture("responsibility")
    check = page.locator("#rest_files_encrypted")
    if check.get_attribute("open") is None:
        check.locator("summary").first.click()
    evidence = check.get_by_role("link", name=re.compile("^Evidence ")).first
    shown = (evidence.text_content() or "").strip()
    evidence.click()
    expect(page.locator("dl code").first).to_contain_text(shown)
    expect(page.locator("#document")).to_contain_text("disk_encryption")
    page.get_by_text("Inclusion proof").click()
    expect(page.locator("details[open] ol li")).not_to_have_count(0)
    walk.picture("evidence")


def create_a_service_and_run_its_snippets(walk: Walk) -> None:
    page = walk.page
    walk.open("/services")
    page.get_by_role("link", name="Create a service").first.click()
    page.get_by_label("Name").fill(walk.name)
    page.get_by_label(re.compile("^Let in where I am now")).check()
    walk.picture("create-service")
    walk.press("Create the service")
    password = (page.locator("pre.secret").first.text_content() or "").strip()
    assert len(password) >= 24
    snippets = {title: walk.copied(title) for title in PROGRAMS}
    assert password not in "".join(snippets.values())
    page.get_by_role("link", name=re.compile("to the service", re.IGNORECASE)).click()
    expect(page.locator("main .state").first).to_have_text("running", timeout=30_000)
    assert password not in page.content()
    walk.picture("connect")
    environment = {**os.environ, "CLICKHOUSE_PASSWORD": password}
    for title, program in PROGRAMS.items():
        done = subprocess.run(
            program, input=snippets[title], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, (title, done.stderr)
        assert re.search(r"\d+\.\d+\.\d+", done.stdout), (title, done.stdout)  # the version of the engine


def edit_its_ip_access_list(walk: Walk) -> None:
    page = walk.page
    page.get_by_role("link", name="Edit the IP access list").click()
    editor = page.get_by_label(re.compile("^(The list|Change it further)$"))
    sources = [entry["source"] for entry in service(walk)["ipAccessList"]]
    assert sources == ["127.0.0.0/8", "::1"]
    editor.fill("203.0.113.0/24 office, Vienna\n")
    walk.press("Show what this would change")
    expect(page.locator("#preview .added")).to_contain_text("203.0.113.0/24")
    expect(page.locator("#preview .removed")).to_have_count(2)
    expect(page.locator("#preview .problem")).to_contain_text("This locks you out.")
    walk.picture("ip-access-preview", top="#preview")
    apply = page.locator("#preview button[data-guarded]")
    expect(apply).to_be_disabled()
    page.locator("#typed").fill("another name")
    page.evaluate("document.querySelector('#preview button[data-guarded]').disabled = false")  # the server looks too
    with page.expect_navigation():
        apply.click()
    expect(page.locator("#problem")).to_be_visible()
    assert [entry["source"] for entry in service(walk)["ipAccessList"]] == sources
    with page.expect_navigation():
        page.get_by_role("button", name=re.compile("^Keep .* on the list")).click()
    expect(page.locator("#preview .problem")).to_have_count(0)
    with page.expect_navigation():
        page.locator("#preview").get_by_role("button", name=re.compile("^Apply")).click()
    expect(page.get_by_role("status").first).to_be_visible()
    changed = {entry["source"] for entry in service(walk)["ipAccessList"]}
    assert (len(changed), "203.0.113.0/24" in changed) == (2, True)


def make_and_delete_a_key(walk: Walk) -> None:
    page = walk.page
    walk.open("/keys")
    page.get_by_role("link", name=re.compile("^(Make|New)")).first.click()
    page.get_by_label("Name").fill(walk.name)
    page.get_by_label(re.compile("^Admin")).check()
    page.get_by_label(re.compile("from where I am now")).check()
    walk.picture("create-key")
    walk.press("Make the key")
    key_id, secret = ((page.locator(f"#{one}").text_content() or "").strip() for one in ("key-id", "key-secret"))
    url = f"{walk.stack.api_url}/v1/organizations/{walk.stack.organization_id}"
    assert walk.stack.http.get(url, auth=httpx.BasicAuth(key_id, secret)).status_code == 200
    page.get_by_role("link", name=re.compile("I have kept the secret")).click()
    assert secret not in page.content()
    page.get_by_role("button", name=re.compile("^Delete the key")).click()
    dialog = page.locator("#delete-key")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    expect(dialog.get_by_role("button", name="Delete for good")).to_be_disabled()
    dialog.get_by_label(re.compile("^Type the key's name")).fill(walk.name)
    with page.expect_navigation():
        dialog.get_by_role("button", name="Delete for good").click()
    assert walk.stack.http.get(url, auth=httpx.BasicAuth(key_id, secret)).status_code == 401


def find_all_of_it_in_the_audit_log(walk: Walk) -> None:
    page = walk.page
    walk.open("/people")
    walk.picture("people")
    for code in ("user.sign_in", "check.run", "service.create", "api_key.create", "api_key.delete"):
        walk.open(f"/audit?code={code}")
        expect(page.locator("tbody tr")).not_to_have_count(0)
    walk.open("/audit")
    walk.picture("audit-log")
    walk.open(f"/audit?service={service(walk)['id']}&code=service.ip_access_change")
    page.locator("tbody tr").first.get_by_role("link").first.click()
    expect(page.locator(".diff .added").first).to_contain_text("203.0.113.0/24")
    expect(page.locator("main")).to_contain_text(EMAIL)
    walk.picture("audit-event")


def sign_out(walk: Walk) -> None:
    if walk.width == NARROW:
        walk.page.get_by_role("button", name="Menu").click()
    walk.page.get_by_role("button", name="Sign out", exact=True).click()
    expect(walk.page.get_by_role("heading", name="Sign in")).to_be_visible()
    walk.open("/audit")
    expect(walk.page.get_by_role("heading", name="Sign in")).to_be_visible()


def service(walk: Walk) -> dict[str, Any]:
    """The walk's service, as the API tells it."""
    (found,) = [one for one in walk.stack.api("GET", "/services") if one["name"] == walk.name]
    return dict(found)
