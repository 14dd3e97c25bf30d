"""The parts of access statements as text: users and roles, methods, hosts, settings, grants, row policies."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from stronghouse.engine.access.catalogue import Grant, SettingElement
from stronghouse.engine.access.notation import name, quoted_name, setting_name, string
from stronghouse.engine.access.privileges import named
from stronghouse.engine.access.statements import NewMethod, PolicyName, SettingChanges, TableName, TargetNames


def clause(words: str | None, rest: str | None = "") -> str:
    """A space and the words and what follows them; nothing if either is not said."""
    if not words or rest is None:
        return ""
    return f" {words} {rest}" if rest else f" {words}"


def listed(names: Iterable[str], spelling: Callable[[str], str] = name) -> str:
    """Names with commas between them."""
    return ", ".join(map(spelling, names))


def targets(it: TargetNames | None, everybody: str = "ALL") -> str | None:
    """Users and roles; `everybody` is the keyword for all."""
    if it is None:
        return None
    names = ", ".join([*map(name, it.names), *(["CURRENT_USER"] if it.current_user else [])])
    if it.everybody:
        return everybody + clause("EXCEPT", names or None)
    return names or "NONE"


def methods(it: Sequence[NewMethod]) -> str | None:
    """Ways to sign in, as they follow IDENTIFIED."""
    if not it:
        return None
    return ("WITH " if it[0].kind else "") + ", ".join(map(_method, it))


def hosts(it: Sequence[str] | None) -> str | None:
    """Hosts, as they follow HOST."""
    if it is None:
        return None
    words = [host for host in it if host in {"ANY", "LOCAL"}]
    addresses = listed((host for host in it if host not in {"ANY", "LOCAL"}), string)
    return ", ".join([*words, *([f"IP {addresses}"] if addresses else [])]) or "NONE"


def settings(it: Sequence[SettingElement] | None, profile: str) -> str | None:
    """Settings, as they follow SETTINGS; `profile` is the keyword before profiles."""
    if it is None:
        return None
    return ", ".join(_setting(one, profile) for one in it) or "NONE"


def changes(it: SettingChanges | None) -> str | None:
    """Changes of settings."""
    if it is None:
        return None
    parts = [
        "DROP ALL SETTINGS" if it.drop_all_settings else "",
        "DROP ALL PROFILES" if it.drop_all_profiles else "",
        _plural("DROP PROFILE", [quoted_name(one) for one in it.drop_profiles]),
        _plural("DROP SETTING", [setting_name(one) for one in it.drop_settings]),
        _plural("ADD PROFILE", [quoted_name(one) for one in it.add_profiles]),
        _plural("ADD SETTING", [_setting(one) for one in it.add_settings]),
        _plural("MODIFY SETTING", [_setting(one) for one in it.modify_settings]),
    ]
    return ", ".join(filter(None, parts))


def grants_on(it: Iterable[Grant]) -> str:
    """Privileges and what they are on."""
    groups = [f"{_privileges(group)} ON {_place(parameter, *where)}" for (parameter, *where), group in _grouped(it)]
    return ", ".join(groups) or "USAGE ON *.*"


def policies(it: Sequence[PolicyName]) -> str:
    """Full names of row policies."""
    first = it[0]
    if all(one.name == first.name for one in it):
        return f"{name(first.name)} ON {', '.join(map(_table_of, it))}"
    if all(_table_of(one) == _table_of(first) for one in it):
        return f"{listed(one.name for one in it)} ON {_table_of(first)}"
    return ", ".join(f"{name(one.name)} ON {_table_of(one)}" for one in it)


def on_table(it: TableName | None) -> str:
    """ON and a table, or all tables of a database."""
    return "" if it is None else f" ON {_place(None, it.database, it.table, None)}"


def _method(it: NewMethod) -> str:
    return (
        it.kind
        + (clause("BY", None if it.secret is None else string(it.secret))[0 if it.kind else 1 :])
        + clause("SALT", None if it.salt is None else string(it.salt))
        + clause("VALID UNTIL", None if it.valid_until is None else string(it.valid_until))
    )


def _setting(it: SettingElement, profile: str = "PROFILE") -> str:
    if it.profile is not None:
        return f"{profile} {quoted_name(it.profile)}"
    return (
        setting_name(it.name)
        + clause("=", it.value)
        + clause("MIN", it.minimum)
        + clause("MAX", it.maximum)
        + clause(it.writability)
    )


def _plural(words: str, items: Sequence[str]) -> str:
    return f"{words}{'S' if len(items) > 1 else ''} {', '.join(items)}" if items else ""


_Place = tuple[str | None, str | None, str | None, str | None]


def _grouped(it: Iterable[Grant]) -> Iterable[tuple[_Place, list[Grant]]]:
    """Neighbours that are on the same: the kind of parameter, database, table, parameter."""
    groups = groupby(it, key=lambda one: (named(one.privilege).parameter, one.database, one.table, one.parameter))
    return ((key, list(group)) for key, group in groups)


def _privileges(group: Iterable[Grant]) -> str:
    parts = []
    for (privilege, whole), members in groupby(group, key=lambda one: (one.privilege, one.column is None)):
        columns = [one.column for one in members if one.column is not None]
        parts += [privilege] if whole else [f"{privilege}({listed(columns)})"]
    return ", ".join(parts)


def _place(kind: str | None, database: str | None, table: str | None, parameter: str | None) -> str:
    if kind is not None:
        return "*" if parameter is None else name(parameter)
    if database is None:
        return "*.*"
    below = "*" if table is None else name(table)
    return f"{name(database)}.{below}" if database else below


def _table_of(it: PolicyName) -> str:
    return _place(None, it.database, it.table, None)
