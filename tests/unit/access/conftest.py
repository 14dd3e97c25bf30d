"""Fixtures of the tests about people."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.access.person import Ada, new_ada


@pytest.fixture
def ada(back_end: str, tmp_path: Path) -> Iterator[Ada]:
    """A member with a database of her own."""
    one = new_ada(tmp_path)
    yield one
    one.log.database.close()
