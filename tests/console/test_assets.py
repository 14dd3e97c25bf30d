"""Files that pages load: what others wrote is what they published, and everything is small and kept for ever."""

import base64
import gzip
import hashlib
import re
import tomllib
from importlib import resources
from pathlib import Path

from starlette.testclient import TestClient

from stronghouse.console.assets import PREFIX, asset

STATIC = Path(str(resources.files("stronghouse.console") / "static"))
VENDOR = tomllib.loads((STATIC / "vendor" / "VENDOR.toml").read_text())["file"]
OURS = [path for path in STATIC.rglob("*") if path.suffix in {".js", ".css"} and path.parent.name != "vendor"]
MAX_STYLE_BYTES = 20_000


def test_files_of_others_are_what_they_published() -> None:
    for one in VENDOR:
        content = (STATIC / "vendor" / one["name"]).read_bytes()
        assert base64.b64encode(hashlib.sha384(content).digest()).decode() == one["sha384"]
        assert one["licence"] in {"0BSD", "MIT", "Apache-2.0"}
    names = {path.name for path in (STATIC / "vendor").iterdir()} - {"VENDOR.toml"}
    assert names == {one["name"] for one in VENDOR}


def test_a_file_is_kept_for_ever_and_only_under_its_own_address(browser: TestClient) -> None:
    answer = browser.get(asset("tokens.css"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert re.fullmatch(r"/static/[0-9a-f]{16}", PREFIX)
    assert browser.get("/static/0123456789abcdef/tokens.css").status_code == 404
    missing = browser.get(asset("nothing.css"))
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")
    assert browser.get(f"{PREFIX}/../state.py").status_code == 404


def test_style_is_small_and_has_no_colour_outside_the_tokens() -> None:
    packed = sum(len(gzip.compress(path.read_bytes())) for path in STATIC.glob("*.css"))
    assert packed <= MAX_STYLE_BYTES
    for path in STATIC.glob("*.css"):
        if path.name != "tokens.css":
            lines = [line for line in path.read_text().splitlines() if re.search(r"#[0-9a-f]{3,8}\b", line)]
            assert all(".menu" in line or ".side" in line for line in lines), (path.name, lines)


def test_scripts_write_no_markup_and_evaluate_nothing() -> None:
    banned = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setTimeout\(\s*[\"']"
    )
    assert OURS
    assert [path.name for path in OURS if path.suffix == ".js" and banned.search(path.read_text())] == []
