"""Canonical JSON: one byte string for one value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.kernel.canonical import canonical_json, parse_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@given(VALUES)
def test_it_reads_back_and_its_form_does_not_depend_on_the_order_of_keys(value: object) -> None:
    text = canonical_json(value)  # type: ignore[arg-type]
    assert parse_json(text) == value
    assert canonical_json(parse_json(text)) == text
    if isinstance(value, dict):
        assert canonical_json(dict(reversed(value.items()))) == text


def test_keys_sort_by_utf16_as_rfc_8785_section_3_2_3_shows() -> None:
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    expected = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    parsed = parse_json(canonical_json(dict.fromkeys(keys, 1)))
    assert isinstance(parsed, dict)
    assert list(parsed) == expected


@pytest.mark.parametrize("value", [1.0, float("nan"), 2**53, [{"a": -(2**53)}]])
def test_what_has_no_single_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="canonical form"):
        canonical_json(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', "NaN", "[Infinity]", "{", "1 2"])
def test_ambiguous_or_broken_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text)
