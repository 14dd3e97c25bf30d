"""Known vulnerabilities: the imported feed, who may sign one, and the components that advisories are about."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.console.state import visit
from stronghouse.organizations.operator import is_operator
from stronghouse.responsibility.component_listing import component_views, feed_view, key_view, position
from stronghouse.vulnerabilities import store
from stronghouse.vulnerabilities.clickhouse import engine_list

router = APIRouter(prefix="/vulnerabilities")
SHOWN = 100
Word = Annotated[str, Query(max_length=64)]


@router.get("")
def vulnerabilities_page(
    request: Request, q: Word = "", after: Annotated[str, Query(max_length=5000)] = ""
) -> Response:
    """The feed's state and each component with its advisories, those with advisories first."""
    visitor = visit(request)
    plane = visitor.plane
    with plane.database.read() as connection:
        state = store.feed_state(connection)
        keys = [key_view(key) for key in store.keys(connection)]
        components = component_views(connection)
        operator = is_operator(connection, visitor.organization_id)
    found = [one for one in components if _matches(one, q)]
    clean = [one for one in found if not one["advisoryCount"]]
    rest = [one for one in clean if position(one) > after]
    more = urlencode({**({"q": q} if q else {}), "after": position(rest[SHOWN - 1])}) if len(rest) > SHOWN else None
    return visitor.page(
        "vulnerabilities.html",
        feed=None if state is None else feed_view(state, now=plane.clock.now()),
        keys=keys,
        engine=engine_list(),
        total=len(components),
        affected=[one for one in found if one["advisoryCount"]],
        clean=len(clean),
        others=rest[:SHOWN],
        text=q,
        after=after,
        first="/vulnerabilities" + (f"?{urlencode({'q': q})}" if q else ""),
        older=None if more is None else f"/vulnerabilities?{more}",
        operator=operator,
    )


def _matches(component: dict[str, Any], text: str) -> bool:
    ids = " ".join(advisory["id"] for advisory in component["advisories"])
    words = f"{component['name']} {component['version']} {component['ecosystem']} {component['place']} {ids}".lower()
    return all(word in words for word in text.lower().split())
