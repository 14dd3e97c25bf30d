"""Where a message may go, and what of a URL may be shown."""

from ipaddress import ip_network

import pytest

from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.secret import Secret
from stronghouse.notifications.addresses import may_reach, require_allowed

LOCAL = [ip_network("127.0.0.0/8")]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.7",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.251",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff02::1",
        "fec0::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2001:0:7f00:1::",
        "localhost",
        "/run/x.sock",
        "",
    ],
)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not may_reach(address, allowed=[], tls=True)


def test_public_addresses_are_reached_over_tls_only() -> None:
    for address in ("203.0.114.7", "2606:4700::1111"):
        assert may_reach(address, allowed=[], tls=True)
        assert not may_reach(address, allowed=[], tls=False)


def test_networks_of_the_operator_are_reached_and_no_others() -> None:
    assert may_reach("127.0.0.1", allowed=LOCAL, tls=False)
    assert may_reach("::ffff:127.0.0.1", allowed=LOCAL, tls=False)
    assert not may_reach("10.0.0.1", allowed=LOCAL, tls=True)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("jsons://user:hunter2@hooks.example.com/path/token?+X-Key=abc", "jsons://hooks.example.com"),
        ("mailtos://u:hunter2@example.com?to=a%40example.com", "mailtos://example.com"),
        ("slack://TokenA/TokenB/TokenC/", "slack://***"),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "discord://***"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", "tgram://***"),
        ("ntfys://a-secret-topic", "ntfys://***"),
        ("ntfys://ntfy.example.com/topic", "ntfys://ntfy.example.com"),
    ],
)
def test_only_schema_and_host_are_shown_and_no_token(url: str, shown: str) -> None:
    assert require_allowed(Secret(url)) == shown


@pytest.mark.parametrize(
    "url",
    [
        "syslog://localhost",
        "dbus://",
        "file:///etc/passwd",
        "https://example.com/marker-secret",
        "json",
        "",
        "jsons://example.com/?verify=no",
        "jsons://example.com/?redirect=yes",
        "jsons://example.com/?to=x;verify=no",
        "slack://a/b/c?%74emplate=/etc/passwd",
        "jsons://example.com/?template=/etc/passwd",
        "slack://a/b/c?template=/etc/passwd",
        "mailtos://u:marker-secret@example.com?mode=insecure",
        "mailtos://u:p@example.com?pgp=yes&pgpkey=/etc/passwd",
        "jsons://user:marker-secret/x@example.com/",
        "jsons://example.com/#x",
        "jsons://[::1/",
        "jsons://exa mple.com/",
        "jsons://example.com/\r\nX: y",
        "jsons://example.com/" + "x" * 2001,
    ],
)
def test_other_urls_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        require_allowed(Secret(url))
    assert "marker-secret" not in refused.value.public
    assert "passwd" not in refused.value.public
