"""What a changed IP access list would do, and the list as text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.access.model import Source
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.networks import contains, parse_source
from stronghouse.services.access_preview import (
    AllowedAddresses,
    NewDescription,
    Preview,
    format_lines,
    list_version,
    parse_lines,
    preview,
)
from stronghouse.services.connections import ConnectedClient

OFFICE, HOME, V6 = Source("203.0.113.0/24", "office"), Source("198.51.100.7", "home"), Source("2001:db8::/32", "lab")
NETWORKS = st.one_of(st.ip_addresses(v=4).map(lambda a: (a, 32)), st.ip_addresses(v=6).map(lambda a: (a, 128))).flatmap(
    lambda pair: st.integers(0, pair[1]).map(lambda prefix: _block(f"{pair[0]}/{prefix}"))
)


def _block(text: str) -> str:
    from ipaddress import ip_network

    return str(parse_source(str(ip_network(text, strict=False))))


def compare(
    current: tuple[Source, ...],
    wanted: tuple[Source, ...],
    *,
    own_address: str | None = None,
    connected: list[ConnectedClient] | None = None,
) -> Preview:
    return preview(current, wanted, own_address=own_address, connected=connected)


def test_each_entry_is_added_removed_described_anew_or_kept() -> None:
    described = Source("203.0.113.0/24", "office, Vienna")
    effect = compare((OFFICE, HOME, V6), (V6, described, Source("192.0.2.1")))
    assert effect.added == (Source("192.0.2.1"),)
    assert effect.removed == (HOME,)
    assert effect.changed == (NewDescription("203.0.113.0/24", "office", "office, Vienna"),)
    assert effect.kept == (V6,)
    assert effect.changes_anything


def test_order_and_spelling_of_entries_mean_nothing() -> None:
    effect = compare((HOME, V6), (V6, Source("::ffff:198.51.100.7", "home")))
    assert not effect.changes_anything
    assert list_version((HOME, V6)) == list_version((V6, Source("198.51.100.7/32", "home")))


def test_version_tells_lists_apart_by_block_and_by_description() -> None:
    lists: list[tuple[Source, ...]] = [(), (OFFICE,), (OFFICE, HOME), (Source(OFFICE.source, "x"),)]
    assert len({list_version(one) for one in lists}) == len(lists)
    assert compare((OFFICE,), ()).version == list_version((OFFICE,))


def test_only_who_is_allowed_now_can_be_cut_off() -> None:
    connected = [ConnectedClient("203.0.113.9", 3), ConnectedClient("192.0.2.1", 2), ConnectedClient("198.51.100.7", 1)]
    effect = compare((OFFICE, HOME), (HOME,), connected=connected)
    assert effect.cuts_off == (ConnectedClient("203.0.113.9", 3),)


def test_whether_anybody_is_cut_off_is_not_claimed_when_nobody_could_tell() -> None:
    assert not compare((OFFICE,), ()).connected_known
    assert compare((OFFICE,), (), connected=[]).connected_known


@pytest.mark.parametrize(
    ("own_address", "locked_out"),
    [("203.0.113.9", True), ("::ffff:203.0.113.9", True), ("198.51.100.7", False), ("192.0.2.1", False), (None, False)],
)
def test_only_an_address_that_loses_its_access_is_locked_out(own_address: str | None, *, locked_out: bool) -> None:
    assert compare((OFFICE, HOME), (HOME,), own_address=own_address).locks_out_self is locked_out


def test_an_address_that_another_entry_still_holds_is_not_locked_out() -> None:
    effect = compare((OFFICE,), (Source("203.0.112.0/23"),), own_address="203.0.113.9")
    assert not effect.locks_out_self


@pytest.mark.parametrize(
    ("wanted", "wide"),
    [
        (["0.0.0.0/0"], ("0.0.0.0/0",)),
        (["::/0", "10.0.0.0/8", "2001::/16"], ("::/0",)),
        (["10.0.0.0/7", "2000::/15"], ("10.0.0.0/7", "2000::/15")),
        (["0.0.0.0/1", "128.0.0.0/1"], ("0.0.0.0/0",)),
        ([f"{first}.0.0.0/8" for first in range(256)], ("0.0.0.0/0",)),
        (["127.0.0.0/8", "2001:db8::/32"], ()),
    ],
)
def test_blocks_that_are_as_good_as_everyone_are_named(wanted: list[str], wide: tuple[str, ...]) -> None:
    assert compare((), tuple(Source(one) for one in wanted)).opens_to_everyone == wide


def test_an_empty_list_is_closed_and_one_with_an_entry_is_not() -> None:
    assert compare((OFFICE,), ()).closed
    assert not compare((), (OFFICE,)).closed


def test_a_wanted_entry_that_is_no_block_is_refused() -> None:
    with pytest.raises(Invalid):
        compare((), (Source("office"),))


def test_a_thousand_entries_and_addresses_are_compared_in_time() -> None:
    current = tuple(Source(f"10.{number // 250}.{number % 250}.0/24") for number in range(1000))
    connected = [ConnectedClient(f"10.{number // 250}.{number % 250}.7", 1) for number in range(1000)]
    began = time.process_time()
    effect = compare(current, current[:500], connected=connected)
    assert len(effect.cuts_off) == 500
    assert time.process_time() - began < 0.3


@given(st.lists(NETWORKS, max_size=8), st.ip_addresses())
def test_a_prepared_list_lets_in_just_what_its_blocks_hold(blocks: list[str], address: object) -> None:
    prepared = AllowedAddresses(tuple(Source(block) for block in blocks))
    assert prepared.holds(str(address)) is contains([parse_source(block) for block in blocks], str(address))


def test_text_that_is_no_address_is_let_in_by_no_list() -> None:
    assert not AllowedAddresses((Source("0.0.0.0/0"), Source("::/0"))).holds("office")


def test_lines_are_entries_with_what_they_are() -> None:
    text = "203.0.113.0/24 office, Vienna\r\n\r\n  ::1\t  this\tmachine \r\n10.0.0.1"
    expected = (Source("203.0.113.0/24", "office, Vienna"), Source("::1", "this machine"), Source("10.0.0.1"))
    assert parse_lines(text) == expected


def test_of_two_lines_that_name_the_same_block_the_last_counts() -> None:
    assert parse_lines("10.0.0.1 a\n::1\n10.0.0.1/32 b\n") == (Source("10.0.0.1/32", "b"), Source("::1"))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("10.0.0.7/8 net", r"^Line 3: .*Write 10\.0\.0\.0/8 for the whole block, or 10\.0\.0\.7 alone\."),
        ("2001:db8::7/32", r"^Line 3: .*Write 2001:db8::/32 .* or 2001:db8::7 alone\."),
        ("# the office", "^Line 3: '#' is not an IP address"),
        ("office 10.0.0.1", "^Line 3: 'office' is not an IP address"),
        ("10.0.0.1,", "^Line 3: '10.0.0.1,' is not an IP address"),
        ("fe80::1%eth0", "^Line 3: 'fe80::1%eth0' has a zone"),
        (f"10.0.0.1 {'x' * 257}", "^Line 3: A description .* at most 256"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        parse_lines(f"::1\n\n{line}\n")


def test_more_lines_than_a_list_may_have_are_refused() -> None:
    lines = [f"10.0.{number // 250}.{number % 250}" for number in range(1001)]
    assert len(parse_lines("\n".join(lines[:1000]))) == 1000
    with pytest.raises(Invalid, match="at most 1000"):
        parse_lines("\n".join(lines))


@given(st.lists(st.tuples(NETWORKS, st.lists(st.text(st.characters(exclude_categories=("C", "Z"))))), max_size=6))
def test_formatting_is_the_inverse_of_parsing(entries: list[tuple[str, list[str]]]) -> None:
    found = {block: Source(block, " ".join(word for word in words if word)[:256].strip()) for block, words in entries}
    assert parse_lines(format_lines(tuple(found.values()))) == tuple(found.values())


@given(st.text(max_size=200))
def test_no_description_can_pose_as_a_line_of_its_own(description: str) -> None:
    (read,) = parse_lines(format_lines((Source("10.0.0.1", f"{description}\n0.0.0.0/0 {description}"),)))
    assert read.source == "10.0.0.1"
