"""The parts that several access statements have: users and roles, tables, what to do about existing ones, settings."""

from stronghouse.engine.access.catalogue import SettingElement, Writability
from stronghouse.engine.access.reader import Reader
from stronghouse.engine.access.statements import Existing, SettingChanges, TableName, TargetNames

_EXISTING: tuple[Existing, ...] = ("IF NOT EXISTS", "OR REPLACE")
_WRITABILITY: tuple[Writability, ...] = ("CONST", "WRITABLE", "CHANGEABLE_IN_READONLY")
_CHANGES = ("ADD", "DROP", "MODIFY")


def existing(reader: Reader) -> Existing:
    """Read IF NOT EXISTS or OR REPLACE, if there."""
    return next((words for words in _EXISTING if reader.take(*words.split())), "")


def new_name(reader: Reader) -> str | None:
    """Read RENAME TO, if there: a name of a quota or row policy."""
    return reader.new_name() if reader.take("RENAME", "TO") else None


def new_name_in_string(reader: Reader) -> str | None:
    """Read RENAME TO, if there: a name of a user, role or settings profile."""
    return reader.new_name_in_string() if reader.take("RENAME", "TO") else None


def targets(reader: Reader, *, everybody: str = "ALL") -> TargetNames:
    """Read users and roles; `everybody` is the keyword for all."""
    if reader.take("NONE"):
        return TargetNames()
    if not reader.take(everybody):
        return _named(reader, everybody=False)
    return _named(reader, everybody=True) if reader.take("EXCEPT") else TargetNames(everybody=True)


def roles(reader: Reader) -> TargetNames:
    """Read roles: as `targets`, but nobody's own name is a role's."""
    found = targets(reader)
    if found.current_user:
        reader.refuse("CURRENT_USER is no role.")
    return found


def receivers(reader: Reader) -> TargetNames:
    """Read users and roles that something is given to: as `targets`, but never everybody."""
    found = targets(reader)
    if found.everybody:
        reader.refuse("Privileges and roles cannot be granted to everybody.")
    return found


def optional_targets(reader: Reader, before: str, *, everybody: str = "ALL") -> TargetNames | None:
    """Read users and roles after the keyword `before`, if that is there."""
    return targets(reader, everybody=everybody) if reader.take(before) else None


def default_roles(reader: Reader) -> TargetNames | None:
    """Read DEFAULT ROLE, if there."""
    return roles(reader) if reader.take("DEFAULT", "ROLE") else None


def _named(reader: Reader, *, everybody: bool) -> TargetNames:
    # The engine writes CURRENT_USER at the end, wherever it was given.
    names: list[str] = []
    while not reader.take("CURRENT_USER"):
        names.append(reader.name())
        if not reader.take(","):
            return TargetNames(tuple(names), everybody=everybody)
    return TargetNames(tuple(names), everybody=everybody, current_user=True)


def table(reader: Reader) -> TableName:
    """Read a table or all tables of a database: `t`, `*`, `db.t` or `db.*`."""
    if reader.take("*"):
        return TableName("", None)
    first = reader.any_name()
    if not reader.take("."):
        return TableName("", first)
    return TableName(first, None if reader.take("*") else reader.any_name())


def settings(reader: Reader, *, profile: str) -> tuple[SettingElement, ...] | None:
    """Read SETTINGS, if there; `profile` is the keyword before profiles."""
    if not reader.take("SETTINGS"):
        return None
    return () if reader.take("NONE") else reader.listed(lambda: _element(reader, profile))


def setting_changes(reader: Reader) -> SettingChanges | None:
    """Read changes of settings, if there, in the engine's order."""
    drop_all_settings = reader.take("DROP", "ALL", "SETTINGS")
    drop_all_profiles = _next(reader, drop_all_settings, "DROP", "ALL", "PROFILES")
    some = drop_all_settings or drop_all_profiles
    drop_profiles = _names(reader, "DROP", "PROFILE", some=some)
    drop_settings = _names(reader, "DROP", "SETTING", some=some or bool(drop_profiles))
    some = some or bool(drop_profiles or drop_settings)
    add_profiles = _names(reader, "ADD", "PROFILE", some=some)
    add_settings = _elements(reader, "ADD", some=some or bool(add_profiles))
    some = some or bool(add_profiles or add_settings)
    changes = SettingChanges(
        drop_all_settings=drop_all_settings,
        drop_all_profiles=drop_all_profiles,
        drop_settings=drop_settings,
        drop_profiles=drop_profiles,
        add_profiles=add_profiles,
        add_settings=add_settings,
        modify_settings=_elements(reader, "MODIFY", some=some),
    )
    return None if changes == SettingChanges() else changes


def _next(reader: Reader, some: bool, *words: str) -> bool:  # noqa: FBT001 - what follows are words
    """Read these words, after a comma if there were some before."""
    return reader.take(",", *words) if some else reader.take(*words)


def _names(reader: Reader, verb: str, noun: str, *, some: bool) -> tuple[str, ...]:
    if _next(reader, some, verb, noun) or _next(reader, some, verb, f"{noun}S"):
        return reader.listed(reader.name, until=_CHANGES)
    return ()


def _elements(reader: Reader, verb: str, *, some: bool) -> tuple[SettingElement, ...]:
    if _next(reader, some, verb, "SETTING") or _next(reader, some, verb, "SETTINGS"):
        return reader.listed(lambda: _setting(reader), until=_CHANGES)
    return ()


def _element(reader: Reader, profile: str) -> SettingElement:
    return SettingElement(profile=reader.name()) if reader.take(profile) else _setting(reader)


def _setting(reader: Reader) -> SettingElement:
    return SettingElement(
        name=reader.name(),
        value=reader.literal() if reader.take("=") else None,
        minimum=reader.literal() if reader.take("MIN") else None,
        maximum=reader.literal() if reader.take("MAX") else None,
        writability=next((word for word in _WRITABILITY if reader.take(word)), ""),
    )
