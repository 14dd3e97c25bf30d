"""What the pages of services do by script: parts that are fetched later, dialogs, and names that are typed."""

import pytest

from stronghouse.services import store
from stronghouse.services.model import Service, ServiceState
from tests.browser.conftest import Open
from tests.support.chromium import Window
from tests.support.console_server import ConsoleServer
from tests.support.console_services import connected, events_about, make_service
from tests.unit.responsibility.findings.looks import Scene

pytestmark = pytest.mark.slow  # a real browser


@pytest.fixture
def service(console: ConsoleServer, scene: Scene) -> Service:
    connected(console.plane, ("203.0.113.5", 3))
    return make_service(console.plane, scene.operator, "orders", "203.0.113.0/24 office")


@pytest.fixture
def window(open_window: Open, console: ConsoleServer, service: Service) -> Window:
    shown = open_window()
    shown.sign_in(console.link(service.organization_id))
    shown.open(f"{console.url}/services/{service.id}")
    return shown


def refresh(window: Window, part: str) -> None:
    """What live.js does every few seconds."""
    with window.page.expect_response(lambda _: True):
        window.page.evaluate(f"htmx.trigger(document.getElementById('{part}'), 'refresh')")
    window.page.wait_for_timeout(300)


def test_who_is_connected_comes_later_and_is_kept_fresh(window: Window, console: ConsoleServer) -> None:
    part = window.page.locator("#connected")
    part.get_by_text("3 connections from 1 address").wait_for()
    connected(console.plane, ("203.0.113.5", 3), ("203.0.113.6", 1))
    refresh(window, "connected")
    assert "4 connections from 2 addresses" in part.inner_text()


def test_a_part_that_cannot_be_fetched_stays_as_it_was(
    window: Window, console: ConsoleServer, service: Service
) -> None:
    with console.plane.control.audit.bookkeeping("a test's service") as connection:
        store.delete_service(connection, service.id)
    refresh(window, "standing")
    assert window.page.locator("h1").inner_text() == "orders"


def test_stopping_asks_for_the_name_and_says_whom_it_cuts_off(
    window: Window, console: ConsoleServer, service: Service
) -> None:
    refresh(window, "standing")  # a part that was fetched anew does the same as the first
    window.page.click("#open-stop")
    dialog = window.page.locator("#stop")
    dialog.get_by_text("3 connections from 1 address").wait_for()
    assert window.page.evaluate("document.activeElement.textContent") == "Cancel"
    assert dialog.locator("button[data-guarded]").is_disabled()
    window.page.keyboard.press("Escape")
    assert window.page.evaluate("document.activeElement.id") == "open-stop"
    window.page.keyboard.press("Enter")
    dialog.locator("[data-typed]").fill("order")
    assert dialog.locator("button[data-guarded]").is_disabled()
    dialog.locator("[data-typed]").fill("orders")
    dialog.locator("button[data-guarded]").click()
    window.page.get_by_text("The service is asked to stop.").wait_for()
    assert [code for code, _ in events_about(console.plane, service.id)] == ["service.stop"]


@pytest.mark.parametrize("width", [390, 1280])
def test_pages_of_services_do_not_scroll_sideways(
    open_window: Open, console: ConsoleServer, service: Service, width: int
) -> None:
    long = make_service(console.plane, service.organization_id, "x" * 50, "2001:db8:1234:5678:9abc::/80 " + "y" * 200)
    make_service(console.plane, service.organization_id, "failed", state=ServiceState.FAILED, reason="z" * 300)
    shown = open_window(width=width)
    shown.sign_in(console.link(service.organization_id))
    for path in ("", "/new", f"/{long.id}", f"/{long.id}/access", f"/{long.id}/connections"):
        shown.open(f"{console.url}/services{path}")
        assert not shown.overflows(), path
