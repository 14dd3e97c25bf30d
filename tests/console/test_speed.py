"""Pages stay fast when an installation is large: a thousand services, a million audit events.

What is held here is processor time and the number of statements, which do not depend on what else the machine does;
`python -m benchmarks.console` measures the time that a person waits.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from tests.console.conftest import Enter, Visitor
from tests.support.control_plane import Plane
from tests.support.large_installation import EVERY_PAGE, an_event, enlarge
from tests.unit.responsibility.findings.looks import Scene

pytestmark = [pytest.mark.alone, pytest.mark.timeout(600)]  # a million rows take a minute to write, and 2 GB
SERVICES, EVENTS, LOOKS = 1_000, 1_000_000, 20
LIMIT_MS = 200.0
MAX_STATEMENTS = 100  # a proof takes some forty: one for each node on its way


@contextmanager
def counted(visitor: Visitor) -> Iterator[list[str]]:
    """The statements that run meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    engine = visitor.plane.control.database._reads
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def processor_ms(visitor: Visitor, path: str) -> list[float]:
    """What each of several looks at a page takes of the processor."""
    took = []
    for _ in range(LOOKS):
        began = time.process_time()
        visitor.get(path)
        took.append((time.process_time() - began) * 1000)
    return sorted(took)


def test_every_page_of_a_large_installation_is_quick(plane: Plane, scene: Scene, enter: Enter) -> None:
    services = enlarge(plane, scene, services_count=SERVICES, events_count=EVENTS)
    admin = enter(scene.operator)
    event_id = an_event(plane)
    slow, chatty = {}, {}
    for page in EVERY_PAGE:
        path = page.format(service=services[500], event=event_id)
        admin.get(path)  # whatever is made once
        with counted(admin) as statements:
            admin.get(path)
        if len(statements) > MAX_STATEMENTS:
            chatty[page] = len(statements)
        p95 = processor_ms(admin, path)[int(LOOKS * 0.95) - 1]
        if p95 > LIMIT_MS:
            slow[page] = round(p95)
    assert (slow, chatty) == ({}, {})
