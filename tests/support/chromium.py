"""A real browser, which notes everything that went wrong on a page."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

# Nothing of Chromium's own reaches for the network, and none of its sandboxes works for root in a container.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
Scheme = Literal["light", "dark"]
NARROW, WIDE = 390, 1280
LAYOUTS = 20
WATCH = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.effectiveDirective} blocked ${event.blockedURI} ${event.sample}`));
"""


@dataclass
class Window:
    """A page of the browser. `problems` has every script error, policy violation and failed load."""

    page: Page
    scripts: bool = True
    problems: list[str] = field(default_factory=list)

    def note(self, message: ConsoleMessage) -> None:
        """Note what the browser's console says; refusals that a test provokes by a form are not the page's fault."""
        if message.type in {"error", "warning"} and "the server responded with a status of" not in message.text:
            self.problems.append(message.text)

    def open(self, url: str) -> int:
        """Go to a page and wait until its scripts have run; the status of the answer."""
        answer = self.page.goto(url)
        self.settle()
        return answer.status if answer else 0

    def settle(self) -> None:
        """Wait until the page is there and its scripts have run; where there are none, until it is there."""
        self.page.wait_for_load_state()
        if self.scripts:
            self.page.wait_for_function("() => !document.documentElement.classList.contains('no-script')")

    def sign_in(self, link: str) -> None:
        """Spend a sign-in link."""
        self.open(link)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Sign in").click()
        self.settle()

    def overflows(self) -> bool:
        """Whether the page as a whole scrolls sideways, and goes on doing so once it is laid out."""
        wide = "document.documentElement.scrollWidth > innerWidth"
        for _ in range(LAYOUTS):
            if not self.page.evaluate(wide):
                return False
            self.page.wait_for_timeout(50)
        return True


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; Playwright cannot fetch one of its own where only package registries are reached."""
    program = shutil.which("chromium")
    assert program is not None, "chromium is missing; `make browser` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS])
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def window(
    browser: Browser, *, scheme: Scheme = "light", width: int = WIDE, scripts: bool = True, **options: Any
) -> Iterator[Window]:
    """A window of its own with nothing in its storage. The certificate is nobody's, so it is not verified."""
    context: BrowserContext = browser.new_context(
        ignore_https_errors=True,
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
        java_script_enabled=scripts,
        reduced_motion="reduce",
        **options,
    )
    context.set_default_timeout(15_000)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.add_init_script(WATCH)
    try:
        page = context.new_page()
        opened = Window(page, scripts)
        page.on("console", opened.note)
        page.on("pageerror", lambda error: opened.problems.append(str(error)))
        yield opened
    finally:
        context.close()
