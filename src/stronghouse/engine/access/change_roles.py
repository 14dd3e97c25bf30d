"""CREATE and ALTER of roles and of settings profiles."""

from dataclasses import replace

from stronghouse.engine.access.catalogue import Profile, Role
from stronghouse.engine.access.change import Change
from stronghouse.engine.access.change_references import forget
from stronghouse.engine.access.change_settings import changed, checked
from stronghouse.engine.access.methods import bad_arguments
from stronghouse.engine.access.refusals import unknown
from stronghouse.engine.access.statements import AlterProfile, AlterRole, CreateProfile, CreateRole


def create_roles(statement: CreateRole, change: Change) -> None:
    """Carry out CREATE ROLE."""
    settings = checked(change, statement.settings or ())
    taken = {role.name: role.id for role in change.roles.values()}
    for name in statement.names:
        change.need("CREATE ROLE", on=name)
        if change.free("ROLE", name, taken, statement.existing):
            forget(change, [taken[name]] if name in taken else [])
            role = Role(change.around.new_id(), name, settings)
            taken[name] = role.id
            change.roles[role.id] = role


def alter_roles(statement: AlterRole, change: Change) -> None:
    """Carry out ALTER ROLE."""
    _one_name(statement)
    for name in statement.names:
        change.need("ALTER ROLE", on=name)
        role = next((role for role in change.roles.values() if role.name == name), None)
        if role is None:
            if not statement.if_exists:
                raise unknown("ROLE", name)
            continue
        change.alterable("ROLE", name)
        role = replace(role, settings=changed(change, role.settings, statement.settings))
        if statement.new_name not in {None, name}:
            new_name = str(statement.new_name)
            change.free("ROLE", new_name, (other.name for other in change.roles.values()))
            role = replace(role, name=new_name)
        change.roles[role.id] = role


def create_profiles(statement: CreateProfile, change: Change) -> None:
    """Carry out CREATE SETTINGS PROFILE."""
    change.need("CREATE SETTINGS PROFILE")
    settings = checked(change, statement.settings or ())
    taken = {profile.name: profile.id for profile in change.profiles.values()}
    for name in statement.names:
        if change.free("SETTINGS PROFILE", name, taken, statement.existing):
            forget(change, [taken[name]] if name in taken else [])
            profile = Profile(change.around.new_id(), name, settings)
            if statement.to is not None:
                profile = replace(profile, targets=change.targets(statement.to))
            taken[name] = profile.id
            change.profiles[profile.id] = profile


def alter_profiles(statement: AlterProfile, change: Change) -> None:
    """Carry out ALTER SETTINGS PROFILE."""
    change.need("ALTER SETTINGS PROFILE")
    _one_name(statement)
    for name in statement.names:
        profile = next((profile for profile in change.profiles.values() if profile.name == name), None)
        if profile is None:
            if not statement.if_exists:
                raise unknown("SETTINGS PROFILE", name)
            continue
        profile = replace(profile, settings=changed(change, profile.settings, statement.settings))
        if statement.to is not None:
            profile = replace(profile, targets=change.targets(statement.to))
        if statement.new_name not in {None, name}:
            new_name = str(statement.new_name)
            change.free("SETTINGS PROFILE", new_name, (other.name for other in change.profiles.values()))
            profile = replace(profile, name=new_name)
        change.profiles[profile.id] = profile


def _one_name(statement: AlterRole | AlterProfile) -> None:
    if statement.new_name is not None and len(statement.names) > 1:
        raise bad_arguments("Several of them cannot be renamed to one name.")
