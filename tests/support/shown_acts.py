"""What a page of the console shows to do: every link, every form, and whatever htmx fetches or sends."""

from collections import Counter, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin

from httpx import Response

OF_A_KIND = 4
"""Of pages that differ only in what they are about, so many are opened."""
HTMX = {"hx-get": "GET", "hx-post": "POST", "hx-put": "PUT", "hx-patch": "PATCH", "hx-delete": "DELETE"}
Offer = tuple[str, str]
"""A method and an address."""


class _Page(HTMLParser):
    """Reads a page as a browser does."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self.offers: set[Offer] = set()
        self._here = here
        self._method = "GET"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name, method in HTMX.items():
            if name in given:
                self._offer(method, given[name])
        if tag == "a" and not given.get("href", "#").startswith("#"):
            self._offer("GET", given["href"])
        if tag == "form":
            self._method = given.get("method", "get").upper()
            self._offer(self._method, given.get("action", ""))
        if "formaction" in given:
            self._offer(given.get("formmethod", self._method).upper(), given["formaction"])

    def _offer(self, method: str, address: str) -> None:
        self.offers.add((method, urljoin(self._here, address)))


def offers_of(answer: Response) -> set[Offer]:
    """What an answer shows to do, if it is a page."""
    if not answer.headers.get("content-type", "").startswith("text/html"):
        return set()
    page = _Page(answer.url.raw_path.decode())
    page.feed(answer.text)
    page.close()
    return page.offers


@dataclass
class Walk:
    """Addresses that wait to be opened, each once, and of each kind only a few.

    Those with the same route and the same names in their query are of a kind. All that are about `subjects`, the ids of
    what matters here, are opened.
    """

    subjects: Collection[str]
    _waiting: deque[str] = field(default_factory=deque)
    _known: set[str] = field(default_factory=set)
    _opened: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def add(self, address: str, route: str) -> None:
        """Open an address in its turn, unless it was, or enough like it."""
        path, _, query = address.partition("?")
        kind = (route, *sorted({name for name, _ in parse_qsl(query)}))
        matters = not query and any(part in self.subjects for part in path.split("/"))
        if address not in self._known and (matters or self._opened[kind] < OF_A_KIND):
            self._known.add(address)
            self._opened[kind] += 1
            self._waiting.append(address)

    def __iter__(self) -> Iterator[str]:
        """The addresses in their turn, also those that are added meanwhile."""
        while self._waiting:
            yield self._waiting.popleft()
