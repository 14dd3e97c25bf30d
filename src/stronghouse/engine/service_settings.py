"""ClickHouse settings of a service as a whole: what every session begins with, before profiles, roles and the user.

Which may be set is what the boundary allows to those who set them for themselves. Whether the engine takes a value, the
engine says (`worker/serving.py`): nothing here reads values beyond the boundary's own rules.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stronghouse.engine import boundary
from stronghouse.engine.boundary.classification import Entry, Table, Verdict, classified
from stronghouse.engine.configuration import UNWRITABLE
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.settings import ALLOWED_VALUES, FIXED, MAXIMA, MINIMA, check_setting
from stronghouse.kernel.errors import Invalid

LONGEST_VALUE = 1024
_TYPES = Path(boundary.__file__).with_name("setting_types.tsv")


@dataclass(frozen=True, slots=True)
class SettingSchema:
    """A setting that a service may have: its type by ClickHouse's name, and what values this product allows."""

    name: str
    type: str
    description: str


def check_service_setting(name: str, value: str) -> None:
    """Refuse what no service may set, by the reviewed tables; the engine is not asked.

    Raises:
        Invalid: there is no such setting, it may not be set, or not to this value.
    """
    entry = classified(Table.SETTINGS).get(name)
    if entry is None:
        raise Invalid(f"There is no setting {name[:64]!r}.", code="setting_unknown")
    if not _is_free(entry):
        why = entry.because if entry.verdict is Verdict.REFUSE else "this service sets it itself"
        raise Invalid(f"The setting {name} should not be changed in this service: {why}.", code="setting_refused")
    if len(value) > LONGEST_VALUE or UNWRITABLE.search(value):
        raise Invalid(
            f"The value of {name} is text of at most {LONGEST_VALUE} printable characters.", code="setting_invalid"
        )
    try:
        check_setting(name, value)
    except DatabaseError as error:
        raise Invalid(error.public, code="setting_refused") from None


@cache
def configurable() -> Mapping[str, SettingSchema]:
    """Every setting that a service may have, by its name."""
    return {setting.name: setting for setting in _configurable()}


def _configurable() -> Iterator[SettingSchema]:
    lines = _TYPES.read_text(encoding="utf-8").splitlines()[1:]
    types = dict(line.split("\t") for line in lines)
    for name, entry in sorted(classified(Table.SETTINGS).items()):
        if _is_free(entry):
            yield SettingSchema(name, types.get(name, "String"), _allowed(name))


def _is_free(entry: Entry) -> bool:
    return entry.name not in FIXED and (
        entry.verdict is Verdict.ALLOW or (entry.verdict is Verdict.FIXED and entry.name in ALLOWED_VALUES)
    )


def _allowed(name: str) -> str:
    parts = []
    if name in ALLOWED_VALUES:
        parts.append(f"Made of {', '.join(sorted(ALLOWED_VALUES[name]))} in this service.")
    if name in MINIMA:
        parts.append(f"At least {MINIMA[name]} in this service.")
    if name in MAXIMA:
        parts.append(f"At most {MAXIMA[name]} in this service.")
    return " ".join(parts) or "As ClickHouse documents it."
