"""The definitions: rows and controls from `responsibilities.toml`, checks from the folder `checks`, one file each.

Each document request (`documents/requests.toml`) is a check as well.
"""

import importlib
import pkgutil
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from stronghouse.kernel.errors import Internal
from stronghouse.responsibility import checks as folder
from stronghouse.responsibility.documents.checks import document_checks
from stronghouse.responsibility.documents.requests import load_requests
from stronghouse.responsibility.facts import COLLECTORS
from stronghouse.responsibility.model import Check, CheckMeta, Control, Owner, Responsibility

FILE = "responsibilities.toml"


@dataclass(frozen=True)
class Catalogue:
    """All definitions, checked against each other."""

    responsibilities: tuple[Responsibility, ...]
    checks: Mapping[str, Check]
    _by_control: Mapping[str, tuple[Check, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_control: dict[str, list[Check]] = {
            control.id: [] for row in self.responsibilities for control in row.controls
        }
        for check in self.checks.values():
            if check.meta.collector not in COLLECTORS:
                raise Internal(f"Check {check.meta.id} names the unknown collector {check.meta.collector}.")
            for control in check.meta.controls:
                if control not in by_control:
                    raise Internal(f"Check {check.meta.id} names the unknown control {control}.")
                by_control[control].append(check)
        object.__setattr__(self, "_by_control", {control: tuple(found) for control, found in by_control.items()})

    def checks_of(self, control_id: str) -> tuple[Check, ...]:
        """The checks that together prove a control; none where nothing proves it yet."""
        return self._by_control[control_id]

    def checks_of_row(self, row_id: str) -> list[Check]:
        """Every check that proves part of a row, each once; empty for an unknown row."""
        controls = [control.id for row in self.responsibilities if row.id == row_id for control in row.controls]
        return list({check.meta.id: check for control in controls for check in self.checks_of(control)}.values())


def load_catalogue() -> Catalogue:
    """The definitions that come with this version; raises Internal where they contradict each other."""
    text = resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    rows = tuple(_row(row) for row in tomllib.loads(text)["responsibility"])
    checks = (*discover_checks(), *document_checks(load_requests(rows).values()))
    return Catalogue(rows, {check.meta.id: check for check in checks})


def discover_checks() -> Iterator[Check]:
    """Every file of the folder `checks`, in the order of their names."""
    for module in sorted(pkgutil.iter_modules(folder.__path__), key=lambda found: found.name):
        loaded = importlib.import_module(f"{folder.__name__}.{module.name}")
        meta: CheckMeta = loaded.META
        if meta.id != module.name:
            raise Internal(f"The check in {module.name}.py calls itself {meta.id}.")
        yield Check(meta, loaded.evaluate)


def _row(row: dict[str, Any]) -> Responsibility:
    controls = tuple(Control(control["id"], control["title"]) for control in row["control"])
    if any(not control.id.startswith(f"{row['id']}.") for control in controls):
        raise Internal(f"A control of {row['id']} has an id that does not begin with the row's.")
    return Responsibility(
        id=row["id"],
        group=row["group"],
        title=row["title"],
        owner=Owner(row["owner"]),
        controls=controls,
        frameworks={name: tuple(ids) for name, ids in row.get("frameworks", {}).items()},
    )
