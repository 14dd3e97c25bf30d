"""Settings of users, roles and profiles: which may be there, and changes to them."""

import re
from collections.abc import Iterable
from dataclasses import replace

from stronghouse.engine.access.catalogue import OWNER, SettingElement
from stronghouse.engine.access.change import Change
from stronghouse.engine.access.effective_settings import plain
from stronghouse.engine.access.refusals import unknown
from stronghouse.engine.access.statements import SettingChanges
from stronghouse.engine.configuration import UNWRITABLE
from stronghouse.engine.errors import DatabaseError, setting_violation
from stronghouse.engine.settings import check_setting

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
LONGEST_VALUE = 1024


def checked(change: Change, elements: Iterable[SettingElement]) -> tuple[SettingElement, ...]:
    """Settings as a catalogue has them: profiles by id, all of them such as may be set.

    Raises:
        DatabaseError: 452, the setting is not for users to set; 180, there is no such profile; 115, no such setting.
    """
    return tuple(_checked(change, element) for element in elements)


def changed(
    change: Change, elements: tuple[SettingElement, ...], changes: SettingChanges | None
) -> tuple[SettingElement, ...]:
    """`elements` after ADD, MODIFY and DROP; errors as of `checked`."""
    if changes is None:
        return elements
    dropped = set(changes.drop_settings)
    dropped_profiles = {_profile(change, name) for name in changes.drop_profiles}
    kept = [
        element
        for element in elements
        if not (
            (element.profile is None and (changes.drop_all_settings or element.name in dropped))
            or (element.profile is not None and (changes.drop_all_profiles or element.profile in dropped_profiles))
        )
    ]
    added = checked(change, (SettingElement(profile=name) for name in changes.add_profiles))
    kept += [element for element in added if element not in kept]
    for element in checked(change, changes.add_settings):
        kept = [old for old in kept if not _same(old, element)] + [element]
    for element in checked(change, changes.modify_settings):
        kept = _modified(kept, element)
    return tuple(kept)


def _modified(elements: list[SettingElement], new: SettingElement) -> list[SettingElement]:
    """What `new` says replaces what was said before; what it does not say stays."""
    for place, old in enumerate(elements):
        if _same(old, new) and new.profile is None:
            elements[place] = replace(
                old,
                value=old.value if new.value is None else new.value,
                minimum=old.minimum if new.minimum is None else new.minimum,
                maximum=old.maximum if new.maximum is None else new.maximum,
                writability=new.writability or old.writability,
            )
            return elements
    return [*(old for old in elements if not _same(old, new)), new]


def _same(one: SettingElement, other: SettingElement) -> bool:
    return (one.profile, one.name) == (other.profile, other.name)


def _checked(change: Change, element: SettingElement) -> SettingElement:
    if element.profile is not None:
        return SettingElement(profile=_profile(change, element.profile))
    if not _NAME.fullmatch(element.name) or element.name.lower().startswith("param_"):
        raise DatabaseError(115, "UNKNOWN_SETTING", f"Unknown setting '{element.name[:64]}'")
    owner = change.user.name == OWNER
    literals = [one for one in (element.value, element.minimum, element.maximum) if one is not None]
    # Without a value too: then it is about its constraints, and the name alone counts.
    check_setting(element.name, None, administrator=owner)
    for literal in literals:
        check_setting(element.name, _value(element.name, literal), administrator=owner)
    return element


def _value(name: str, literal: str) -> str:
    value = plain(literal)
    if len(value) > LONGEST_VALUE or UNWRITABLE.search(value) or "${" in value:
        raise setting_violation(
            f"Setting {name} cannot have this value in a profile: it is too long, or has characters "
            "that the engine's configuration cannot hold."
        )
    return value


def _profile(change: Change, name: str) -> str:
    for profile in change.profiles.values():
        if profile.name == name:
            return profile.id
    raise unknown("SETTINGS PROFILE", name)
