"""Entries of IP access lists as they are typed: an address or block, and after `=` what it is."""

from collections.abc import Sequence

from stronghouse.kernel.networks import parse_source


def parse_entries(texts: Sequence[str]) -> list[dict[str, str]]:
    """The API's form of `203.0.113.0/24=office`; raises Invalid for what is no address or block."""
    entries = []
    for text in texts:
        source, _, description = text.partition("=")
        parse_source(source)
        entries.append({"source": source.strip(), "description": description.strip()})
    return entries
