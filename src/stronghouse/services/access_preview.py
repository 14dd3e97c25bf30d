"""What a changed IP access list would do, told before it is done; and the list as text that people edit.

Invariants: the order of entries means nothing; two entries that name the same block are one, whichever way they are
written; what `format_lines` gives, `parse_lines` reads as the same list.
"""

import hashlib
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network

from stronghouse.access.model import Source
from stronghouse.kernel.canonical import Json, canonical_json
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.networks import IPNetwork, parse_source
from stronghouse.services.connections import ConnectedClient
from stronghouse.services.requests import MAX_SOURCES, changed_sources, check_sources, normal_source

LOOPBACK = ("127.0.0.0/8", "::1")
WIDE_BELOW = {4: 8, 6: 16}
"""A block with a shorter prefix holds so much of the internet that it is as good as open to everyone."""


@dataclass(frozen=True)
class NewDescription:
    """An entry that stays and gets another description."""

    source: str
    before: str
    after: str


@dataclass(frozen=True)
class Preview:
    """A change of an IP access list before it is made.

    Attributes:
        changed: entries of which only the description changes.
        cuts_off: who is connected and allowed now, and would not be any more.
        connected_known: False when nobody could tell who is connected, so that `cuts_off` says nothing.
        locks_out_self: whether the asking address is allowed now and would not be.
        opens_to_everyone: the blocks of the new list, taken together, that are as good as everyone.
        closed: whether nobody could connect any more.
        version: of the list that the change starts from.
    """

    added: tuple[Source, ...]
    removed: tuple[Source, ...]
    changed: tuple[NewDescription, ...]
    kept: tuple[Source, ...]
    cuts_off: tuple[ConnectedClient, ...]
    connected_known: bool
    locks_out_self: bool
    opens_to_everyone: tuple[str, ...]
    closed: bool
    version: str

    @property
    def changes_anything(self) -> bool:
        """Whether the new list differs from the one that there is."""
        return bool(self.added or self.removed or self.changed)


def preview(
    current: tuple[Source, ...],
    wanted: tuple[Source, ...],
    *,
    own_address: str | None,
    connected: Sequence[ConnectedClient] | None,
) -> Preview:
    """Compare the list that there is with the one that is wanted.

    `own_address` is where the asking person comes from, so that they do not shut themselves out; `connected` is who is
    connected now, None when that is not known.

    Raises:
        Invalid: an entry of `wanted` is no address or block, or there are too many.
    """
    check_sources(wanted)
    before, after = _by_block(current), _by_block(wanted)
    allowed, allowed_then = AllowedAddresses(current), AllowedAddresses(wanted)

    def loses(address: str) -> bool:
        return allowed.holds(address) and not allowed_then.holds(address)

    return Preview(
        added=tuple(entry for block, entry in after.items() if block not in before),
        removed=tuple(entry for block, entry in before.items() if block not in after),
        changed=tuple(
            NewDescription(entry.source, before[block].description, entry.description)
            for block, entry in after.items()
            if block in before and before[block].description != entry.description
        ),
        kept=tuple(
            before[block]
            for block, entry in after.items()
            if block in before and before[block].description == entry.description
        ),
        cuts_off=tuple(client for client in connected or () if loses(client.address)),
        connected_known=connected is not None,
        locks_out_self=own_address is not None and loses(own_address),
        opens_to_everyone=allowed_then.wide_blocks(),
        closed=not wanted,
        version=list_version(current),
    )


def list_version(sources: tuple[Source, ...]) -> str:
    """A name for what a list says: the SHA-256 of its canonical form, the same however it is ordered and written."""
    entries: list[Json] = [[block, entry.description] for block, entry in sorted(_by_block(sources).items())]
    return hashlib.sha256(canonical_json(entries)).hexdigest()


def sources_of(address: str, description: str) -> tuple[Source, ...]:
    """The entries that let in whoever comes from `address`.

    A machine has two loopback addresses, and its browser need not use the one that its programs use: both are let in.
    """
    own = ip_address(address)
    blocks = LOOPBACK if (getattr(own, "ipv4_mapped", None) or own).is_loopback else (address,)
    return tuple(Source(block, description) for block in blocks)


def with_own(listed: tuple[Source, ...], address: str | None, description: str) -> tuple[Source, ...]:
    """A list that lets in `address` too; as it is if it does so already."""
    if address is None:
        return listed
    allowed = AllowedAddresses(listed)
    return (*listed, *(one for one in sources_of(address, description) if not allowed.holds(one.source.split("/")[0])))


def parse_lines(text: str) -> tuple[Source, ...]:
    """A list as it is typed: an address or block a line, after a blank what it is. Empty lines say nothing.

    Of entries that name the same block the last one counts.

    Raises:
        Invalid: a line does not begin with an address or block, or a description is too long; the sentence names the
            line.
    """
    entries: list[Source] = []
    for number, line in enumerate(text.splitlines(), start=1):
        source, _, description = _one_line(line).partition(" ")
        if not source:
            continue
        if len(entries) == MAX_SOURCES:
            raise Invalid(f"An IP access list has at most {MAX_SOURCES} entries.", code="ip_access_too_long")
        entries.append(Source(source, description))
        _check_line(number, entries[-1])
    return changed_sources((), add=tuple(entries), remove=())


def format_lines(sources: tuple[Source, ...]) -> str:
    """A list as `parse_lines` reads it: no description can pose as a line of its own."""
    return "".join(f"{entry.source} {_one_line(entry.description)}".rstrip() + "\n" for entry in sources)


class AllowedAddresses:
    """The addresses that a list lets in, made ready for many questions."""

    def __init__(self, sources: tuple[Source, ...]) -> None:
        networks = [parse_source(entry.source) for entry in sources]
        four = collapse_addresses(network for network in networks if isinstance(network, IPv4Network))
        six = collapse_addresses(network for network in networks if isinstance(network, IPv6Network))
        self._blocks: list[IPNetwork] = [*four, *six]  # disjoint and in order
        self._starts = [(block.version, int(block.network_address)) for block in self._blocks]

    def holds(self, address: str) -> bool:
        """Whether the list lets in this address; False for text that is none."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        at = bisect_right(self._starts, (found.version, int(found))) - 1
        return at >= 0 and found in self._blocks[at]

    def wide_blocks(self) -> tuple[str, ...]:
        """The blocks that are as good as everyone, neighbours taken together."""
        return tuple(str(block) for block in self._blocks if block.prefixlen < WIDE_BELOW[block.version])


def _by_block(sources: tuple[Source, ...]) -> dict[str, Source]:
    return {normal_source(entry.source): entry for entry in sources}


def _check_line(number: int, entry: Source) -> None:
    try:
        check_sources((entry,))
    except Invalid as error:
        sentence = _likely_block(entry.source) or error.public
        raise Invalid(f"Line {number}: {sentence}", code="ip_access_invalid") from None


def _likely_block(source: str) -> str | None:
    """What was probably meant by a block with bits beyond its prefix; None for anything else."""
    address = source.partition("/")[0]
    try:
        block = ip_network(source, strict=False)
    except ValueError:
        return None
    if str(block.network_address) == str(ip_address(address)) or "%" in source:
        return None
    return f"{source[:64]} names an address inside a block. Write {block} for the whole block, or {address} alone."


def _one_line(text: str) -> str:
    """Text without line breaks and control characters, its words one blank apart."""
    return " ".join(
        "".join(" " if unicodedata.category(character) == "Cc" else character for character in text).split()
    )
