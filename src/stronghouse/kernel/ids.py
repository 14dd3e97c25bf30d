"""Identifiers as types, so that a service's id cannot be passed where an organization's is meant."""

import uuid
from typing import NewType

from stronghouse.kernel.errors import NotFound

OrganizationId = NewType("OrganizationId", str)
UserId = NewType("UserId", str)
KeyId = NewType("KeyId", str)
ServiceId = NewType("ServiceId", str)
RegionId = NewType("RegionId", str)
AgentId = NewType("AgentId", str)


def new_id() -> str:
    """A random UUID (RFC 9562 version 4) in its canonical text form."""
    return str(uuid.uuid4())


def parse_uuid(text: str) -> str:
    """The canonical form of a UUID that came from outside, in either case of letters.

    Raises:
        NotFound: it is no UUID, or is spelled another way (without dashes, in braces, as a URN): one thing has one id.
    """
    try:
        canonical = str(uuid.UUID(text))
    except ValueError:
        canonical = ""
    if canonical != text.lower():
        raise NotFound("There is nothing with this id.", detail=f"malformed id {text[:64]!r}")
    return canonical
