"""Templates made into answers: what every page knows, whoever looks at it."""

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from stronghouse.console import presentation
from stronghouse.console.assets import asset

THEMES = ("system", "light", "dark")
THEME_COOKIE = "__Host-stronghouse-theme"

templates = Environment(
    loader=PackageLoader("stronghouse.console"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.filters.update(presentation.FILTERS)
templates.globals.update(asset=asset, THEMES=THEMES)


def page(request: Request, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """The answer that a template makes of `values`, with what all templates need of the request."""
    text = templates.get_template(template).render(
        nonce=request.state.nonce, theme=chosen_theme(request), here=_here(request), **values
    )
    return HTMLResponse(text, status_code=status)


def chosen_theme(request: Request) -> str:
    """What the person chose: one of THEMES."""
    value = request.cookies.get(THEME_COOKIE)
    return value if value in THEMES else THEMES[0]


def _here(request: Request) -> str:
    """The page's own address below this origin; home for one that answers a form and has none."""
    if request.method != "GET":
        return "/"
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
