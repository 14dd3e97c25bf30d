"""Misconfigurations, applied one at a time to a running installation from outside the product.

Each must be found by exactly the checks that are meant to find it, be mended by what their remediation prints, and be
gone afterwards.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stronghouse.responsibility.catalogue import load_catalogue
from tests.e2e import misconfigurations
from tests.e2e.misconfigurations import CASES, furnish_host, prepare
from tests.support.misconfiguration import Installation, Misconfiguration

CASES_MODULE = misconfigurations.__name__
"""Where a case's own commands are defined; the default, none, is defined elsewhere."""
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
def test_what_mends_it_is_printed(case: Misconfiguration) -> None:
    known = load_catalogue().checks
    printed = " ".join(known[check_id].meta.remediation for check_id in sorted(case.found_by))
    assert case.asks_for in printed
    by_command_alone = case.fixes.__module__ == CASES_MODULE
    assert case.asks_for or by_command_alone, "an act that no remediation asks for"


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
