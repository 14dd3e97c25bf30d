"""A version is affected just when OSV's words say so, whatever order, spelling or nonsense they come in."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from stronghouse.vulnerabilities.matching import matches, normal_name
from stronghouse.vulnerabilities.model import Advisory, Boundary, Ecosystem, Event, Verdict

NUMBERS = [f"{major}.{minor}{rest}" for major in (0, 1, 2) for minor in (0, 1, 10) for rest in ("rc1", "", ".post1")]
ORDERED = sorted(NUMBERS, key=Version)


def advisory(*ranges: list[tuple[str, str]], **changed: object) -> Advisory:
    made = tuple(tuple(Event(Boundary(edge), version) for edge, version in events) for events in ranges)
    fields = {"id": "A-1", "ecosystem": Ecosystem.PYPI, "package": "widget", "ranges": made, **changed}
    return Advisory(**fields)  # type: ignore[arg-type]


def verdict(one: Advisory, version: str) -> Verdict:
    found = matches([one], version)
    return found[0].verdict if found else Verdict.NOT_AFFECTED


@given(
    bounds=st.lists(st.sampled_from(range(len(ORDERED))), unique=True, min_size=1, max_size=6).map(sorted),
    closing=st.lists(st.sampled_from(["fixed", "last_affected"]), min_size=3, max_size=3),
    from_start=st.booleans(),
    shuffle=st.randoms(use_true_random=False),
)
def test_ranges_agree_with_counting_through_all_versions(bounds, closing, from_start, shuffle) -> None:  # type: ignore[no-untyped-def]
    events: list[tuple[str, str]] = []
    spans: list[range] = []
    for (start, end), how in zip(itertools.zip_longest(bounds[::2], bounds[1::2]), closing, strict=False):
        first = "0" if from_start and not spans else ORDERED[start]
        events.append(("introduced", first))
        low = 0 if first == "0" else start
        if end is None:
            spans.append(range(low, len(ORDERED)))
        else:
            events.append((how, ORDERED[end]))
            spans.append(range(low, end if how == "fixed" else end + 1))
    shuffle.shuffle(events)
    for place, version in enumerate(ORDERED):
        expected = any(place in span for span in spans)
        assert (verdict(advisory(events), version) is Verdict.AFFECTED) == expected, (events, version)


@given(limit=st.sampled_from(ORDERED), version=st.sampled_from(ORDERED))
def test_limit_ends_what_a_range_speaks_of(limit: str, version: str) -> None:
    one = advisory([("introduced", "0"), ("limit", limit)])
    assert (verdict(one, version) is Verdict.AFFECTED) == (Version(version) < Version(limit))
    assert verdict(advisory([("introduced", "0"), ("limit", "*")]), version) is Verdict.AFFECTED


@given(text=st.text(max_size=12), bound=st.text(max_size=12))
def test_no_text_makes_it_fail(text: str, bound: str) -> None:
    assert verdict(advisory([("introduced", "0"), ("fixed", bound)]), text) in set(Verdict)


@pytest.mark.parametrize(
    ("listed", "version"),
    [("1.0", "1"), ("1.0.0", "1.0"), ("1.0", "1.0+cpu"), ("1.0RC1", "1.0rc1"), ("odd-1", "odd-1")],
)
def test_listed_versions_are_found_in_any_spelling(listed: str, version: str) -> None:
    assert verdict(advisory(versions=(listed,)), version) is Verdict.AFFECTED
    assert verdict(advisory(versions=(listed,)), "3.0") is Verdict.NOT_AFFECTED


@pytest.mark.parametrize(
    ("one", "version"),
    [
        (advisory([("introduced", "0"), ("fixed", "2004d")]), "1.0"),
        (advisory([("introduced", "0"), ("fixed", "2.0")]), "not-a-version"),
        (advisory(), "1.0"),
    ],
)
def test_what_cannot_be_compared_is_unknown_and_never_clean(one: Advisory, version: str) -> None:
    assert verdict(one, version) is Verdict.UNKNOWN


def test_withdrawn_advisory_says_nothing() -> None:
    from tests.support.control_plane import NOW

    assert verdict(advisory([("introduced", "0")], withdrawn_at=NOW), "1.0") is Verdict.NOT_AFFECTED


def test_fix_is_the_nearest_above() -> None:
    one = advisory([("introduced", "0"), ("fixed", "1.1")], [("introduced", "2.0"), ("fixed", "2.10")])
    assert matches([one], "2.9")[0].fixed == ("2.10",)
    assert matches([one], "1.0")[0].fixed == ("1.1", "2.10")


def test_names_have_one_spelling() -> None:
    assert {normal_name("PyPI", name) for name in ("Zope.Interface", "zope_interface", "zope--interface")} == {
        "zope-interface"
    }
    assert normal_name("Bitnami", "Envoy") == "envoy"


def test_local_build_of_the_last_affected_version_is_affected() -> None:
    one = advisory([("introduced", "0"), ("last_affected", "1.2.3")])
    assert verdict(one, "1.2.3+local.1") is Verdict.AFFECTED
    assert verdict(one, "1.2.4+local.1") is Verdict.NOT_AFFECTED
