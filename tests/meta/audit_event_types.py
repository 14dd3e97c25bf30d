"""Every type of audit event, found in the code that defines and records them."""

import ast
import dataclasses
import importlib
import types
import typing
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path

from stronghouse.audit.event import AuditEvent, Outcome

SOURCE = Path(__file__).parents[2] / "src"
BASE_FIELDS = frozenset(field.name for field in dataclasses.fields(AuditEvent))
WIRE = {str: "string", int: "integer", bool: "boolean", datetime: "time", type(None): "null"}


@dataclasses.dataclass(frozen=True)
class EventType:
    """One type of event."""

    code: str
    area: str
    activity: str | None
    told: str
    fields: dict[str, str]
    outcomes: tuple[str, ...]


@cache
def event_types() -> tuple[EventType, ...]:
    """All of them, by code."""
    given = _outcomes_given()
    found = [
        EventType(
            code=event.code,
            area=event.__module__.removeprefix("stronghouse.").removesuffix(".events"),
            activity=event.activity,
            told=" ".join((event.__doc__ or "").split()),
            fields={name: wire(hint) for name, hint in sorted(_own_fields(event).items())},
            outcomes=_outcomes(event, given.get(event.__name__, set())),
        )
        for event in classes()
    ]
    return tuple(sorted(found, key=lambda one: one.code))


def classes() -> list[type[AuditEvent]]:
    """The classes that are recorded; those without a code are bases of others."""
    for path in sorted(SOURCE.rglob("*.py")):
        if "(AuditEvent)" in path.read_text():
            importlib.import_module(".".join(path.relative_to(SOURCE).with_suffix("").parts))
    return [one for one in _below(AuditEvent) if hasattr(one, "code") and one.__module__.startswith("stronghouse.")]


def wire(hint: object) -> str:
    """What a field is in JSON. Refuses what has no one form there."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(wire(one) for one in arguments)
    if origin in (list, tuple):
        return f"list of {wire(arguments[0])}"
    if origin is dict and arguments[0] is str:
        return f"object of {wire(arguments[1])}"
    if isinstance(hint, type) and hint in WIRE:
        return WIRE[hint]
    raise TypeError(f"{hint} has no one form in JSON")


def _below(base: type[AuditEvent]) -> Iterator[type[AuditEvent]]:
    for one in base.__subclasses__():
        yield one
        yield from _below(one)


def _own_fields(event: type[AuditEvent]) -> dict[str, object]:
    hints = typing.get_type_hints(event)
    return {field.name: hints[field.name] for field in dataclasses.fields(event) if field.name not in BASE_FIELDS}


def _outcomes(event: type[AuditEvent], given: set[str]) -> tuple[str, ...]:
    """What the calls say, else what the class says."""
    default = event.__dataclass_fields__["outcome"].default
    return tuple(one.value for one in Outcome if one.name in given or (not given and one is default))


@cache
def _outcomes_given() -> dict[str, set[str]]:
    """Which outcomes stand in the calls that make events, by the event's class."""
    found: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*.py"):
        if "Outcome." in path.read_text():
            for function in ast.walk(ast.parse(path.read_text())):
                if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                    _note(function, found)
    return found


def _note(function: ast.AST, found: dict[str, set[str]]) -> None:
    """The outcome is written in the call, or chosen in the same function."""
    in_function = _named(function)
    for call in ast.walk(function):
        if isinstance(call, ast.Call):
            for keyword in call.keywords:
                if keyword.arg == "outcome":
                    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
                    found.setdefault(name, set()).update(_named(keyword.value) or in_function)


def _named(node: ast.AST) -> set[str]:
    return {
        one.attr
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == "Outcome"
    }
