"""IP access lists: addresses and CIDR blocks as people write them, checked once at the border."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from stronghouse.kernel.errors import Invalid

IPNetwork = IPv4Network | IPv6Network
MAPPED_BITS = 96  # RFC 4291 section 2.5.5.2: ::ffff:0:0/96 holds the IPv4 addresses


def parse_source(text: str) -> IPNetwork:
    """The block that an access-list entry names: an address or a CIDR block, IPv4 or IPv6.

    An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) names the IPv4 address, since that is what connects.

    Raises:
        Invalid: neither, or a block with host bits set (which of two readings was meant cannot be known).
    """
    if "%" in text:
        raise Invalid(f"{text[:64]!r} has a zone; an IP access list takes addresses without one.")
    try:
        network = ip_network(text.strip(), strict=True)
    except ValueError:
        raise Invalid(
            f"{text[:64]!r} is not an IP address or CIDR block, as in 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32."
        ) from None
    if isinstance(network, IPv6Network) and network.prefixlen >= MAPPED_BITS and network.network_address.ipv4_mapped:
        return IPv4Network((network.network_address.ipv4_mapped, network.prefixlen - MAPPED_BITS))
    return network


def contains(networks: list[IPNetwork] | tuple[IPNetwork, ...], address: str) -> bool:
    """Whether one of `networks` holds `address`; an empty list holds nothing. False for text that is no address."""
    try:
        candidate = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(candidate, "ipv4_mapped", None)
    candidate = mapped or candidate
    return any(candidate.version == network.version and candidate in network for network in networks)
