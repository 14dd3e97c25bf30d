"""The documentation's site, built as `make docs` builds it: whole, without a warning, every link leads somewhere."""

import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = {"genindex.html", "search.html"}
LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("source", "src"), ("iframe", "src")}
LINKED = {
    "canonical",
    "next",
    "prev",
    "index",
    "search",
    "license",
}  # links of a page's head that load nothing

pytestmark = pytest.mark.slow  # Sphinx reads every page


@dataclass
class Page(HTMLParser):
    """What a page links to, what it loads, the anchors that it has, and what a keyboard or screen reader misses."""

    links: set[str] = field(default_factory=set)
    loads: set[str] = field(default_factory=set)
    anchors: set[str] = field(default_factory=set)
    out_of_reach: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.anchors.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        scrolls = tag == "pre" or given.get("class", "").startswith("table-wrapper")
        if (scrolls and "tabindex" not in given) or (given.get("role") == "heading" and "aria-level" not in given):
            self.out_of_reach.append(str(self.get_starttag_text()))
        for name in ("src", "href"):
            if (tag, name) in LOADED and name in given and given.get("rel") not in LINKED:
                self.loads.add(given[name])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built with the options of the Makefile."""
    built = tmp_path_factory.mktemp("site")
    options = re.search(r"^SITE := \S+/sphinx-build (.*) --doctree-dir", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert options is not None
    command = [str(Path(sys.executable).with_name("sphinx-build")), *options[1].split(), "--doctree-dir"]
    command += [str(built / "doctrees"), "-b", "html", str(DOCS), str(built / "html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return built / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    read: dict[Path, Page] = {}
    for path in sorted(site.rglob("*.html")):
        page = Page()
        page.feed(path.read_text())
        read[path] = page
    return read


def test_every_page_is_in_the_site_and_nothing_else(site: Path, pages: dict[Path, Page]) -> None:
    written = {str(path.relative_to(DOCS).with_suffix(".html")) for path in DOCS.rglob("*.md")}
    assert {str(path.relative_to(site)) for path in pages} == written | GENERATED


def test_every_page_is_in_the_navigation_of_every_page(site: Path, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        linked = {(path.parent / urlsplit(link).path).resolve() for link in page.links if urlsplit(link).path}
        missing = {other for other in pages if other.name not in GENERATED} - linked - {path}
        assert not missing, path


def test_every_link_leads_to_a_page_and_a_place_on_it(site: Path, pages: dict[Path, Page]) -> None:
    broken = set()
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[target].anchors if target in pages else set[str]()
            if not target.is_file() or (parts.fragment and parts.fragment not in anchors):
                broken.add(f"{path.relative_to(site)}: {link}")
    assert not broken


def test_what_scrolls_is_reached_by_keys_and_headings_have_levels(pages: dict[Path, Page]) -> None:
    assert not {path.name: page.out_of_reach for path, page in pages.items() if page.out_of_reach}


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    loaded = {link for page in pages.values() for link in page.loads}
    assert loaded
    assert not {link for link in loaded if urlsplit(link).netloc}
    styles = [path.read_text() for path in site.rglob("*.css")]
    assert styles
    assert not [found for style in styles for found in re.findall(r"url\(['\"]?(?:https?:)?//[^)]*\)", style)]


def test_a_broken_link_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text((DOCS / "conf.py").read_text())
    (tmp_path / "index.md").write_text("# Index\n\n- [Other](other.md)\n")
    (tmp_path / "other.md").write_text("# Other\n\n[there](index.md#nowhere)\n")
    command = [str(Path(sys.executable).with_name("sphinx-build")), "-q", "-W", "-n", "--keep-going"]
    command += ["-b", "html", str(tmp_path), str(tmp_path / "built")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode != 0
    assert "nowhere" in done.stderr
