"""Light or dark, as the person wishes: kept in a cookie, so that the first byte of a page knows it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from stronghouse.console.addresses import local_path
from stronghouse.console.rendering import THEME_COOKIE
from stronghouse.console.state import Field

router = APIRouter()
YEAR_SECONDS = 365 * 24 * 3600


@router.post("/theme")
def choose(theme: Annotated[Literal["light", "dark", "system"], Form()], back: Field = "/") -> Response:
    """Keep the choice in the browser and go back. It is nobody's data, so it needs no session."""
    response = RedirectResponse(local_path(back), status_code=303)
    response.set_cookie(THEME_COOKIE, theme, max_age=YEAR_SECONDS, secure=True, httponly=True, samesite="lax", path="/")
    return response
