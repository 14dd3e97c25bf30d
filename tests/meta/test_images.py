"""The documentation's pictures are those that the walk through the console takes, all of them and no others."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
WALK = (ROOT / "tests" / "browser" / "test_walk.py").read_text()
ALSO = {"home-dark-1280.png", "home-light-390.png"}


def test_every_picture_is_one_that_the_walk_takes() -> None:
    taken = {f"{name}.png" for name in re.findall(r'walk\.picture\("([a-z-]+)"', WALK)}
    assert {path.name for path in IMAGES.iterdir()} == taken | ALSO


def test_every_picture_is_shown_somewhere_with_words_for_those_who_do_not_see_it() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    shown = [found for page in pages for found in re.findall(r"!\[([^\]]*)\]\([^)]*images/([^)]+)\)", page.read_text())]
    assert all(len(words) > 20 for words, _ in shown)
    assert {name for _, name in shown} == {path.name for path in IMAGES.iterdir()}
