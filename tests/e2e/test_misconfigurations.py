"""Misconfigurations, applied one at a time to a running installation from outside the product.

Each must be found by exactly the checks that are meant to find it, be mended by what their remediation prints, and be
gone afterwards.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.misconfigurations import CASES, furnish_host, prepare
from tests.support.misconfiguration import Installation, Misconfiguration

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # a whole installation, looked at twice for each case


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    directory: Path = tmp_path_factory.mktemp("misconfigured")
    with Installation.start(directory, furnish_host) as running:
        prepare(running)
        yield running


def test_there_are_at_least_twenty_five() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 25


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_is_found_by_the_checks_that_are_meant_to_and_mended_by_what_they_print(
    installation: Installation, case: Misconfiguration
) -> None:
    before = installation.look(case.looked_at)  # a new installation has weaknesses too, and so has this machine
    case.breaks(installation)
    found = installation.look(case.looked_at) - before
    try:
        assert {check for check, _ in found} == case.found_by, sorted(found)
    finally:
        installation.follow(case)
    left = installation.look(case.looked_at) - before
    assert not left
