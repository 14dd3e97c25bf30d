"""CREATE USER, ALTER USER and SET DEFAULT ROLE."""

import ipaddress
from collections.abc import Iterable
from dataclasses import replace

from stronghouse.engine.access.catalogue import Method, RoleGrant, Targets, User
from stronghouse.engine.access.change import Change
from stronghouse.engine.access.change_references import forget
from stronghouse.engine.access.change_settings import changed, checked
from stronghouse.engine.access.methods import bad_arguments, is_valid, moment, new_method
from stronghouse.engine.access.refusals import unknown
from stronghouse.engine.access.statements import AlterUser, CreateUser, SetDefaultRole, TargetNames
from stronghouse.engine.errors import DatabaseError

MOST_METHODS = 8
"""Of one user: each is tried at a sign-in."""
MOST_HOSTS = 256


def create_users(statement: CreateUser, change: Change) -> None:
    """Carry out CREATE USER."""
    for name in statement.names:
        change.need("CREATE USER", on=name)
    methods = _methods(statement, change)
    if not methods:
        raise bad_arguments("Authentication type NO_PASSWORD is not allowed in this service: give IDENTIFIED BY.")
    taken = {user.name: user.id for user in change.users.values()}
    for name in statement.names:
        if not change.free("USER", name, taken, statement.existing):
            continue
        forget(change, [taken[name]] if name in taken else [])
        user = User(
            id=change.around.new_id(),
            name=name,
            methods=methods,
            hosts=("ANY",) if statement.hosts is None else _hosts(statement.hosts),
            default_database=statement.default_database or None,
            settings=checked(change, statement.settings or ()),
        )
        taken[name] = user.id
        change.users[user.id] = user
        change.users[user.id] = _with_roles(statement, change, user)
    for name in statement.names:  # afterwards, since the new users can be named there
        user = change.users[taken[name]]
        if statement.grantees is not None and user.id not in change.before.users:
            change.users[user.id] = replace(user, grantees=change.targets(statement.grantees))


def alter_users(statement: AlterUser, change: Change) -> None:
    """Carry out ALTER USER. Everybody may give themselves another password, and nothing else."""
    users = [change.users[change.actor.user]] if statement.current_user else _named(statement, change)
    own = len(users) == 1 and users[0].id == change.actor.user and _only_password(statement, change)
    for user in users:
        if not own:
            change.need("ALTER USER", on=user.name)
    methods = _methods(statement, change)
    for user in users:
        change.alterable("USER", user.name)
        made = _altered(statement, change, user, methods)
        if own and not change.rights.granted("ALTER USER", parameter=user.name):
            made = replace(made, methods=tuple(_no_longer(user, method) for method in made.methods))
        change.users[user.id] = made
    if statement.new_name is not None:
        _rename(statement.new_name, users, change)


def set_default_roles(statement: SetDefaultRole, change: Change) -> None:
    """Carry out SET DEFAULT ROLE."""
    users = [change.user_named(name) for name in statement.of.names]
    if statement.of.current_user:
        users.append(change.users[change.actor.user])
    for user in users:
        change.need("ALTER USER", on=user.name)
        change.alterable("USER", user.name)
        change.users[user.id] = replace(user, default_roles=_default_roles(statement.roles, change, user))


def _named(statement: AlterUser, change: Change) -> list[User]:
    names = {user.name: user for user in change.users.values()}
    for name in statement.names:
        if name not in names and not statement.if_exists:
            raise unknown("USER", name)
    return [names[name] for name in dict.fromkeys(statement.names) if name in names]


def _altered(statement: AlterUser, change: Change, user: User, methods: tuple[Method, ...]) -> User:
    if statement.reset_methods:
        user = replace(user, methods=user.methods[-1:])
    if methods:
        user = replace(user, methods=(*user.methods, *methods) if statement.add_methods else methods)
    elif statement.valid_until is not None:
        until = moment(statement.valid_until)
        user = replace(user, methods=tuple(replace(method, valid_until=until) for method in user.methods))
    if len(user.methods) > MOST_METHODS:
        raise bad_arguments(f"A user can have at most {MOST_METHODS} authentication methods in this service.")
    hosts = user.hosts if statement.hosts is None else _hosts(statement.hosts)
    dropped = _hosts(statement.drop_hosts)
    hosts = tuple(host for host in (*hosts, *_hosts(statement.add_hosts)) if host not in dropped)
    if statement.default_database is not None:
        user = replace(user, default_database=statement.default_database or None)
    if statement.default_roles is not None:
        user = replace(user, default_roles=_default_roles(statement.default_roles, change, user))
    if statement.grantees is not None:
        user = replace(user, grantees=change.targets(statement.grantees))
    return replace(user, hosts=tuple(dict.fromkeys(hosts)), settings=changed(change, user.settings, statement.settings))


def _rename(new_name: str, users: list[User], change: Change) -> None:
    if len(users) > 1:
        raise bad_arguments("Several users cannot be renamed to one name.")
    for user in users:
        if user.name != new_name:
            change.free("USER", new_name, (other.name for other in change.users.values()))
            change.users[user.id] = replace(change.users[user.id], name=new_name)


def _only_password(statement: AlterUser, change: Change) -> bool:
    """Whether a statement gives one new password to somebody who still has a valid one, and does nothing else."""
    nothing_else = AlterUser(
        names=statement.names,
        current_user=statement.current_user,
        if_exists=statement.if_exists,
        methods=statement.methods,
    )
    only = statement == nothing_else and len(statement.methods) == 1 and statement.methods[0].valid_until is None
    return only and any(is_valid(method, change.around.now) for method in change.user.methods)


def _no_longer(user: User, method: Method) -> Method:
    """A password that somebody gives themselves is no longer valid than those that they had."""
    ends = [old.valid_until for old in user.methods if old.valid_until is not None]
    return replace(method, valid_until=max(ends) if len(ends) == len(user.methods) else None)


def _methods(statement: CreateUser | AlterUser, change: Change) -> tuple[Method, ...]:
    if len(statement.methods) > MOST_METHODS:
        raise bad_arguments(f"A user can have at most {MOST_METHODS} authentication methods in this service.")
    methods = tuple(new_method(given, change.around.random) for given in statement.methods)
    if statement.valid_until is None or not methods:
        return methods
    until = moment(statement.valid_until)
    return tuple(replace(method, valid_until=until) for method in methods)


def _with_roles(statement: CreateUser, change: Change, user: User) -> User:
    """The roles of a new user. Those that are to be its default roles are granted too, as ClickHouse does."""
    names = list(statement.roles)
    default = statement.default_roles
    if default is not None and not default.everybody:
        names += default.names
    roles = list(dict.fromkeys(change.role_named(name).id for name in names))
    change.need_admin(roles)
    user = replace(user, roles=tuple(RoleGrant(role) for role in roles))
    return user if default is None else replace(user, default_roles=_default_roles(default, change, user))


def _default_roles(names: TargetNames, change: Change, user: User) -> Targets:
    ids = frozenset(change.role_named(name).id for name in names.names)
    if names.everybody:
        return Targets(everybody=True, excluded=ids)
    for role in ids - {grant.role for grant in user.roles}:
        raise DatabaseError(
            512, "SET_NON_GRANTED_ROLE", f"Role {change.roles[role].name} should be granted to set default"
        )
    return Targets(ids=ids)


def _hosts(given: Iterable[str]) -> tuple[str, ...]:
    """Hosts as a catalogue has them."""
    hosts = tuple(dict.fromkeys(host if host in {"ANY", "LOCAL"} else _network(host) for host in given))
    if len(hosts) > MOST_HOSTS:
        raise bad_arguments(f"A user can have at most {MOST_HOSTS} hosts in this service.")
    return ("ANY",) if "ANY" in hosts else hosts


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise bad_arguments(f"{text[:64]} is no IP address or network.") from None
