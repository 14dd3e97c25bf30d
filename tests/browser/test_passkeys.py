"""Passkeys with the virtual authenticator of a real Chromium, and second factors as people meet them."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from stronghouse.access.authentication import STEP_UP_LIFETIME
from tests.browser.conftest import Open
from tests.support.chromium import NARROW, WIDE, Window
from tests.support.console_server import ConsoleServer
from tests.support.second_factors import Phone
from tests.unit.responsibility.findings.looks import Scene

pytestmark = pytest.mark.slow  # a real browser
RENEW = """async () => {
  const page = document.querySelector("script[type=module]").src;
  await (await import(page.replace("console.js", "binding.js"))).renew();
}"""
"""What a page does every 25 seconds."""


def authenticator(window: Window) -> None:
    """Give a window a built-in authenticator whose person is always there and verified."""
    session = window.page.context.new_cdp_session(window.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def press(window: Window, name: str) -> None:
    with window.page.expect_navigation():
        window.page.get_by_role("main").get_by_role("button", name=name, exact=True).click()
    window.settle()


def add_passkey(window: Window, console: ConsoleServer) -> None:
    window.open(f"{console.url}/account/factors")
    window.page.get_by_label("Name of a new passkey").fill("this laptop")
    press(window, "Add a passkey")
    expect(window.page.get_by_role("heading", level=1)).to_have_text("Your recovery codes")


def test_a_passkey_is_added_signs_in_and_proves_once_more(
    console: ConsoleServer, scene: Scene, open_window: Open
) -> None:
    window = open_window()
    authenticator(window)
    window.sign_in(console.link(scene.operator))
    add_passkey(window, console)
    window.page.get_by_role("button", name="Sign out", exact=True).click()
    window.settle()
    press(window, "Sign in with a passkey")
    window.open(f"{console.url}/account/factors")
    expect(window.page.get_by_role("table")).to_contain_text("this laptop")

    console.plane.clock.advance(STEP_UP_LIFETIME)
    window.page.evaluate(RENEW)
    window.open(f"{console.url}/account/factors")
    window.page.get_by_role("button", name="Remove this laptop").click()
    dialog = window.page.get_by_role("dialog", name="Remove this laptop?")
    dialog.get_by_role("button", name="Use a passkey instead").click()
    expect(dialog).to_contain_text("Proved with your passkey.")
    with window.page.expect_navigation():
        dialog.get_by_role("button", name="Remove", exact=True).click()
    expect(window.page.get_by_role("main")).to_contain_text("You have none yet.")


def assert_usable(window: Window) -> None:
    """Nothing grave by WCAG, nothing cut off."""
    found = Axe().run(window.page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in {"serious", "critical"}] == []
    assert not window.overflows()


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_everybody_can_use_what_is_shown_to_who_has_a_second_factor(
    console: ConsoleServer, scene: Scene, open_window: Open, width: int
) -> None:
    window = open_window(width=width)
    authenticator(window)
    window.sign_in(console.link(scene.operator))
    add_passkey(window, console)
    assert_usable(window)
    console.plane.clock.advance(STEP_UP_LIFETIME)
    window.page.evaluate(RENEW)
    window.open(f"{console.url}/account/factors")
    assert_usable(window)
    window.page.get_by_role("button", name="Remove this laptop").click()
    assert_usable(window)
    other = open_window(width=width)
    other.sign_in(console.another_link("ada@example.com"))
    expect(other.page.get_by_role("heading", level=1)).to_have_text("One more proof")
    assert_usable(other)


def test_who_gives_no_answer_is_told_and_stays(console: ConsoleServer, scene: Scene, open_window: Open) -> None:
    window = open_window()
    authenticator(window)
    window.open(f"{console.url}/sign-in")
    window.page.get_by_role("button", name="Sign in with a passkey").click()
    expect(window.page.get_by_role("main")).to_contain_text("no passkey answer")
    assert window.page.url == f"{console.url}/sign-in"


def test_an_app_is_set_up_by_its_code_and_asked_for_in_another_browser(
    console: ConsoleServer, scene: Scene, open_window: Open
) -> None:
    window = open_window()
    window.sign_in(console.link(scene.operator))
    window.open(f"{console.url}/account/factors/app")
    box = window.page.locator(".qr svg").bounding_box()
    assert box is not None
    assert box["width"] > 150
    phone = Phone(window.page.locator("#app-secret").inner_text())
    window.page.get_by_label("Code of the new app").fill(phone.code(console.plane.clock.now()))
    press(window, "Set up")
    code = window.page.locator("#codes").inner_text().split()[0]
    other = open_window()
    other.sign_in(console.another_link("ada@example.com"))
    expect(other.page.get_by_role("heading", level=1)).to_have_text("One more proof")
    other.page.get_by_label("Code").fill("000000")
    press(other, "Sign in")
    expect(other.page.get_by_role("alert")).to_contain_text("This code is wrong")
    other.page.get_by_label("Code").fill(code)
    press(other, "Sign in")
    expect(other.page.get_by_role("heading", level=1)).to_have_text("Set a password")
