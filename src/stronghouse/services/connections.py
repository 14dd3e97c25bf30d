"""Who is connected to a service now, by the word of its region.

Invariant: what a region answers is checked like any input from outside; what cannot be understood is no answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv6Address, ip_address

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import parse_rfc3339
from stronghouse.kernel.errors import TooMany, Unavailable
from stronghouse.services.model import Service
from stronghouse.services.ports import Jobs

KIND = "connections"
ANSWER_SECONDS = 3.0
MAX_ADDRESSES = 1000
MAX_CONNECTIONS = 1_000_000
MAX_REASON = 200


@dataclass(frozen=True)
class ConnectedClient:
    """An address and how many connections it has open."""

    address: str
    connections: int


@dataclass(frozen=True)
class Connections:
    """Who was connected at a moment: those that the access list refuses too, since only requests are refused.

    Attributes:
        taken_at: by the clock of the region.
        entries: most connections first.
        complete: False when there were more addresses than are named.
    """

    taken_at: datetime
    entries: tuple[ConnectedClient, ...]
    complete: bool


def find_connections(jobs: Jobs, service: Service) -> Connections:
    """Ask the region of a service who is connected to it.

    Raises:
        Unavailable: it does not answer within three seconds, cannot tell, or what it answers makes no sense.
    """
    try:
        answer = jobs.call(service.region, KIND, {"service_id": service.id}, timeout=ANSWER_SECONDS)
    except (Unavailable, TooMany) as error:
        reason = _printable(error.public)
        raise Unavailable(f"Who is connected is not known. {reason}", code=error.code, detail=error.detail) from None
    try:
        return _checked(answer)
    except (ValueError, OverflowError) as error:  # the latter from a time at the edge of the calendar
        raise Unavailable(
            f"Who is connected is not known. Region {service.region} gave an answer that cannot be understood.",
            code="region_answer_malformed",
            detail=str(error)[:MAX_REASON],
        ) from None


def _checked(answer: Json) -> Connections:
    if not isinstance(answer, dict):
        raise ValueError("not an object")  # noqa: TRY004 - one error type
    taken_at, listed, complete = (answer.get(name) for name in ("taken_at", "connections", "complete"))
    if not isinstance(taken_at, str) or not isinstance(listed, list) or not isinstance(complete, bool):
        raise ValueError("a field is missing or of another type")  # noqa: TRY004
    if len(listed) > MAX_ADDRESSES:
        raise ValueError("more addresses than were asked for")
    found = dict(_entries(listed))
    if len(found) != len(listed):
        raise ValueError("an address stands there twice")
    entries = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return Connections(parse_rfc3339(taken_at), tuple(ConnectedClient(*pair) for pair in entries), complete)


def _entries(listed: list[Json]) -> Iterator[tuple[str, int]]:
    for entry in listed:
        fields = entry if isinstance(entry, dict) else {}
        address, count = fields.get("address"), fields.get("connections")
        if not isinstance(address, str) or not isinstance(count, int) or isinstance(count, bool):
            raise ValueError("an entry without address or number")  # noqa: TRY004
        if not 1 <= count <= MAX_CONNECTIONS:
            raise ValueError("a number of connections out of range")
        yield _address(address), count


def _address(text: str) -> str:
    """The one spelling of an address; raises ValueError, also for one with a zone, which could be any text."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise ValueError("an address with a zone")
        return str(address.ipv4_mapped or address)
    return str(address)


def _printable(sentence: str) -> str:
    """A sentence that may be the region's own words: bounded, and nothing in it that could steer a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in sentence)[
        :MAX_REASON
    ]
