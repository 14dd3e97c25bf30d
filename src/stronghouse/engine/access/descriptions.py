"""What there is, described by the statements that would make it: what SHOW CREATE and SHOW GRANTS print.

Invariants:
- No hash of a password is in any of these statements.
- Names are sorted and grants in normal form: equal catalogues are described in equal words.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter

from stronghouse.engine.access.catalogue import (
    Catalogue,
    Grant,
    Profile,
    Quota,
    QuotaInterval,
    Role,
    RoleGrant,
    RowPolicy,
    SettingElement,
    Targets,
    User,
)
from stronghouse.engine.access.privileges import named
from stronghouse.engine.access.statements import (
    CreateProfile,
    CreateQuota,
    CreateRole,
    CreateRowPolicy,
    CreateUser,
    GrantPrivileges,
    GrantRoles,
    NewInterval,
    NewMethod,
    PolicyName,
    RevokePrivileges,
    TargetNames,
)
from stronghouse.engine.quotas import AMOUNTS

GrantStatement = GrantPrivileges | RevokePrivileges | GrantRoles


def names_of(catalogue: Catalogue, ids: Iterable[str]) -> tuple[str, ...]:
    """The names of users and roles, sorted; who is gone is left out."""
    found = (catalogue.users.get(id_) or catalogue.roles.get(id_) for id_ in ids)
    return tuple(sorted(entity.name for entity in found if entity is not None))


def user_statement(catalogue: Catalogue, user: User) -> CreateUser:
    """What would make this user, but for the passwords."""
    return CreateUser(
        names=(user.name,),
        methods=tuple(NewMethod(kind=method.kind, valid_until=_moment(method.valid_until)) for method in user.methods),
        hosts=None if "ANY" in user.hosts else tuple(sorted(user.hosts, key=lambda host: (host != "LOCAL", host))),
        default_database=user.default_database,
        default_roles=_unless_everybody(catalogue, user.default_roles),
        settings=_settings(catalogue, user.settings),
        grantees=_unless_everybody(catalogue, user.grantees),
    )


def role_statement(catalogue: Catalogue, role: Role) -> CreateRole:
    """What would make this role."""
    return CreateRole(names=(role.name,), settings=_settings(catalogue, role.settings))


def policy_statement(catalogue: Catalogue, policy: RowPolicy) -> CreateRowPolicy:
    """What would make this row policy."""
    return CreateRowPolicy(
        policies=(PolicyName(policy.name, policy.database, policy.table),),
        condition=policy.condition or None,
        restrictive=True if policy.restrictive else None,
        to=_to(catalogue, policy.targets),
    )


def profile_statement(catalogue: Catalogue, profile: Profile) -> CreateProfile:
    """What would make this settings profile."""
    return CreateProfile(
        names=(profile.name,), settings=_settings(catalogue, profile.settings), to=_to(catalogue, profile.targets)
    )


def quota_statement(catalogue: Catalogue, quota: Quota) -> CreateQuota:
    """What would make this quota."""
    return CreateQuota(
        names=(quota.name,),
        key=None if quota.key == "none" else quota.key,
        intervals=tuple(_interval(interval) for interval in quota.intervals),
        to=_to(catalogue, quota.targets),
    )


def grant_statements(
    catalogue: Catalogue, name: str, grants: Iterable[Grant], roles: Iterable[RoleGrant]
) -> list[GrantStatement]:
    """What would give `grants`, in normal form, and `roles` to the user or role with this name."""
    to = TargetNames((name,))
    made: list[GrantStatement] = []
    for _, together in groupby(grants, key=_line):
        found = tuple(_by_privilege(together))
        if found[0].revoked:
            plain = tuple(Grant(one.privilege, one.database, one.table, one.column, one.parameter) for one in found)
            made.append(RevokePrivileges(plain, to, grant_option_only=found[0].grant_option))
        else:
            made.append(GrantPrivileges(found, to))
    return made + list(_role_statements(catalogue, to, roles))


def _role_statements(catalogue: Catalogue, to: TargetNames, roles: Iterable[RoleGrant]) -> Iterator[GrantRoles]:
    given = sorted(roles, key=attrgetter("admin_option"))
    for admin_option, together in groupby(given, key=attrgetter("admin_option")):
        names = names_of(catalogue, (grant.role for grant in together))
        if names:
            yield GrantRoles(names, to, admin_option=bool(admin_option))


def _line(grant: Grant) -> tuple[object, ...]:
    """What the grants of one statement have in common."""
    kind = named(grant.privilege).parameter
    return (grant.database, grant.table, grant.parameter, kind, grant.revoked, grant.grant_option)


def _by_privilege(grants: Iterable[Grant]) -> Iterator[Grant]:
    """Those of one privilege beside each other, as `SELECT(a, b)` has them."""
    found: dict[str, list[Grant]] = {}
    for grant in grants:
        found.setdefault(grant.privilege, []).append(grant)
    for together in found.values():
        yield from together


def _moment(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _interval(interval: QuotaInterval) -> NewInterval:
    order = {name: place for place, name in enumerate(AMOUNTS)}
    limits = sorted(interval.limits, key=lambda limit: order.get(limit[0], len(order)))
    return NewInterval(
        interval.seconds, randomized=interval.randomized, limits=tuple((name, _number(most)) for name, most in limits)
    )


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _settings(catalogue: Catalogue, elements: tuple[SettingElement, ...]) -> tuple[SettingElement, ...] | None:
    """With the names of profiles in the place of their ids."""
    named_ = (
        SettingElement(profile=profile_name(catalogue, element.profile)) if element.profile is not None else element
        for element in elements
    )
    return tuple(named_) or None


def profile_name(catalogue: Catalogue, id_: str) -> str:
    """The name of a profile that something refers to."""
    profile = catalogue.profiles.get(id_)
    return id_ if profile is None else profile.name


def _unless_everybody(catalogue: Catalogue, targets: Targets) -> TargetNames | None:
    if targets.everybody and not targets.excluded:
        return None
    return _names(catalogue, targets)


def _to(catalogue: Catalogue, targets: Targets) -> TargetNames | None:
    return _names(catalogue, targets) if targets.everybody or targets.ids else None


def _names(catalogue: Catalogue, targets: Targets) -> TargetNames:
    named_ids = targets.excluded if targets.everybody else targets.ids
    return TargetNames(names_of(catalogue, named_ids), everybody=targets.everybody)
