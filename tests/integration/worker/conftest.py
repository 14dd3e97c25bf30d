from collections.abc import Iterator

import pytest

from tests.integration.worker.service import Service, temporary_service


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """One worker for a module; its tests use tables of their own."""
    with temporary_service() as running:
        yield running


@pytest.fixture
def fresh() -> Iterator[Service]:
    """A service of a test's own, not started."""
    with temporary_service(start=False) as own:
        yield own
