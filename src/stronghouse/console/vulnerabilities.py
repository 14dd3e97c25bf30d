"""Known vulnerabilities: the imported feed, who may sign one, and the components that advisories are about."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.console.state import visit
from stronghouse.organizations.operator import is_operator
from stronghouse.responsibility.component_listing import component_views, feed_view, key_view
from stronghouse.vulnerabilities import store
from stronghouse.vulnerabilities.clickhouse import engine_list

router = APIRouter(prefix="/vulnerabilities")


@router.get("")
def vulnerabilities_page(request: Request) -> Response:
    """The feed's state and each component with its advisories, those with advisories first."""
    visitor = visit(request)
    plane = visitor.plane
    with plane.database.read() as connection:
        state = store.feed_state(connection)
        keys = [key_view(key) for key in store.keys(connection)]
        components = component_views(connection)
        operator = is_operator(connection, visitor.organization_id)
    affected = [one for one in components if one["advisoryCount"]]
    return visitor.page(
        "vulnerabilities.html",
        feed=None if state is None else feed_view(state, now=plane.clock.now()),
        keys=keys,
        engine=engine_list(),
        affected=affected,
        others=[one for one in components if not one["advisoryCount"]],
        operator=operator,
    )
