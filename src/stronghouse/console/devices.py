"""What a browser calls itself, in words that people recognise their own devices by.

It is what the other side says, so it is compared with known names and never shown as it came.
"""

import re

BROWSERS = (
    ("Edge", re.compile(r"\bEdgA?(?:iOS)?/(\d+)")),
    ("Opera", re.compile(r"\bOPR/(\d+)")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"\b(?:HeadlessChrome|Chrome|CriOS)/(\d+)")),
    ("Safari", re.compile(r"\bVersion/(\d+)\S* .*\bSafari/")),
    ("curl", re.compile(r"\Acurl/(\d+)")),
)
"""In this order: most call themselves by the names of others too."""
SYSTEMS = (
    ("Windows", "Windows NT"),
    ("Android", "Android"),
    ("iOS", "iPhone"),
    ("iPadOS", "iPad"),
    ("ChromeOS", "CrOS"),
    ("macOS", "Mac OS X"),
    ("Linux", "Linux"),
)


def device(user_agent: str | None) -> str:
    """The browser and the system, as far as they are known: `Firefox 148 on Linux`."""
    text = user_agent or ""
    matches = ((name, pattern.search(text)) for name, pattern in BROWSERS)
    browser = next((f"{name} {found[1]}" for name, found in matches if found), "An unknown program")
    system = next((name for name, mark in SYSTEMS if mark in text), None)
    return browser if system is None else f"{browser} on {system}"
