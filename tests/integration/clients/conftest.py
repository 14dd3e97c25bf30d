from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.clients.curl import Curl
from tests.integration.worker.forwarder import forwarded
from tests.integration.worker.service import Service, temporary_service


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """One worker for a module; its tests use tables of their own."""
    with temporary_service() as running:
        yield running


@pytest.fixture(scope="module")
def port(service: Service) -> Iterator[int]:
    """A TCP port that leads to the worker, as the edge's would."""
    with forwarded(service.socket) as number:
        yield number


@pytest.fixture
def curl(port: int, tmp_path: Path) -> Curl:
    """The program curl as the service's owner."""
    return Curl(port, tmp_path)
