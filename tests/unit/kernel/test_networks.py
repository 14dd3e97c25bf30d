"""IP access lists: what an entry means, and what is refused."""

import pytest

from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.networks import contains, parse_source


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        (" 192.0.2.0/24 ", "192.0.2.0/24"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_an_entry_names_a_block(text: str, network: str) -> None:
    assert str(parse_source(text)) == network


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "192.0.2.1/24",
        "192.0.2.256",
        "1.2.3",
        "::1/129",
        "10.0.0.0/8 # office",
        "010.0.0.1",
        "fe80::1%eth0",
    ],
)
def test_what_could_mean_two_things_or_nothing_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_source(text)


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("127.0.0.3", True),
        ("::ffff:127.0.0.3", True),
        ("127.0.0.4", False),
        ("::1", True),
        ("::2", False),
        ("", False),
        ("nobody", False),
    ],
)
def test_membership(address: str, inside: bool) -> None:
    networks = [parse_source("127.0.0.0/30"), parse_source("::1")]
    assert contains(networks, address) is inside


def test_an_empty_list_holds_nobody() -> None:
    assert not contains([], "127.0.0.1")
