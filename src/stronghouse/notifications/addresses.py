"""Which URLs a channel may have, how they are shown, and to which network addresses a message may go."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import parse_qsl, urlsplit

from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.networks import IPNetwork, contains
from stronghouse.kernel.secret import Secret

PLAIN = frozenset({"json", "mailto", "mmost", "ntfy", "gotify", "matrix", "rocket"})
"""Schemas without TLS: they reach only networks that the operator allowed."""
NAMES_HOST = PLAIN | {"jsons", "mailtos", "mmosts", "ntfys", "gotifys", "matrixs", "rockets", "workflows"}
"""Schemas whose URL has a host; in the others that part is a token."""
ALLOWED = NAMES_HOST | {"slack", "msteams", "discord", "tgram", "pagerduty", "opsgenie"}
PARAMETERS = frozenset(
    {"to", "from", "name", "user", "pass", "smtp", "cc", "bcc", "reply", "mode", "priority", "tags", "channel"}
    | {"region", "version", "token", "method"}
)
"""What may follow `?`. Among apprise's others are some that read files, load templates or switch verification off."""
HIDDEN = "***"
MAX_URL = 2000
_TOPIC_AS_HOST = frozenset({"ntfy", "ntfys", "matrix", "matrixs"})
_NAT64 = IPv6Network("64:ff9b::/96")
_NEVER = (IPv6Network("64:ff9b:1::/48"), IPv6Network("fec0::/10"), IPv6Network("::/96"))
Address = IPv4Address | IPv6Address


def require_allowed(url: Secret) -> str:
    """Check a channel's URL and give what may be shown of it: schema and host.

    Raises:
        Invalid: no schema that is allowed, or parts that are not. The sentence holds nothing of the URL but its schema.
    """
    text = url.reveal()
    if len(text) > MAX_URL or not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise Invalid("A channel's URL has at most 2000 printable ASCII characters and no blanks.", code="url_invalid")
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        raise Invalid("This is not a URL that apprise understands.", code="url_invalid") from None
    schema = parts.scheme.lower()
    if schema not in ALLOWED:
        raise Invalid(f"A channel's URL begins with one of: {', '.join(sorted(ALLOWED))}.", code="schema_refused")
    if "@" in parts.path or parts.fragment or ";" in text:  # apprise takes ; for & and would see other parameters
        raise Invalid("Write an @, # or ; within the URL as %40, %23 or %3B.", code="url_invalid")
    for name, value in parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True):
        if not (name.lower() in PARAMETERS or (name.startswith("+") and schema in {"json", "jsons"})):
            raise Invalid(f"After the ? only these may be set: {', '.join(sorted(PARAMETERS))}.", code="url_invalid")
        if name.lower() == "mode" and "insecure" in value.lower():
            raise Invalid("A mail channel uses TLS: leave mode=insecure out.", code="url_invalid")
    hidden = schema not in NAMES_HOST or (schema in _TOPIC_AS_HOST and not parts.path.strip("/")) or not host
    return f"{schema}://{HIDDEN if hidden else host}"


def uses_tls(url: Secret) -> bool:
    """Whether the URL's schema always encrypts."""
    return url.reveal().partition(":")[0].lower() not in PLAIN


def may_reach(address: str, *, allowed: Sequence[IPNetwork], tls: bool) -> bool:
    """Whether a message may go to this IP address: a public one over TLS, or one in a network the operator allowed.

    Loopback, link-local (with the clouds' metadata services), private, multicast and reserved addresses are not public,
    nor are IPv6 addresses that carry such an IPv4 address. Text that is no address is refused.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if contains(list(allowed), str(found)):
        return True
    return tls and all(_is_public(one) for one in _carried(found))


def _carried(address: Address) -> Iterator[Address]:
    yield address
    if isinstance(address, IPv6Address):
        yield from (one for one in (address.ipv4_mapped, address.sixtofour) if one is not None)
        yield from address.teredo or ()
        if address in _NAT64:
            yield IPv4Address(int(address) & 0xFFFFFFFF)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and any(address in network for network in _NEVER):
        return False
    # `is_global` alone says True of multicast, and of addresses that carry another one (house-style.md section 4, 5).
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
