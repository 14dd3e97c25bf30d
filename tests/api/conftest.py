"""Fixtures of the API tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.control_plane import Plane, control_plane


@pytest.fixture
def plane(back_end: str, tmp_path: Path) -> Iterator[Plane]:
    with control_plane(tmp_path) as ready:
        yield ready
