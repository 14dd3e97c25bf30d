"""What callers ask for, checked: a new service and a change of one.

Whatever this version cannot bring about is refused by name: a setting that is stored and does nothing is a lie.
"""

from dataclasses import dataclass

from stronghouse.access.model import Source
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.networks import parse_source

MAX_NAME = 50
MAX_SOURCES = 1000
MEMORY_STEP_GB = 4
MIN_MEMORY_GB, MAX_MEMORY_GB = 8, 356  # the Cloud API's own bounds
MIN_IDLE_MINUTES, MAX_IDLE_MINUTES = 5, 7 * 24 * 60


@dataclass(frozen=True)
class ServiceRequest:
    """A new service. Nobody may connect unless `ip_access` says who."""

    name: str
    provider: str | None = None
    region: str | None = None
    ip_access: tuple[Source, ...] = ()
    idle_scaling: bool = True
    idle_timeout_minutes: int = 15
    memory_gb: int = MIN_MEMORY_GB

    def check(self) -> None:
        """Raise Invalid with the first thing that is wrong."""
        check_name(self.name)
        check_sources(self.ip_access)
        check_idle_timeout(self.idle_timeout_minutes)
        check_memory(self.memory_gb)


@dataclass(frozen=True)
class ServiceChange:
    """A change of a service; None and empty leave things as they are. Removals come before additions.

    Attributes:
        expected_version: of the IP access list that the change was made for (`access_preview.list_version`).
    """

    name: str | None = None
    add_ip_access: tuple[Source, ...] = ()
    remove_ip_access: tuple[str, ...] = ()
    expected_version: str | None = None


def check_idle_timeout(minutes: int) -> None:
    """Raise Invalid unless a service may sleep after so many minutes."""
    if not MIN_IDLE_MINUTES <= minutes <= MAX_IDLE_MINUTES:
        raise Invalid(f"idleTimeoutMinutes is {MIN_IDLE_MINUTES} to {MAX_IDLE_MINUTES}.", code="idle_timeout_invalid")


def check_memory(memory_gb: int) -> None:
    """Raise Invalid unless this is a memory limit that a service may have."""
    if not MIN_MEMORY_GB <= memory_gb <= MAX_MEMORY_GB or memory_gb % MEMORY_STEP_GB:
        raise Invalid(
            f"Replica memory is {MIN_MEMORY_GB} to {MAX_MEMORY_GB} GB in steps of {MEMORY_STEP_GB}.",
            code="memory_invalid",
        )


def check_name(name: str) -> None:
    """Raise Invalid unless `name` is 1 to 50 printable characters."""
    if not 1 <= len(name.strip()) <= MAX_NAME or not name.isprintable():
        raise Invalid(f"A service's name has 1 to {MAX_NAME} printable characters.", code="name_invalid")


def check_sources(sources: tuple[Source, ...]) -> None:
    """Raise Invalid unless each entry names an address or block, and there are not too many."""
    if len(sources) > MAX_SOURCES:
        raise Invalid(f"An IP access list has at most {MAX_SOURCES} entries.", code="ip_access_too_long")
    for entry in sources:
        parse_source(entry.source)
        if len(entry.description) > 256:  # noqa: PLR2004 - the limit stands in the sentence
            raise Invalid("A description in an IP access list has at most 256 characters.", code="ip_access_invalid")


def changed_sources(
    current: tuple[Source, ...], *, add: tuple[Source, ...], remove: tuple[str, ...]
) -> tuple[Source, ...]:
    """The list after a patch: removals first, by source, then additions; a known source gets its new description.

    Order is kept and entries that say the same block twice become one. Removing what is not there is no error.
    """
    gone = {normal_source(source) for source in remove}
    result = {normal_source(entry.source): entry for entry in current if normal_source(entry.source) not in gone}
    for entry in add:
        result[normal_source(entry.source)] = entry
    return tuple(result.values())


def normal_source(source: str) -> str:
    """The block that an entry names, in its one spelling; text that names none stays as it is."""
    try:
        return str(parse_source(source))
    except Invalid:
        return source.strip()
