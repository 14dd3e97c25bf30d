"""What people, agents and clients call things is shown as it is, wherever it is shown, and does nothing else."""

import pytest

from stronghouse.access.model import Source
from stronghouse.audit.event import SYSTEM, Actor, ActorType, Context
from stronghouse.services import store as services
from stronghouse.services.events import ServiceRenamed
from tests.browser.conftest import Open
from tests.support.chromium import NARROW, WIDE
from tests.support.console_server import ConsoleServer
from tests.support.furnished import furnish, pages, rename_everything
from tests.unit.responsibility.findings.looks import Scene

pytestmark = pytest.mark.slow  # a real browser, and every page
BREAK_IN = "document.title='broken in'"
NAMES = {
    "markup": f"""\"><img src=x onerror="{BREAK_IN}"><script>{BREAK_IN}</script>""",
    "long": "x" * 10_240,
    "words": "wide open " * 1_024,
    "right to left": "\u062e\u062f\u0645\u0629\u202eevil\u2066 \u05e9\u05d9\u05e8\u05d5\u05ea",
    "emoji": "\U0001f469\U0001f3fd\u200d\U0001f527 " * 20,
    "controls": "a\x01\x1b[31m\x7fb",
}
WIDTHS = {"long": (NARROW, WIDE), "words": (NARROW, WIDE)}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", NAMES)
def test_a_name_harms_no_page(open_window: Open, console: ConsoleServer, scene: Scene, kind: str) -> None:
    """Past every rule about names: as if one had been stored by an older version, or a rule were missing."""
    name, plane = NAMES[kind], console.plane
    addresses = pages(furnish(plane, scene))
    record(console, scene, name)
    link = console.link(scene.operator)
    with plane.control.database.write() as connection:
        assert rename_everything(connection, name) > len(addresses) / 4
        for service in services.every_service(connection):
            services.update_service(
                connection, type(service)(**{**service.__dict__, "ip_access": (Source("192.0.2.0/24", name),)})
            )
    window = open_window()
    window.sign_in(link)
    for width in WIDTHS.get(kind, (NARROW,)):
        window.page.set_viewport_size({"width": width, "height": 900})
        for path in addresses:
            assert window.open(f"{console.url}{path}") == 200, path
            assert window.page.title() != "broken in", path
            assert window.page.locator("img").count() == 0, path
            assert not window.overflows(), (path, kind, width)


def record(console: ConsoleServer, scene: Scene, name: str) -> None:
    """An event in which everything that others can choose is `name`."""
    who = Context(Actor(ActorType.API_KEY, SYSTEM.id, name), "192.0.2.1", name)
    with console.plane.control.audit.unit_of_work(who) as uow:
        uow.record(ServiceRenamed(organization_id=scene.operator, service_id=None, before=name, after=f"{name}2"))
