"""The reference pages of checks and permissions are written from the definitions themselves."""

import os
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from stronghouse.access.permissions import Permission
from stronghouse.access.roles import SYSTEM_ROLES
from stronghouse.responsibility.catalogue import load_catalogue
from stronghouse.responsibility.derivation import in_words
from stronghouse.responsibility.facts import COLLECTORS, Place
from stronghouse.responsibility.model import Check

DIRECTORY = Path(__file__).parents[2] / "docs" / "reference"
WRITTEN = "Written by `make golden` from the definitions themselves; see [the concepts](../concepts.md)."


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


@pytest.mark.parametrize(("name", "page"), [("checks.md", checks_page), ("permissions.md", permissions_page)])
def test_reference_is_what_the_definitions_say(name: str, page: Callable[[], str]) -> None:
    text = page()
    if os.environ.get("STRONGHOUSE_GOLDEN") == "write":
        (DIRECTORY / name).write_text(text)
    assert (DIRECTORY / name).read_text() == text
