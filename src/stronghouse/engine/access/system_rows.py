"""A catalogue's rows in the system tables of ClickHouse that tell of users, rights, policies, profiles and quotas.

Invariants:
- Names stand where ClickHouse has names; what refers to something that is gone is left out.
- No hash of a password is in any row.
"""

from collections.abc import Iterable, Iterator

from stronghouse.engine.access.catalogue import (
    CONSOLE_PREFIX,
    OWNER,
    Catalogue,
    Grant,
    Quota,
    Role,
    RoleGrant,
    SettingElement,
    Targets,
    User,
)
from stronghouse.engine.access.notation import name, unescaped
from stronghouse.engine.quotas import AMOUNTS, Usage

_NOWHERE = "00000000-0000-0000-"
"""What makes a UUID of an id."""

Row = dict[str, object]


def rows_of(catalogue: Catalogue) -> dict[str, list[Row]]:
    """The rows by table, for all but the usage of quotas."""
    found: dict[str, Iterable[Row]] = {
        "users": (_user(catalogue, user) for user in catalogue.users.values()),
        "roles": ({"name": role.name, **_identity(role.id, role.name)} for role in catalogue.roles.values()),
        "grants": _grants(catalogue),
        "role_grants": _role_grants(catalogue),
        "row_policies": _policies(catalogue),
        "quotas": (_quota(catalogue, quota) for quota in catalogue.quotas.values()),
        "quota_limits": (row for quota in catalogue.quotas.values() for row in _limits(quota)),
        "settings_profiles": _profiles(catalogue),
        "settings_profile_elements": _elements(catalogue),
        "user_directories": _directories(),
        "current_roles": (row for user in catalogue.users.values() for row in _roles_of(catalogue, user, current=True)),
        "enabled_roles": (
            row for user in catalogue.users.values() for row in _roles_of(catalogue, user, current=False)
        ),
    }
    return {table: list(rows) for table, rows in found.items()}


def _identity(id_: str, name: str) -> Row:
    fixed = name == OWNER or name.startswith(CONSOLE_PREFIX)
    return {"id": f"{_NOWHERE}{id_[:4]}-{id_[4:]}", "storage": "users_xml" if fixed else "local_directory"}


def _names(catalogue: Catalogue, ids: Iterable[str]) -> list[str]:
    """The names of users and roles, sorted; who is gone is left out."""
    found = (catalogue.users.get(id_) or catalogue.roles.get(id_) for id_ in ids)
    return sorted(entity.name for entity in found if entity is not None)


def _targets(catalogue: Catalogue, targets: Targets, all_: str, some: str, except_: str) -> Row:
    return {
        all_: int(targets.everybody),
        some: [] if targets.everybody else _names(catalogue, targets.ids),
        except_: _names(catalogue, targets.excluded),
    }


def _user(catalogue: Catalogue, user: User) -> Row:
    networks = [host for host in user.hosts if host not in {"ANY", "LOCAL"}]
    return {
        "name": user.name,
        **_identity(user.id, user.name),
        "auth_type": [method.kind for method in user.methods],
        "auth_params": ["{}" for _ in user.methods],
        "valid_until": [method.valid_until or 0 for method in user.methods],
        "auth_grants": ["" for _ in user.methods],
        "host_ip": ["::/0"] if "ANY" in user.hosts else networks,
        "host_names": ["localhost"] if "LOCAL" in user.hosts else [],
        **_targets(catalogue, user.default_roles, "default_roles_all", "default_roles_list", "default_roles_except"),
        **_targets(catalogue, user.grantees, "grantees_any", "grantees_list", "grantees_except"),
        "default_database": user.default_database or "",
    }


def _holders(catalogue: Catalogue) -> Iterator[tuple[Row, User | Role]]:
    for user in catalogue.users.values():
        yield {"user_name": user.name, "role_name": None}, user
    for role in catalogue.roles.values():
        yield {"user_name": None, "role_name": role.name}, role


def engine_user(user_id: str) -> str:
    """The engine role that stands for a user's own grants."""
    return f"u_{user_id}"


def engine_role(role_id: str) -> str:
    """The engine role that stands for a role's own grants."""
    return f"r_{role_id}"


def _grants(catalogue: Catalogue) -> Iterator[Row]:
    for holder, entity in _holders(catalogue):
        for grant in entity.grants:
            yield {**holder, **_grant(grant)}


def _grant(grant: Grant) -> Row:
    return {
        "access_type": grant.privilege,
        "access_object": grant.parameter or "",
        "database": grant.database,
        "table": grant.table,
        "column": grant.column,
        "is_partial_revoke": int(grant.revoked),
        "grant_option": int(grant.grant_option),
        "is_wildcard": 0,
    }


def _role_grants(catalogue: Catalogue) -> Iterator[Row]:
    for holder, entity in _holders(catalogue):
        for granted in entity.roles:
            role = catalogue.roles.get(granted.role)
            if role is not None:
                yield {
                    **holder,
                    "granted_role_name": role.name,
                    "granted_role_id": _identity(role.id, role.name)["id"],
                    "granted_role_is_default": int(_is_default(entity, role.id)),
                    "with_admin_option": int(granted.admin_option),
                }


def _is_default(entity: User | Role, role_id: str) -> bool:
    return entity.default_roles.include([role_id]) if isinstance(entity, User) else True


def _policies(catalogue: Catalogue) -> Iterator[Row]:
    for policy in catalogue.policies.values():
        yield {
            "name": f"{name(policy.name)} ON {name(policy.database)}.{name(policy.table)}",
            "short_name": policy.name,
            "database": policy.database,
            "table": policy.table,
            **_identity(policy.id, policy.name),
            "select_filter": policy.condition or None,
            "is_restrictive": int(policy.restrictive),
            **_targets(catalogue, policy.targets, "apply_to_all", "apply_to_list", "apply_to_except"),
        }


def _quota(catalogue: Catalogue, quota: Quota) -> Row:
    return {
        "name": quota.name,
        **_identity(quota.id, quota.name),
        "keys": [] if quota.key == "none" else [quota.key],
        "durations": [interval.seconds for interval in quota.intervals],
        **_targets(catalogue, quota.targets, "apply_to_all", "apply_to_list", "apply_to_except"),
    }


def _limits(quota: Quota) -> Iterator[Row]:
    for interval in quota.intervals:
        yield {
            "quota_name": quota.name,
            "duration": interval.seconds,
            "is_randomized_interval": int(interval.randomized),
            **_maxima(interval.limits),
        }


def _maxima(limits: Iterable[tuple[str, float]]) -> Row:
    return {f"max_{name}": limit if name == "execution_time" else int(limit) for name, limit in limits}


def usage_row(catalogue: Catalogue, usage: Usage, version: int) -> Row | None:
    """What was used of a quota; None where the quota is gone."""
    quota = catalogue.quotas.get(usage.quota_id)
    if quota is None:
        return None
    row: Row = {
        "quota_name": quota.name,
        "quota_key": usage.key,
        "engine_users": [engine_user(id_) for id_ in sorted(usage.users)],
        "version": version,
    }
    if usage.interval is not None:
        used = ((name, usage.used.get(name, 0.0)) for name in AMOUNTS)
        row |= {"start_time": usage.start, "end_time": usage.end, "duration": usage.interval.seconds}
        row |= {name: amount if name == "execution_time" else int(amount) for name, amount in used}
        row |= _maxima(usage.interval.limits)
    return row


def _profiles(catalogue: Catalogue) -> Iterator[Row]:
    for profile in catalogue.profiles.values():
        yield {
            "name": profile.name,
            **_identity(profile.id, profile.name),
            "num_elements": len(profile.settings),
            **_targets(catalogue, profile.targets, "apply_to_all", "apply_to_list", "apply_to_except"),
        }


def _elements(catalogue: Catalogue) -> Iterator[Row]:
    for profile in catalogue.profiles.values():
        yield from _elements_of(catalogue, {"profile_name": profile.name}, profile.settings)
    for holder, entity in _holders(catalogue):
        yield from _elements_of(catalogue, holder, entity.settings)


def _elements_of(catalogue: Catalogue, holder: Row, elements: Iterable[SettingElement]) -> Iterator[Row]:
    for index, element in enumerate(elements):
        inherited = catalogue.profiles.get(element.profile) if element.profile is not None else None
        yield {
            **holder,
            "index": index,
            "setting_name": element.name or None,
            "value": _plain(element.value),
            "min": _plain(element.minimum),
            "max": _plain(element.maximum),
            "writability": element.writability or None,
            "inherit_profile": inherited.name if inherited is not None else element.profile,
        }


def _plain(literal: str | None) -> str | None:
    """A literal's text without its quotes."""
    return literal if literal is None or not literal.startswith("'") else unescaped(literal[1:-1])


def _directories() -> Iterator[Row]:
    yield {"name": "users_xml", "type": "users_xml", "params": "{}", "precedence": 1}
    yield {"name": "local_directory", "type": "local_directory", "params": "{}", "precedence": 2}


def _roles_of(catalogue: Catalogue, user: User, *, current: bool) -> Iterator[Row]:
    """The roles that a user can have in force; the row policy leaves those that are.

    A role that is granted to the user is taken as current whenever it is in force: the engine does not tell whether it
    was asked for or came with another.
    """
    granted = {given.role: given for given in user.roles if given.role in catalogue.roles}
    for role_id in sorted(granted if current else catalogue.roles_within(granted)):
        own = granted.get(role_id, RoleGrant(role_id))
        row: Row = {
            "role_name": catalogue.roles[role_id].name,
            "with_admin_option": int(own.admin_option),
            "is_default": int(role_id in granted and user.default_roles.include([role_id])),
            "engine_user": engine_user(user.id),
            "engine_role": engine_role(role_id),
        }
        yield row if current else {**row, "is_current": int(role_id in granted)}
