"""The reference pages of checks, permissions, audit events and settings are written from the definitions themselves."""

import os
import re
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from stronghouse.access.permissions import Permission
from stronghouse.access.roles.system import SYSTEM_ROLES
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import _envelope
from stronghouse.organizations.events import OrganizationRenamed
from stronghouse.responsibility.catalogue import load_catalogue
from stronghouse.responsibility.derivation import in_words
from stronghouse.responsibility.facts import COLLECTORS, Place
from stronghouse.responsibility.model import Check
from stronghouse.settings.environment import INHERITED, SETTING_PREFIX
from tests.meta.audit_event_types import EventType, event_types
from tests.meta.boundary_page import boundary_page
from tests.meta.settings_defined import named_elsewhere, settings

DIRECTORY = Path(__file__).parents[2] / "docs" / "reference"
WRITTEN = "Written by `make golden` from the definitions themselves."
EVENT_FORM = """
Every change is recorded in the transaction that makes it; attempts that were refused are recorded, too. A leaf of the
log is canonical JSON with these fields:

| field | what |
| --- | --- |
| `version` | of this form: 1 |
| `id` | the event's id |
| `time` | when, by the control plane's clock; RFC 3339, as every time |
| `code` | what happened; a code is never used again for something else |
| `activity` | the Cloud API's type of activity; null where it has none |
| `outcome` | `success`, `failure` or `denied` |
| `summary` | one sentence for people |
| `organization_id` | whose event it is; null for events of the installation itself |
| `service_id` | the service it is about; null for none |
| `actor` | who: `type` (`user`, `api`, `system`), `id`, `details` |
| `address` | the client's address; null for acts of the installation itself |
| `user_agent` | what the client says it is |
| `request_id` | the request in which it happened |
| `data` | the fields of its own, which are listed below |
| `salt` | random, so that an event that was erased cannot be guessed from its hash |
"""
SETTINGS_PAGE = """# Settings

{written}

Stronghouse is set by options of `stronghouse up` (see [the command line](cli.md)) and by environment variables.

## Of the installation

Variables that begin with `STRONGHOUSE__` are read when Stronghouse starts. They hold no secrets, and every process of
it knows them. A value that is malformed stops the start with one sentence that names it.

{installation}

## Of commands

{commands}

They go before what `stronghouse auth login` stored.

## Of both

`XDG_CONFIG_HOME` and `XDG_STATE_HOME` say where files go ([Files and ports](files.md)); relative paths in them are
ignored. Of the rest of the environment the processes that Stronghouse starts know only these, and two that a coverage
tool uses: {inherited}. A secret that you exported does not reach them.

What else `stronghouse up` prints is for other programs: `SSL_CERT_FILE` for those that use OpenSSL, and
`CLICKHOUSE_CLOUD_…` for `clickhousectl`.
"""


def checks_page() -> str:
    """Every row with its controls, then every check."""
    catalogue = load_catalogue()
    parts = ["# Checks", "", WRITTEN, ""]
    parts += [
        "A control is proven while at least one check that names it passes, and the others pass or do not apply.",
        "",
        "## Responsibilities and their controls",
        "",
    ]
    for row in catalogue.responsibilities:
        parts += [f"### `{row.id}`", "", f"{row.title}. Owner: {row.owner.value}.", ""]
        for control in row.controls:
            named = ", ".join(f"[`{check.meta.id}`](#{check.meta.id})" for check in catalogue.checks_of(control.id))
            parts.append(f"- `{control.id}`: {control.title}. Checks: {named or 'none'}.")
        parts.append("")
    parts += ["## Every check", ""]
    for _, check in sorted(catalogue.checks.items()):
        parts += _check(check)
    return "\n".join(parts)


def _check(check: Check) -> list[str]:
    meta = check.meta
    controls = ", ".join(f"`{name}`" for name in meta.controls)
    places = COLLECTORS[meta.collector]
    return [
        f"### `{meta.id}`",
        "",
        f"{meta.title}.",
        "",
        f"- severity {meta.severity.value}; evidence counts for {in_words(meta.max_age)}; version {meta.version}",
        f"- collector: `{meta.collector}` ({_told(places)})",
        f"- controls: {controls}",
        f"- risk: {meta.risk}",
        f"- what to do: {meta.remediation}",
        "",
    ]


def _told(places: Collection[Place]) -> str:
    names = {Place.CONTROL: "at the control plane", Place.REGION: "in each region"}
    return " and ".join(name for place, name in names.items() if place in places)


def permissions_page() -> str:
    """Which system role holds which permission."""
    roles = list(SYSTEM_ROLES.values())
    names = " | ".join(role.name for role in roles)
    lines = ["# Permissions", "", WRITTEN, ""]
    lines += [
        "An API key has roles, and so has a member. `stronghouse key create NAME --role ROLE` makes a key with one.",
        "",
        f"| permission | {names} |",
        "| --- |" + " --- |" * len(roles),
    ]
    for permission in Permission:
        held = " | ".join("yes" if permission in role.permissions else "" for role in roles)
        lines.append(f"| `{permission.value}` | {held} |")
    return "\n".join([*lines, ""])


def audit_events_page() -> str:
    """Every type of event, by the area that records it."""
    parts = ["# Audit events", "", WRITTEN, EVENT_FORM]
    types = event_types()
    for area in sorted({one.area for one in types}):
        parts += [f"## {area.rpartition('.')[2].capitalize()}", ""]
        for one in types:
            if one.area == area:
                parts += _event(one)
    return "\n".join(parts)


def _event(one: EventType) -> list[str]:
    about = f"Outcome: {' or '.join(f'`{name}`' for name in one.outcomes)}."
    if one.activity is not None:
        about += f" Also listed among the Cloud API's activities, as `{one.activity}`."
    fields = [f"| `{name}` | {form} |" for name, form in one.fields.items()]
    table = ["| field | form |", "| --- | --- |", *fields] if fields else ["It has no fields of its own."]
    return [f"### `{one.code}`", "", one.told, "", about, "", *table, ""]


def settings_page() -> str:
    """Every environment variable."""

    def table(names: list[str]) -> str:
        rows = [f"| `{name}` | {settings()[name]} |" for name in names]
        return "\n".join(["| variable | what |", "| --- | --- |", *rows])

    known = list(settings())
    inherited = [f"`{name}`" for name in INHERITED if not name.startswith(("XDG_CONFIG", "XDG_STATE", "COVERAGE"))]
    return SETTINGS_PAGE.format(
        written=WRITTEN,
        installation=table([name for name in known if name.startswith(SETTING_PREFIX)]),
        commands=table([name for name in known if not name.startswith(SETTING_PREFIX)]),
        inherited=f"{', '.join(inherited[:-1])} and {inherited[-1]}",
    )


PAGES: dict[str, Callable[[], str]] = {
    "checks.md": checks_page,
    "permissions.md": permissions_page,
    "audit-events.md": audit_events_page,
    "settings.md": settings_page,
    "boundary.md": lambda: boundary_page(WRITTEN),
}


@pytest.mark.parametrize(("name", "page"), PAGES.items(), ids=PAGES)
def test_reference_is_what_the_definitions_say(name: str, page: Callable[[], str]) -> None:
    text = page()
    if os.environ.get("STRONGHOUSE_GOLDEN") == "write":
        (DIRECTORY / name).write_text(text)
    assert (DIRECTORY / name).read_text() == text


def test_every_field_of_an_event_is_explained() -> None:
    event = OrganizationRenamed(organization_id=None, before="a", after="b")
    leaf = _envelope(event, Context(actor=SYSTEM), event_id="1", time="2026-11-26T00:00:00Z")
    assert re.findall(r"^\| `(\w+)` \|", EVENT_FORM, re.MULTILINE) == list(leaf)


def test_every_variable_that_is_read_is_documented() -> None:
    assert not {name for name, told in settings().items() if not told}
    assert not named_elsewhere()
