"""What people and clients call things is shown as it is, wherever it is shown, and does nothing else."""

import pytest
from sqlalchemy import update

from stronghouse.access import store as access
from stronghouse.organizations import store as organizations
from stronghouse.services import store as services
from tests.browser.conftest import Open
from tests.browser.test_qualities import PAGES, add_service
from tests.support.chromium import NARROW, WIDE
from tests.support.console_server import ConsoleServer
from tests.unit.responsibility.findings.looks import Scene

pytestmark = pytest.mark.slow  # a real browser
MARKUP = (
    """"><img src=x onerror="document.title='broken in'"><script>document.title='broken in'</script>{{7*7}}${7*7}"""
)
NAMES = {
    "markup": MARKUP,
    "long": "x" * 10_240,
    "long words": "wide open " * 1_024,
    "right to left": "خدمة\u202eevil\u2066 שירות",
    "emoji": "👩🏽‍🔧 🏴󠁧󠁢󠁳󠁣󠁴󠁿 " * 20,
    "controls": "a\x01\x1b[31m\u0000b",
}


@pytest.mark.parametrize("kind", NAMES)
def test_a_name_harms_no_page(open_window: Open, console: ConsoleServer, scene: Scene, kind: str) -> None:
    """Past every rule about names: as if one had been stored by an older version, or a rule were missing."""
    name = NAMES[kind]
    link = console.link(scene.operator)
    service = add_service(console, scene.operator)
    (key_id, _), plane = console.plane.admin(scene.operator), console.plane
    del key_id
    scene.reason = name
    scene.look(**{"port/8123": "F"})
    with plane.control.database.write() as connection:
        here = organizations.organization.c.id == scene.operator
        connection.execute(update(organizations.organization).where(here).values(name=name))
        connection.execute(update(access.person).values(name=name))
        connection.execute(update(services.service).values(name=name, reason=name, engine_version=name))
        connection.execute(update(access.api_key).values(name=name))
        (key,) = access.keys(connection, organization_id=scene.operator)
    windows = [open_window(width=width) for width in (NARROW, WIDE)]
    windows[0].sign_in(link)
    windows[1].sign_in(console.another_link("ada@example.com"))
    finding = f"/findings/{scene.id_of('port/8123')}"
    for path in (*PAGES, f"/services/{service}", f"/services/{service}/access", f"/keys/{key.id}", finding):
        for window in windows:
            window.open(f"{console.url}{path}")
            assert window.page.title() != "broken in", path
            assert window.page.locator("img").count() == 0, path
            assert "49" not in window.page.locator("bdi").all_text_contents(), path
            assert not window.overflows(), (path, kind)
