"""Values of the catalogue as JSON and back, by their declared types alone: nothing can be forgotten or added.

Invariants:
- What is read is exactly what was declared: an unknown or missing field, or another type, is an error. Only fields
  marked `NOT_STORED` are left out.
- Equal values have equal texts: sets and mappings are sorted.
"""

import dataclasses
import types
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

_T = TypeVar("_T")


def to_json(value: object) -> object:
    """`value`, made of dataclasses, tuples, sets and mappings (by the `id` of what they hold), for `json.dumps`."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in _stored(type(value))}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return [to_json(value[key]) for key in sorted(value)]
    return value


def from_json(declared: type[_T], found: object) -> _T:
    """The value of the dataclass `declared` that `to_json` made `found` of.

    Raises:
        ValueError: it is not exactly that; the text says where, without the value.
    """
    return cast("_T", _read(declared, found, declared.__name__))


def _read(declared: object, found: object, place: str) -> object:
    if isinstance(declared, type) and dataclasses.is_dataclass(declared):
        return _dataclass(declared, found, place)
    origin = get_origin(declared)
    if origin in {Union, types.UnionType}:
        (inner,) = (item for item in get_args(declared) if item is not type(None))
        return None if found is None else _read(inner, found, place)
    if origin is Literal:
        if not isinstance(found, str) or found not in get_args(declared):
            raise _unexpected(place)
        return found
    if origin is not None:
        return _collection(origin, get_args(declared), found, place)
    if declared is float and isinstance(found, int) and not isinstance(found, bool):
        return float(found)
    if type(found) is not declared:  # exact: True is no int here
        raise _unexpected(place)
    return found


def _collection(origin: object, arguments: tuple[object, ...], found: object, place: str) -> object:
    if not isinstance(found, list):
        raise _unexpected(place)
    if origin is tuple and arguments[-1] is not Ellipsis:
        if len(found) != len(arguments):
            raise _unexpected(place)
        return tuple(_read(kind, item, place) for kind, item in zip(arguments, found, strict=True))
    if origin is tuple:
        return tuple(_read(arguments[0], item, place) for item in found)
    if origin is frozenset:
        return _distinct(frozenset(_read(arguments[0], item, place) for item in found), found, place)
    values = [_read(arguments[1], item, place) for item in found]
    return _distinct({str(getattr(value, "id")): value for value in values}, found, place)  # noqa: B009 - declared as object


def _distinct(collection: _T, found: list[object], place: str) -> _T:
    if len(cast("frozenset[object]", collection)) != len(found):
        raise ValueError(f"{place} holds something twice")
    return collection


def _dataclass(declared: type, found: object, place: str) -> object:
    hints = _fields(declared)
    if not isinstance(found, dict) or _differ(found, hints):
        raise _unexpected(place)
    return declared(**{name: _read(kind, found[name], f"{place}.{name}") for name, kind in hints.items()})


@cache
def _fields(declared: type) -> dict[str, object]:
    hints = get_type_hints(declared)
    return {field.name: hints[field.name] for field in _stored(declared)}


@cache
def _stored(declared: type) -> tuple["dataclasses.Field[object]", ...]:
    """The fields of a dataclass, but for those that are marked to be left out."""
    return tuple(field for field in dataclasses.fields(declared) if field.metadata.get("stored", True))


def _differ(found: Iterable[object], hints: Mapping[str, object]) -> bool:
    return set(found) != set(hints)


def _unexpected(place: str) -> ValueError:
    return ValueError(f"{place} is not as declared")
