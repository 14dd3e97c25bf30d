"""The engine is compared release line by release line, and the list that comes with us is well formed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.vulnerabilities.clickhouse import engine_list, match_engine, parse_version
from stronghouse.vulnerabilities.model import Advisory, Boundary, Ecosystem, Event, Verdict

LISTED = {one.id: one for one in engine_list().advisories}


def imported(*events: tuple[str, str], versions: tuple[str, ...] = ()) -> Advisory:
    made = tuple(Event(Boundary(edge), version) for edge, version in events)
    return Advisory(
        id="X", ecosystem=Ecosystem.CLICKHOUSE, package="clickhouse", ranges=(made,) if made else (), versions=versions
    )


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("24.12.6.70", False),  # mended on its line, though below 25.1.5.5
        ("24.12.5.64", True),
        ("24.12.5.65", False),
        ("24.10.9.9", True),  # between mended lines, without a patch of its own
        ("24.3.18.6", False),
        ("23.1.1.1", True),
        ("25.1.5.4", True),
        ("25.2.1.1", False),
        ("26.9.2.1", False),
    ],
)
def test_each_release_line_is_compared_with_its_own_fix(version: str, affected: bool) -> None:
    found = match_engine(LISTED["CVE-2025-1385"], version)
    assert (found.verdict is Verdict.AFFECTED) == affected
    assert all(parse_version(fix) > parse_version(version) for fix in found.fixed)  # type: ignore[operator]


@given(
    fixes=st.dictionaries(st.integers(1, 9), st.integers(1, 9), min_size=1, max_size=5),
    line=st.integers(1, 12),
    patch=st.integers(1, 9),
)
def test_lines_agree_with_the_plain_rule(fixes: dict[int, int], line: int, patch: int) -> None:
    one = imported(("introduced", "0"), *(("fixed", f"24.{key}.{value}.1") for key, value in fixes.items()))
    expected = patch < fixes[line] if line in fixes else line < max(fixes)
    assert (match_engine(one, f"24.{line}.{patch}.1").verdict is Verdict.AFFECTED) == expected


def test_all_of_the_list_can_be_compared() -> None:
    assert len(LISTED) == len(engine_list().advisories) >= 25
    for one in LISTED.values():
        assert match_engine(one, "1.1.1").verdict is Verdict.AFFECTED
        assert match_engine(one, "26.9.2.1").verdict is Verdict.NOT_AFFECTED


@pytest.mark.parametrize("version", ["", "latest", "26", "1.2.3.4.5", "24.x.1.1", "9" * 30 + ".1"])
def test_version_of_another_form_is_unknown(version: str) -> None:
    assert match_engine(LISTED["CVE-2025-1385"], version).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (imported(("introduced", "24.5.1.1"), ("fixed", "24.9.1.1")), Verdict.NOT_AFFECTED),
        (imported(("introduced", "0"), ("last_affected", "24.3.9.9")), Verdict.AFFECTED),
        (imported(("introduced", "0"), ("last_affected", "24.2.1.1")), Verdict.NOT_AFFECTED),
        (imported(("introduced", "0")), Verdict.AFFECTED),
        (imported(versions=("24.3.1.5",)), Verdict.AFFECTED),
        (imported(versions=("24.3.1.6",)), Verdict.NOT_AFFECTED),
        (imported(), Verdict.UNKNOWN),
        (imported(("introduced", "0"), ("fixed", "soon")), Verdict.UNKNOWN),
    ],
)
def test_imported_entries_about_the_engine(one: Advisory, verdict: Verdict) -> None:
    assert match_engine(one, "24.3.1.5").verdict is verdict
