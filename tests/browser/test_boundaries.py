"""What other sites, other ports of this host, and whoever was sent the cookie can do: nothing."""

from datetime import timedelta

import httpx
import pytest

from stronghouse.audit import store as audit_store
from stronghouse.console.protection import COOKIE
from tests.browser.conftest import Open
from tests.support.chromium import Window
from tests.support.console_server import ConsoleServer, OtherPort
from tests.unit.responsibility.findings.looks import Scene

pytestmark = pytest.mark.slow  # a real browser


def events(console: ConsoleServer) -> list[str]:
    with console.plane.control.database.read() as connection:
        return [entry.code for entry in audit_store.entries(connection)]


def cookie_of(window: Window) -> dict[str, object]:
    (found,) = [one for one in window.page.context.cookies() if one["name"] == COOKIE]
    return dict(found)


def stolen(window: Window, console: ConsoleServer) -> httpx.Client:
    """What a thief has: the cookie, and how the browser calls itself; and it says of itself whatever helps."""
    headers = {
        "cookie": f"{COOKIE}={cookie_of(window)['value']}",
        "user-agent": window.page.evaluate("navigator.userAgent"),
        "origin": console.url,
        "sec-fetch-site": "same-origin",
    }
    return httpx.Client(base_url=console.url, headers=headers, verify=False)  # noqa: S501 - a thief does not mind


def test_the_cookie_is_bound_to_the_host_hidden_and_same_site(
    open_window: Open, console: ConsoleServer, scene: Scene
) -> None:
    window = open_window()
    window.sign_in(console.link(scene.operator))
    cookie = cookie_of(window)
    assert COOKIE.startswith("__Host-")
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"], cookie["path"]) == (True, True, "Lax", "/")
    assert window.page.evaluate("document.cookie") == ""


@pytest.mark.parametrize("attack", ["form", "fetch", "beacon"])
def test_a_page_on_another_port_changes_nothing(
    open_window: Open, console: ConsoleServer, hostile: OtherPort, scene: Scene, attack: str
) -> None:
    window = open_window()
    window.sign_in(console.link(scene.operator))
    before = events(console)
    target = f"{console.url}/checks"
    scripts = {
        "form": "document.forms[0].submit()",
        "fetch": f"fetch('{target}', {{method: 'POST', credentials: 'include', mode: 'no-cors', body: 'binding=x'}})",
        "beacon": f"navigator.sendBeacon('{target}', new URLSearchParams({{binding: 'x'}}))",
    }
    hostile.pages["/"] = f"<form method=post action='{target}'></form><script>{scripts[attack]}</script>"
    window.page.goto(hostile.url)
    window.page.wait_for_load_state()
    window.page.wait_for_timeout(300)
    assert any(COOKIE in sent for sent in hostile.cookies)  # cookies ignore ports: that is why there is a binding
    assert events(console) == before
    window.problems.clear()  # the attacker's own page


def test_a_page_on_another_port_reads_nothing(
    open_window: Open, console: ConsoleServer, hostile: OtherPort, scene: Scene
) -> None:
    window = open_window()
    window.sign_in(console.link(scene.operator))
    hostile.pages["/"] = f"<iframe src='{console.url}/'></iframe><img src='{console.url}/'>"
    window.page.goto(hostile.url)
    read = window.page.evaluate(
        """async (url) => {
            try { return (await fetch(url, {credentials: "include"})).status } catch { return "refused" }
        }""",
        f"{console.url}/",
    )
    assert read == "refused"
    framed = window.page.evaluate("() => { try { return frames[0].document.title } catch { return 'refused' } }")
    assert framed in {"refused", ""}
    window.problems.clear()


def test_a_stolen_cookie_does_nothing_and_soon_reads_nothing(
    open_window: Open, console: ConsoleServer, hostile: OtherPort, scene: Scene
) -> None:
    window = open_window()
    window.sign_in(console.link(scene.operator))
    hostile.pages["/"] = "<title>nothing to see</title>"
    window.page.goto(hostile.url)
    assert str(cookie_of(window)["value"]) in hostile.cookies[-1]
    before = events(console)
    with stolen(window, console) as thief:
        for binding in ({}, {"binding": "0" * 64}):
            for path in ("/checks", "/keys/new", "/services/new", "/account/password", "/session/renew"):
                assert thief.post(path, data=binding).status_code == 403, path
        assert set(events(console)[len(before) :]) <= {"user.session_refuse"}
        console.plane.clock.advance(timedelta(seconds=61))
        for path in ("/", "/audit", "/keys"):
            answer = thief.get(path)
            assert (answer.status_code, "One moment" in answer.text) == (401, True)
        assert thief.post("/session/renew").status_code == 403
    assert "user.session_refuse" in events(console)
    window.open(f"{console.url}/findings")  # its owner goes on, by a proof that no other port has
    window.page.get_by_role("heading", name="Findings").wait_for()


def test_a_failed_attempt_to_sign_in_again_ends_no_session(
    open_window: Open, console: ConsoleServer, scene: Scene
) -> None:
    window = open_window()
    window.sign_in(console.link(scene.operator))
    other = window.page.context.new_page()
    other.goto(f"{console.url}/sign-in")
    other.get_by_label("E-mail address").fill("ada@example.com")
    other.get_by_label("Password").fill("mistyped")
    with other.expect_navigation():
        other.get_by_role("button", name="Sign in", exact=True).click()
    other.get_by_role("alert").wait_for()
    other.wait_for_function("() => !localStorage.getItem('stronghouse.binding.before')")
    console.plane.clock.advance(timedelta(seconds=61))
    window.open(f"{console.url}/")
    window.page.get_by_role("button", name="Run all checks now").click()
    window.page.get_by_role("heading", name="Look").wait_for()
    assert "user.session_refuse" not in events(console)


def test_a_cookie_that_another_port_plants_gives_nobody_a_session_that_acts(
    open_window: Open, console: ConsoleServer, hostile: OtherPort, scene: Scene
) -> None:
    """An attacker's own session, put into a victim's browser: what the victim types must not land there."""
    attacker, victim = open_window(), open_window()
    attacker.sign_in(console.link(scene.operator, email="eve@example.com", name="Eve"))
    victim.sign_in(console.link(scene.operator))
    hostile.set_cookies = [f"{COOKIE}={cookie_of(attacker)['value']}; Path=/; Secure; HttpOnly; SameSite=Lax"]
    hostile.pages["/"] = "<title>planted</title>"
    victim.page.goto(hostile.url)
    victim.open(f"{console.url}/account")
    before = events(console)
    victim.page.goto(f"{console.url}/")
    victim.page.get_by_role("button", name="Run all checks now").click()
    victim.page.get_by_role("heading", name="Not allowed").wait_for()
    assert set(events(console)[len(before) :]) <= {"user.session_refuse"}


def test_a_form_of_another_site_gets_nowhere(
    open_window: Open, console: ConsoleServer, hostile: OtherPort, scene: Scene
) -> None:
    """127.0.0.1 is another site than localhost."""
    window = open_window()
    window.sign_in(console.link(scene.operator))
    before = events(console)
    hostile.pages["/"] = f"<form method=post action='{console.url}/checks'><button>Free tickets</button></form>"
    window.page.goto(hostile.url.replace("localhost", "127.0.0.1"))
    window.page.get_by_role("button").click()
    window.page.wait_for_load_state()
    assert events(console) == before
    window.problems.clear()
