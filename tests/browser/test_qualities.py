"""The twelve qualities of the console (house style), one test each, in a real browser."""

import contextlib
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, expect

from stronghouse.access.model import Source
from stronghouse.access.roles.system import DEVELOPER, MEMBER
from stronghouse.services import actions
from stronghouse.services.requests import ServiceChange, ServiceRequest
from tests.browser.conftest import Open
from tests.support.chromium import NARROW, WIDE, Scheme, Window
from tests.support.console_server import ConsoleServer
from tests.support.control_plane import CONTEXT
from tests.support.furnished import furnish, pages
from tests.unit.responsibility.findings.looks import Scene

pytestmark = pytest.mark.slow  # a real browser
PAGES = (
    "/",
    "/responsibilities/platform.rest",
    "/findings",
    "/vulnerabilities",
    "/guidance",
    "/guidance/baseline",
    "/services",
    "/services/new",
    "/keys",
    "/keys/new",
    "/people",
    "/audit",
    "/documents",
    "/packages",
    "/notifications",
    "/account",
    "/account/password",
)
TRANSITION = "getComputedStyle(document.querySelector('main a, main button')).transitionDuration"
PRESS_ANYWAY = """() => {
  const button = document.querySelector("dialog[open] button[data-guarded]");
  button.disabled = false;
  button.click();
}"""
MIN_TARGET = 24  # CSS pixels: WCAG 2.2, success criterion 2.5.8


def add_service(console: ConsoleServer, organization_id: str, name: str = "orders") -> str:
    """A service that lets in this address and an office."""
    wanted = ServiceRequest(name=name, ip_access=(Source("127.0.0.1", "here"), Source("198.51.100.0/24", "office")))
    with console.plane.control.audit.unit_of_work(CONTEXT) as uow:
        new = actions.create_service(uow, wanted, organization_id=organization_id, now=console.plane.clock.now())
    return new.service.id


def signed_in(window: Window, console: ConsoleServer, scene: Scene) -> Window:
    window.sign_in(console.link(scene.operator))
    return window


def focused(window: Window) -> str:
    return str(window.page.evaluate("document.activeElement.textContent.trim() || document.activeElement.name"))


def test_1_keyboard(open_window: Open, console: ConsoleServer, scene: Scene) -> None:
    window = signed_in(open_window(), console, scene)
    page, press = window.page, window.page.keyboard.press
    window.open(f"{console.url}/findings")
    press("Tab")
    assert focused(window) == "Skip to content"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    window.open(f"{console.url}/audit")
    press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.type("g s")  # in a field keys are text
    assert page.url.endswith("/audit")
    page.locator("h1").click()
    press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    for held in ("Control+g", "Alt+g", "Meta+g"):
        press(held)
        press("s")
    assert page.url.endswith("/audit")
    press("g")
    press("s")
    page.wait_for_url(f"{console.url}/services")
    press("?")
    page.get_by_label("Keys work").uncheck()
    press("Escape")
    press("g")
    press("k")
    page.wait_for_timeout(300)
    assert page.url == f"{console.url}/services"


def test_2_dialogs(open_window: Open, console: ConsoleServer, scene: Scene) -> None:
    service = add_service(console, scene.operator)
    window = signed_in(open_window(), console, scene)
    page = window.page
    window.open(f"{console.url}/services/{service}")
    opener = page.get_by_role("button", name=re.compile("^Stop it"))
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        inside = page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
        assert inside, "focus left the dialog"
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_3_destroying_needs_the_typed_name(open_window: Open, console: ConsoleServer, scene: Scene) -> None:
    service = add_service(console, scene.operator)
    window = signed_in(open_window(), console, scene)
    page = window.page
    window.open(f"{console.url}/services/{service}")
    page.get_by_role("button", name=re.compile("^Stop it")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("cut off")
    stop = dialog.locator("button[data-guarded]")
    field = dialog.get_by_label(re.compile("^Type the service's name"))
    expect(stop).to_be_disabled()
    field.fill("Orders")
    expect(stop).to_be_disabled()
    with page.expect_navigation():  # at once: what the dialog loads shuts the button again
        page.evaluate(PRESS_ANYWAY)
    expect(page.locator("#problem")).to_be_visible()  # the server looks too
    window.open(f"{console.url}/services/{service}")
    page.get_by_role("button", name=re.compile("^Stop it")).click()
    page.get_by_role("dialog").get_by_label(re.compile("^Type the service's name")).fill("orders")
    with page.expect_navigation():
        page.get_by_role("dialog").locator("button[data-guarded]").click()
    expect(page.locator("main .state").first).to_have_text("stopping")


def test_4_the_difference_comes_first_and_a_stale_one_is_refused(
    open_window: Open, console: ConsoleServer, scene: Scene
) -> None:
    service = add_service(console, scene.operator)
    window = signed_in(open_window(), console, scene)
    page = window.page
    window.open(f"{console.url}/services/{service}/access")
    page.get_by_label("The list").fill("127.0.0.1 here\n203.0.113.9 laptop\n")
    page.get_by_role("button", name="Show what this would change").click()
    expect(page.locator("#preview .added")).to_contain_text("203.0.113.9")
    expect(page.locator("#preview .removed")).to_contain_text("198.51.100.0/24")
    with console.plane.control.audit.unit_of_work(CONTEXT) as uow:  # somebody else was quicker
        actions.update_service(
            uow,
            ServiceChange(add_ip_access=(Source("192.0.2.7", "theirs"),)),
            organization_id=scene.operator,
            service_id=service,
        )
    page.locator("#preview").get_by_role("button", name=re.compile("^Apply")).click()
    expect(page.locator("#problem")).to_be_visible()
    expect(page.locator("#meanwhile .added")).to_contain_text("192.0.2.7")
    expect(page.locator("#preview .removed").first).to_be_visible()


def test_5_nobody_locks_themselves_out(open_window: Open, console: ConsoleServer, scene: Scene) -> None:
    service = add_service(console, scene.operator)
    window = signed_in(open_window(), console, scene)
    page = window.page
    window.open(f"{console.url}/services/{service}/access")
    page.get_by_label("The list").fill("198.51.100.0/24 office\n")
    page.get_by_role("button", name="Show what this would change").click()
    expect(page.locator("#preview .problem")).to_contain_text("127.0.0.1")
    expect(page.locator("#preview button[data-guarded]")).to_be_disabled()
    page.get_by_role("button", name=re.compile("^Keep 127.0.0.1")).click()
    expect(page.locator("#preview .problem")).to_have_count(0)


def test_6_snippets_are_copied_and_a_secret_is_shown_once(
    open_window: Open, console: ConsoleServer, scene: Scene
) -> None:
    service = add_service(console, scene.operator)
    window = signed_in(open_window(), console, scene)
    page = window.page
    window.open(f"{console.url}/services/{service}")
    for title in ("Python", "JavaScript", "curl"):
        tab = page.locator("details[name=connect]", has_text=title).first
        if tab.get_attribute("open") is None:
            tab.locator("summary").click()
        tab.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("status").last).to_have_text("Copied.")
        assert "CLICKHOUSE_PASSWORD" in page.evaluate("navigator.clipboard.readText()")
    window.open(f"{console.url}/keys/new")
    page.get_by_label("Name").fill("pipeline")
    page.get_by_label(re.compile("^Admin")).check()
    page.get_by_role("button", name="Make the key").click()
    secret = (page.locator("#key-secret").text_content() or "").strip()
    assert secret.startswith("sh_")
    assert secret not in page.url
    page.get_by_role("link", name=re.compile("I have kept the secret")).click()
    assert secret not in page.content()
    with contextlib.suppress(Error):  # the browser itself will not show that page again
        page.go_back()
    expect(page.locator("body")).not_to_contain_text(secret)


def test_7_times_are_relative_and_absolute_in_both_zones(
    open_window: Open, console: ConsoleServer, scene: Scene
) -> None:
    add_service(console, scene.operator)
    window = signed_in(open_window(timezone_id="Asia/Tokyo", locale="en-GB"), console, scene)
    window.open(f"{console.url}/services")
    time = window.page.locator("tbody time").first
    assert re.search(r"ago$", time.text_content() or "")
    expect(time).to_have_attribute("datetime", re.compile(r"^2026-11-23T12:00:00(\.0+)?Z$"))
    expect(time).to_have_attribute("title", re.compile(r"2026-11-23 12:00:00 UTC\n.*21:00:00"))
    expect(window.page.locator("#zone")).to_have_text("Asia/Tokyo")


def test_8_empty_error_and_forbidden_have_pages_of_their_own(
    open_window: Open, console: ConsoleServer, scene: Scene
) -> None:
    window = signed_in(open_window(), console, scene)
    page = window.page
    window.open(f"{console.url}/services")
    expect(page.locator(".empty")).to_contain_text("No services yet")
    expect(page.locator(".empty").get_by_role("link", name=re.compile("^Create"))).to_be_visible()
    add_service(console, scene.operator)
    window.open(f"{console.url}/services?q=nothing-like-it")
    expect(page.locator(".empty")).to_contain_text("Nothing matches")
    window.open(f"{console.url}/services/00000000-0000-4000-8000-000000000000")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    expect(page.get_by_role("navigation", name="Console")).to_be_visible()
    member = open_window()
    member.sign_in(console.link(scene.operator, MEMBER, email="bob@example.com", name="Bob"))
    member.open(f"{console.url}/findings")
    expect(member.page.get_by_role("heading", level=1)).to_have_text("Not allowed")
    expect(member.page.get_by_role("alert")).to_contain_text("which the role Admin or Developer gives")


def test_9_the_address_is_the_state(open_window: Open, console: ConsoleServer, scene: Scene) -> None:
    for name in ("orders", "events"):
        add_service(console, scene.operator, name)
    window = signed_in(open_window(), console, scene)
    page = window.page
    window.open(f"{console.url}/services")
    page.get_by_label("Name or id").fill("ord")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert "q=ord" in page.url
    shared = page.url
    page.get_by_role("link", name="orders").click()
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_label("Name or id")).to_have_value("ord")
    other = signed_in_again(open_window(), console)
    other.open(shared)
    expect(other.page.locator("tbody tr")).to_have_count(1)


def signed_in_again(window: Window, console: ConsoleServer) -> Window:
    window.sign_in(console.another_link("ada@example.com"))
    return window


def test_10_errors_say_what_to_do_and_keep_what_was_typed(
    open_window: Open, console: ConsoleServer, scene: Scene
) -> None:
    window = signed_in(open_window(), console, scene)
    page = window.page
    window.open(f"{console.url}/services/new")
    page.get_by_label("Name").fill("orders")
    page.get_by_role("textbox", name="IP access list").fill("127.0.0.1 here\n10.0.0.1/8 wrong\n")
    page.get_by_role("button", name="Create the service").click()
    expect(page.locator("#problem")).to_be_visible()
    field = page.get_by_role("textbox", name="IP access list")
    expect(field).to_have_attribute("aria-invalid", "true")
    assert "wrong-entries" in (field.get_attribute("aria-describedby") or "")
    expect(page.locator("#wrong-entries")).to_contain_text("2")
    expect(field).to_have_value(re.compile("10.0.0.1/8 wrong"))
    expect(page.get_by_label("Name")).to_have_value("orders")
    window.open(f"{console.url}/no-such-page")
    expect(page.get_by_role("main")).to_contain_text(re.compile("request [0-9a-f-]{36}"))


def test_11_only_what_one_may_do_is_shown(open_window: Open, console: ConsoleServer, scene: Scene) -> None:
    service = add_service(console, scene.operator)
    window = open_window()
    window.sign_in(console.link(scene.operator, DEVELOPER, email="dev@example.com", name="Dev"))
    page = window.page
    names = page.get_by_role("navigation", name="Console").get_by_role("link").all_text_contents()
    assert not {"API keys", "Audit log", "Packages", "Notifications"} & {name.strip() for name in names}
    window.open(f"{console.url}/services/{service}")
    expect(page.get_by_role("button", name=re.compile("^Stop it"))).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Delete it"))).to_have_count(0)
    expect(page.get_by_role("main")).to_contain_text(
        "control-plane:service:delete, which the role Admin or Service admin gives"
    )


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_12_everybody_can_use_it(
    open_window: Open, console: ConsoleServer, scene: Scene, scheme: Scheme, width: int
) -> None:
    addresses = pages(furnish(console.plane, scene))
    window = signed_in(open_window(scheme=scheme, width=width), console, scene)
    serious, small, wide = {}, {}, []
    for path in (*addresses, "/sign-in/link?token=x", "/no-such-page"):
        assert window.open(f"{console.url}{path}") == (404 if path == "/no-such-page" else 200), path
        found = Axe().run(window.page).response["violations"]
        grave = [
            f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found if one["impact"] in {"serious", "critical"}
        ]
        if grave:
            serious[path] = grave
        if too_small := window.page.evaluate(SMALL_TARGETS, MIN_TARGET):
            small[path] = too_small
        if window.overflows():
            wide.append(path)
    assert (serious, small, wide) == ({}, {}, [])


SMALL_TARGETS = """(least) => [
    ...document.querySelectorAll("main button, main summary, main input, main select, nav a")]
  .filter((one) => one.checkVisibility() && one.type !== "hidden" && !one.closest(".skip"))
  .map((one) => [one.getBoundingClientRect(), one])
  .filter(([box]) => box.width > 1 && (box.height < least && !["checkbox", "radio"].includes(box.type)))
  .filter(([, one]) => !["checkbox", "radio"].includes(one.type))
  .map(([box, one]) => `${one.outerHTML.slice(0, 80)} ${box.width}x${box.height}`)"""


def test_reading_works_without_scripts_and_acting_says_why_not(
    open_window: Open, console: ConsoleServer, scene: Scene
) -> None:
    scene.look(**{"port/8123": "F"})
    add_service(console, scene.operator)
    window = open_window(scripts=False)
    page = window.page
    window.sign_in(console.link(scene.operator))
    window.open(f"{console.url}/")
    expect(page.locator("tr.row")).to_have_count(34)
    page.locator(".why > summary").first.click()
    expect(page.locator(".why[open] p").first).to_be_visible()
    for path in PAGES:
        answer = page.goto(f"{console.url}{path}")
        assert answer is not None
        assert answer.status == 200, path
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.goto(f"{console.url}/")
    page.get_by_role("button", name="Run all checks now").click()
    expect(page.get_by_role("alert")).to_contain_text("Acts need JavaScript in this browser")


@pytest.mark.parametrize("width", [WIDE // 2, 1920])
def test_at_twice_the_size_and_on_a_large_screen_nothing_is_cut_off(
    open_window: Open, console: ConsoleServer, scene: Scene, width: int
) -> None:
    """A wide screen at 200 % shows as much as one of half the width."""
    service = add_service(console, scene.operator)
    window = signed_in(open_window(width=width), console, scene)
    for path in (*PAGES, f"/services/{service}"):
        window.open(f"{console.url}{path}")
        assert not window.overflows(), path
        assert (
            window.page.evaluate("getComputedStyle(document.querySelector('main a, main button')).transitionDuration")
            == "0s"
        )


def test_dark_and_light_can_be_chosen_against_the_system(
    open_window: Open, console: ConsoleServer, scene: Scene, tmp_path: Path
) -> None:
    window = signed_in(open_window(scheme="light"), console, scene)
    page = window.page

    def paper() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    light = paper()
    choose(window, "Dark")
    assert paper() != light
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    choose(window, "System")
    assert paper() == light


def choose(window: Window, theme: str) -> None:
    with window.page.expect_navigation():
        window.page.get_by_role("button", name=theme).click()
    window.settle()
