"""The filters of the audit log's pages: their names in an address, what they ask for, and what there is to choose."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from stronghouse.audit import query as audit
from stronghouse.audit.event import Outcome
from stronghouse.audit.export import Format
from stronghouse.audit.filters import AuditQuery, query_from
from stronghouse.kernel.canonical import MAX_EXACT_INTEGER
from stronghouse.kernel.errors import Invalid, StronghouseError
from stronghouse.services import store as services
from stronghouse.services.events import ServiceDestroyed

PAGE = "/audit"
NAMES = {"service": "serviceId", "q": "text"}
"""Filters that have another name in the API, where the log's query gets its names from."""
OPTIONS = {"q": "text"}
"""Filters that have another name on the command line."""
LABELS = {
    "q": "Text",
    "code": "What",
    "actor": "Who",
    "service": "Service",
    "outcome": "Outcome",
    "address": "Address",
    "since": "Since",
    "until": "Until",
}
BLAMED = {
    "code_invalid": "code",
    "service_id_invalid": "service",
    "actor_invalid": "actor",
    "outcome_invalid": "outcome",
    "address_invalid": "address",
    "text_too_long": "q",
}
"""Which field of the form an error is about."""
LISTED = 200
"""So many services, and so many who acted, are in a menu."""
GONE = 50
CHIP = 40
Text = Annotated[str, Field(max_length=256)]
Index = Annotated[int, Field(ge=0, le=MAX_EXACT_INTEGER)]
Pairs = list[tuple[str, str]]


class Filters(BaseModel):
    """What an address asks for. A filter that is misspelt would show more than was asked for, so it is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    q: Text = ""
    code: Text = ""
    actor: Text = ""
    service: Text = ""
    outcome: Text = ""
    address: Text = ""
    since: Text = ""
    until: Text = ""

    @property
    def given(self) -> dict[str, str]:
        """The filters that ask for something, as they are written in an address."""
        return {name: text for name in LABELS if (text := getattr(self, name))}

    def query(self, organization_id: str) -> AuditQuery:
        """What they ask of an organization's log; raises Invalid for a filter that is not written as it should be."""
        return query_from(organization_id, self.parameters)

    @property
    def parameters(self) -> dict[str, str]:
        """The same filters as the API names them."""
        return {NAMES.get(name, name): text for name, text in self.given.items()}

    @property
    def options(self) -> list[str]:
        """The same filters as `stronghouse audit list` takes them."""
        return [word for name, text in self.given.items() for word in (f"--{OPTIONS.get(name, name)}", text)]

    def at(self, path: str = PAGE, *, but: str = "", **others: str | int | None) -> str:
        """The address of a page with these filters, except the one called `but`, and with `others`."""
        given: dict[str, str | int] = {name: text for name, text in self.given.items() if name != but}
        given |= {name: value for name, value in others.items() if value is not None}
        return f"{path}?{urlencode(given)}" if given else path

    def at_api(self, path: str = "", **others: str | int | None) -> str:
        """The API's call with these filters, below the organization."""
        given = {**self.parameters, **{name: value for name, value in others.items() if value is not None}}
        return f"/auditLog{path}?{urlencode(given)}" if given else f"/auditLog{path}"


class PageFilters(Filters):
    """One page of what they ask for."""

    before: Index | None = None
    after: Index | None = None

    @property
    def paged(self) -> bool:
        """Whether it is another page than that of the newest."""
        return self.before is not None or self.after is not None

    def query(self, organization_id: str) -> AuditQuery:
        """What they ask of an organization's log; raises Invalid for filters, or a page, that there cannot be."""
        if self.before is not None and self.after is not None:
            raise Invalid("A page ends before an event or begins after one, not both.", code="page_invalid")
        return super().query(organization_id)


class NewerFilters(Filters):
    """What came after an index."""

    after: Index = 0


class ExportFilters(Filters):
    """All of what they ask for, as a file."""

    format: Format = Format.CSV


@dataclass(frozen=True)
class Chip:
    """A filter in use, and the address of the page without it."""

    label: str
    text: str
    without: str


@dataclass(frozen=True)
class Menus:
    """What there is to choose from, as pairs of value and name; `codes` in groups, `gone` are deleted services."""

    codes: list[tuple[str, Pairs]]
    actors: Pairs
    services: Pairs
    gone: Pairs
    cut: bool  # there are more services, or more who acted, than a menu holds

    def name_of(self, field: str, value: str) -> str:
        """The name that goes with a chosen value."""
        codes = [pair for _, group in self.codes for pair in group]
        pairs = {"code": codes, "actor": self.actors, "service": [*self.services, *self.gone]}.get(field, [])
        return dict(pairs).get(value, value)


@dataclass(frozen=True)
class ServiceNames:
    """Names of services by their ids: of those that there are, and of those that were deleted last."""

    living: dict[str, str]
    gone: dict[str, str]

    def of(self, service_id: str) -> str:
        """A service's name; the beginning of its id if it was deleted long ago."""
        return self.living.get(service_id) or self.gone.get(service_id) or service_id[:8]


def service_names(connection: Connection, organization_id: str) -> ServiceNames:
    """Names of an organization's services; of the deleted ones only the log knows them."""
    deleted = AuditQuery(organization_id=organization_id, code=ServiceDestroyed.code)
    gone: dict[str, str] = {}
    for entry in audit.page(connection, deleted, limit=GONE).entries:
        data = entry.event()["data"]
        if entry.service_id and isinstance(data, dict):
            gone.setdefault(entry.service_id, str(data.get("name")))
    return ServiceNames(services.names(connection, organization_id=organization_id), gone)


def menus(connection: Connection, organization_id: str, filters: Filters, names: ServiceNames) -> Menus:
    """What the log of an organization can be filtered by; whatever is chosen now is always among it."""
    found = audit.choices(connection, organization_id)
    actors = _sorted((one["id"], one["details"] or one["id"]) for one in found["actors"])
    living, gone = _sorted(names.living.items()), _sorted(names.gone.items())
    chosen = filters.service
    return Menus(
        codes=_groups(found["codes"], filters.code),
        actors=_cut(actors, filters.actor),
        services=_cut(living, chosen if chosen in names.living else ""),
        gone=_cut(gone, "" if chosen in names.living else chosen),
        cut=max(len(actors), len(living)) > LISTED,
    )


def chips(filters: Filters, menus: Menus) -> list[Chip]:
    """The filters in use."""
    return [
        Chip(LABELS[name], _clipped(menus.name_of(name, text)), filters.at(but=name))
        for name, text in filters.given.items()
    ]


def blamed(error: StronghouseError) -> str:
    """The field that an error is about; of times the sentence tells which."""
    if error.code == "date_invalid":
        return "since" if error.public.startswith("since") else "until"
    return BLAMED.get(error.code, "")


def outcomes(chosen: str) -> list[str]:
    """The outcomes to choose from, with what is chosen."""
    known = [one.value for one in Outcome]
    return known if not chosen or chosen in known else [*known, chosen]


def _groups(codes: Iterable[str], chosen: str) -> list[tuple[str, Pairs]]:
    """Codes by their first word, each group led by a choice that stands for all of it."""
    groups = []
    known: set[str] = set()
    for thing, of_thing in groupby(sorted(codes), key=lambda code: code.partition(".")[0]):
        pairs = [(f"{thing}.", f"all {thing}"), *((code, code) for code in of_thing)]
        known |= {value for value, _ in pairs}
        groups.append((thing, pairs))
    return groups if not chosen or chosen in known else [*groups, ("chosen", [(chosen, chosen)])]


def _sorted(pairs: Iterable[tuple[str, str]]) -> Pairs:
    return sorted(pairs, key=lambda pair: pair[1].casefold())


def _cut(pairs: Pairs, chosen: str) -> Pairs:
    """The first pairs, and the chosen one if it is behind them or not there at all."""
    shown = pairs[:LISTED]
    if not chosen or any(value == chosen for value, _ in shown):
        return shown
    return [*shown, (chosen, dict(pairs).get(chosen, chosen))]


def _clipped(text: str) -> str:
    return text if len(text) <= CHIP else f"{text[: CHIP - 1]}…"
