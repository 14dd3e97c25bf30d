"""Light or dark is chosen once and known before a page is drawn."""

import pytest
from starlette.testclient import TestClient

from tests.console.conftest import OURS


@pytest.mark.parametrize("theme", ["light", "dark", "system"])
def test_the_choice_is_kept_and_shown_by_the_next_page(browser: TestClient, theme: str) -> None:
    answer = browser.post("/theme", data={"theme": theme, "back": "/sign-in?ended=everywhere"}, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?ended=everywhere")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"__Host-stronghouse-theme={theme};")
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"))
    assert f'data-theme="{theme}"' in browser.get("/sign-in").text


def test_nonsense_is_refused_and_leads_nowhere_else(browser: TestClient) -> None:
    assert browser.post("/theme", data={"theme": "neon"}, headers=OURS).status_code == 400
    answer = browser.post("/theme", data={"theme": "dark", "back": "//evil.example"}, headers=OURS)
    assert answer.headers["location"] == "/"
    browser.cookies.set("__Host-stronghouse-theme", '"><script>', domain="localhost")
    page = browser.get("/sign-in").text
    assert 'data-theme="system"' in page or 'data-theme="dark"' in page
