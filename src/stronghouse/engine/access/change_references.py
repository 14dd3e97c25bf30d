"""Taking something out of a catalogue with everything that refers to it."""

from collections.abc import Iterable
from dataclasses import replace

from stronghouse.engine.access.catalogue import RoleGrant, SettingElement, Targets
from stronghouse.engine.access.change import Change


def forget(change: Change, ids: Iterable[str]) -> None:
    """Take users, roles, policies, profiles and quotas with these ids away, and all references to them."""
    gone = frozenset(ids)
    if not gone:
        return
    for found in (change.users, change.roles, change.policies, change.profiles, change.quotas):
        for id_ in gone & found.keys():
            del found[id_]
    for user in list(change.users.values()):
        changed = replace(
            user,
            roles=_roles(user.roles, gone),
            default_roles=_targets(user.default_roles, gone),
            grantees=_targets(user.grantees, gone),
            settings=_settings(user.settings, gone),
        )
        if changed != user:
            change.users[user.id] = changed
    for role in list(change.roles.values()):
        change.roles[role.id] = replace(role, roles=_roles(role.roles, gone), settings=_settings(role.settings, gone))
    for policy in list(change.policies.values()):
        change.policies[policy.id] = replace(policy, targets=_targets(policy.targets, gone))
    for profile in list(change.profiles.values()):
        change.profiles[profile.id] = replace(
            profile, targets=_targets(profile.targets, gone), settings=_settings(profile.settings, gone)
        )
    for quota in list(change.quotas.values()):
        change.quotas[quota.id] = replace(quota, targets=_targets(quota.targets, gone))


def _roles(given: tuple[RoleGrant, ...], gone: frozenset[str]) -> tuple[RoleGrant, ...]:
    return tuple(grant for grant in given if grant.role not in gone)


def _targets(targets: Targets, gone: frozenset[str]) -> Targets:
    if not (targets.ids | targets.excluded) & gone:
        return targets
    return replace(targets, ids=targets.ids - gone, excluded=targets.excluded - gone)


def _settings(elements: tuple[SettingElement, ...], gone: frozenset[str]) -> tuple[SettingElement, ...]:
    return tuple(element for element in elements if element.profile not in gone)
