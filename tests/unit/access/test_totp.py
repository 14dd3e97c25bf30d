"""Codes of authenticator apps."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from stronghouse.access.factors import totp
from stronghouse.access.factors.apps import plain_code

SECRET = b"12345678901234567890"
# RFC 6238 appendix B, SHA-1, of whose eight digits a six-digit app shows the last six.
VECTORS = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "digits"), VECTORS.items())
def test_codes_are_those_of_the_standard(seconds: int, digits: str) -> None:
    assert totp.matching_step(SECRET, digits[-6:], now=at(seconds)) == seconds // 30


@pytest.mark.parametrize(("steps", "holds"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(steps: int, holds: bool) -> None:
    now = at(1234567890) - timedelta(seconds=30 * steps)
    found = totp.matching_step(SECRET, VECTORS[1234567890][-6:], now=now)
    assert found == (1234567890 // 30 if holds else None)


def test_what_the_app_is_told() -> None:
    address = urlsplit(totp.address(SECRET, account="ada@example.com"))
    query = parse_qs(address.query)
    assert (address.scheme, address.netloc, address.path) == ("otpauth", "totp", "/Stronghouse:ada%40example.com")
    assert (query["secret"], query["issuer"], query["digits"], query["period"]) == (
        [totp.shown(SECRET)],
        ["Stronghouse"],
        ["6"],
        ["30"],
    )
    assert len(totp.new_secret()) * 8 >= 160
    assert totp.new_secret() != totp.new_secret()


@pytest.mark.parametrize(
    ("text", "code"),
    [("123456", "123456"), (" 123 456\n", "123456"), ("12345", None), ("1234567", None), ("١٢٣٤٥٦", None)],
)
def test_a_code_has_six_digits(text: str, code: str | None) -> None:
    assert plain_code(text) == code
