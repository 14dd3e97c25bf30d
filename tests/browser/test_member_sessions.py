"""Two browsers: somebody ends a member's session in one, and the other is at the sign-in page with its next request."""

import pytest
from playwright.sync_api import expect

from stronghouse.access.roles.system import DEVELOPER
from tests.browser.conftest import Open
from tests.support.console_server import ConsoleServer
from tests.unit.responsibility.findings.looks import Scene

pytestmark = pytest.mark.slow  # a real browser


def test_a_session_that_is_ended_in_one_browser_is_over_in_the_other(
    console: ConsoleServer, scene: Scene, open_window: Open
) -> None:
    admin, bob = open_window(), open_window()
    admin.sign_in(console.link(scene.operator))
    bob.sign_in(console.link(scene.operator, DEVELOPER, email="bob@example.com", name="Bob"))
    bob.open(f"{console.url}/services")
    expect(bob.page.get_by_role("heading", level=1)).to_contain_text("Services")
    admin.open(f"{console.url}/people")
    admin.page.get_by_role("link", name="Bob").click()
    admin.settle()
    expect(admin.page.get_by_role("main")).to_contain_text("1 session is open")
    with admin.page.expect_navigation():
        admin.page.get_by_role("button", name="End the session of Chrome").click()
    admin.settle()
    expect(admin.page.get_by_role("status").first).to_contain_text("That session has ended.")
    bob.page.get_by_role("link", name="Findings").click()
    bob.page.wait_for_url(f"{console.url}/sign-in")
    admin.open(f"{console.url}/account")
    expect(admin.page.get_by_role("heading", level=1)).to_have_text("Your account")
