"""How Sphinx builds the site from these pages: `make docs`.

Pages stay plain Markdown that reads well on a code host too. So the navigation is taken from the lists of links in
`index.md` rather than from directives, and nothing is fetched: not when the site is built, not when it is read.
"""

import re
from typing import Any

from sphinx.application import Sphinx

from stronghouse import __version__

project = "Stronghouse"
author = "The Stronghouse authors"
copyright = author  # noqa: A001 - Sphinx's name for it
version = release = __version__
html_title = f"Stronghouse {version}"

extensions = ["myst_parser", "sphinx_copybutton"]
myst_heading_anchors = 3

html_theme = "furo"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f5fbf", "color-brand-content": "#1f5fbf"},
    "dark_css_variables": {"color-brand-primary": "#8db8ff", "color-brand-content": "#8db8ff"},
}
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"
html_copy_source = False
html_show_sphinx = False

# What the copy button takes from a transcript: the commands, without prompts and output.
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"
copybutton_here_doc_delimiter = "EOF"

ENTRY = re.compile(r"^- \[([^\]]+)\]\(([\w/-]+)\.md\)")


def navigation(_app: Sphinx, name: str, source: list[str]) -> None:
    """Add to the first page, unseen, the trees that Sphinx wants: one for each heading with a list below it."""
    if name != "index":
        return
    trees = []
    for part in re.split(r"^## ", source[0], flags=re.MULTILINE):
        title, entries = part.splitlines()[0], [found for line in part.splitlines() if (found := ENTRY.match(line))]
        if entries:
            caption = [] if title.startswith("#") else [f":caption: {title}"]
            listed = [f"{entry[1]} <{entry[2]}>" for entry in entries]
            trees.append("\n".join(["```{toctree}", ":hidden:", *caption, "", *listed, "```"]))
    source[0] += "\n\n" + "\n\n".join(trees) + "\n"


def accessible(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _tree: object) -> None:
    """Let what scrolls be scrolled by keys, and give headings of the navigation the level that they lack."""
    body, tree = context.get("body", ""), context.get("furo_navigation_tree", "")
    context["body"] = body.replace("<pre", '<pre tabindex="0"').replace(
        '<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'
    )
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')


def setup(app: Sphinx) -> None:
    """Called by Sphinx when it starts."""
    app.connect("source-read", navigation)
    app.connect("html-page-context", accessible, priority=900)  # after the theme
