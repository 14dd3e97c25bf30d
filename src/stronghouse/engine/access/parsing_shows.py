"""Reading SHOW statements about access."""

from collections.abc import Callable
from typing import Literal

from stronghouse.engine.access.parsing_policies import policy_names
from stronghouse.engine.access.parsing_targets import optional_targets, table
from stronghouse.engine.access.reader import Reader
from stronghouse.engine.access.statements import (
    Kind,
    ShowAccess,
    ShowCreate,
    ShowCreatePolicies,
    ShowCurrentQuota,
    ShowGrants,
    ShowPolicies,
    ShowPrivileges,
    ShowProfiles,
    ShowQuotas,
    ShowRoles,
    ShowUsers,
    TableName,
    TargetNames,
)


def show_grants(reader: Reader) -> ShowGrants:
    """Read what follows SHOW GRANTS."""
    of = optional_targets(reader, "FOR") or TargetNames(current_user=True)
    with_implicit = reader.take("WITH", "IMPLICIT")
    final = reader.take("FINAL")
    return ShowGrants(of=of, with_implicit=with_implicit, final=final, output_format=_format(reader))


def show_create(kind: Kind, *, several: bool = False) -> Callable[[Reader], ShowCreate]:
    """How to read what follows SHOW CREATE USER and the like; `several` for the plural."""

    def production(reader: Reader) -> ShowCreate:
        names = () if _no_names(reader) else reader.listed(reader.name)
        return ShowCreate(kind=kind, names=names, all=several and not names, output_format=_format(reader))

    return production


def show_create_policy(reader: Reader) -> ShowCreatePolicies:
    """Read what follows SHOW CREATE ROW POLICY."""
    return ShowCreatePolicies(policies=policy_names(reader), output_format=_format(reader))


def show_create_policies(reader: Reader) -> ShowCreatePolicies:
    """Read what follows SHOW CREATE ROW POLICIES."""
    named, on = _name_or_table(reader)
    return ShowCreatePolicies(named=named, on=on, output_format=_format(reader))


def show_policies(reader: Reader) -> ShowPolicies:
    """Read what follows SHOW ROW POLICIES."""
    named, on = _name_or_table(reader)
    return ShowPolicies(named=named, on=on, output_format=_format(reader))


def show_access(reader: Reader) -> ShowAccess:
    """Read what follows SHOW ACCESS."""
    return ShowAccess(output_format=_format(reader))


def show_users(reader: Reader) -> ShowUsers:
    """Read what follows SHOW USERS."""
    return ShowUsers(output_format=_format(reader))


def show_roles(which: Literal["", "CURRENT", "ENABLED"]) -> Callable[[Reader], ShowRoles]:
    """How to read what follows SHOW ROLES and the like."""
    return lambda reader: ShowRoles(which=which, output_format=_format(reader))


def show_profiles(reader: Reader) -> ShowProfiles:
    """Read what follows SHOW SETTINGS PROFILES."""
    return ShowProfiles(output_format=_format(reader))


def show_quotas(reader: Reader) -> ShowQuotas:
    """Read what follows SHOW QUOTAS."""
    return ShowQuotas(output_format=_format(reader))


def show_current_quota(reader: Reader) -> ShowCurrentQuota:
    """Read what follows SHOW CURRENT QUOTA."""
    return ShowCurrentQuota(output_format=_format(reader))


def show_privileges(reader: Reader) -> ShowPrivileges:
    """Read what follows SHOW PRIVILEGES."""
    return ShowPrivileges(output_format=_format(reader))


def _name_or_table(reader: Reader) -> tuple[str | None, TableName | None]:
    if reader.take("ON"):
        return None, table(reader)
    return (None, None) if _no_names(reader) else (reader.name(), None)


def _no_names(reader: Reader) -> bool:
    return reader.ended or reader.at("FORMAT") or reader.at("INTO") or reader.at("SETTINGS")


def _format(reader: Reader) -> str | None:
    return reader.any_name() if reader.take("FORMAT") else None
