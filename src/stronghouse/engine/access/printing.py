"""Access statements as text, exactly as the engine's canonical form has them."""

from functools import singledispatch

from stronghouse.engine.access import statements as values
from stronghouse.engine.access.notation import interval, name, quoted_name, string
from stronghouse.engine.access.printing_parts import (
    changes,
    clause,
    grants_on,
    hosts,
    listed,
    methods,
    on_table,
    policies,
    settings,
    targets,
)


@singledispatch
def print_statement(statement: values.AccessStatement) -> str:
    """The statement in canonical form."""
    raise TypeError(f"{type(statement).__name__} is no access statement")


@print_statement.register
def _(it: values.CreateUser) -> str:
    return (
        f"CREATE USER{clause(it.existing)} {listed(it.names)}{_signing_in(it)}"
        f"{clause('HOST', hosts(it.hosts))}{_default_database(it.default_database)}"
        f"{clause('ROLE', listed(it.roles) or None)}{clause('DEFAULT ROLE', targets(it.default_roles))}"
        f"{clause('SETTINGS', settings(it.settings, 'PROFILE'))}{clause('GRANTEES', targets(it.grantees, 'ANY'))}"
    )


@print_statement.register
def _(it: values.AlterUser) -> str:
    names = "CURRENT_USER" if it.current_user else listed(it.names)
    return (
        f"ALTER USER{_if_exists(it.if_exists)} {names}{_rename_to_string(it.new_name)}"
        f"{' ADD' if it.add_methods else ''}{_signing_in(it)}{clause('HOST', hosts(it.hosts))}"
        f"{clause('ADD HOST', hosts(it.add_hosts or None))}{clause('DROP HOST', hosts(it.drop_hosts or None))}"
        f"{_default_database(it.default_database)}"
        f"{clause('DEFAULT ROLE', targets(it.default_roles))}{clause(changes(it.settings))}"
        f"{clause('GRANTEES', targets(it.grantees, 'ANY'))}"
        f"{' RESET AUTHENTICATION METHODS TO NEW' if it.reset_methods else ''}"
    )


@print_statement.register
def _(it: values.CreateRole) -> str:
    return f"CREATE ROLE{clause(it.existing)} {listed(it.names)}{clause('SETTINGS', settings(it.settings, 'PROFILE'))}"


@print_statement.register
def _(it: values.AlterRole) -> str:
    return (
        f"ALTER ROLE{_if_exists(it.if_exists)} {listed(it.names)}{_rename_to_string(it.new_name)}"
        f"{clause(changes(it.settings))}"
    )


@print_statement.register
def _(it: values.CreateProfile) -> str:
    return (
        f"CREATE SETTINGS PROFILE{clause(it.existing)} {listed(it.names, quoted_name)}"
        f"{clause('SETTINGS', settings(it.settings, 'INHERIT'))}{clause('TO', targets(it.to))}"
    )


@print_statement.register
def _(it: values.AlterProfile) -> str:
    return (
        f"ALTER SETTINGS PROFILE{_if_exists(it.if_exists)} {listed(it.names, quoted_name)}"
        f"{_rename_to_string(it.new_name)}{clause(changes(it.settings))}{clause('TO', targets(it.to))}"
    )


@print_statement.register
def _(it: values.CreateRowPolicy) -> str:
    return f"CREATE ROW POLICY{clause(it.existing)} {policies(it.policies)}{_filter(it)}"


@print_statement.register
def _(it: values.AlterRowPolicy) -> str:
    return (
        f"ALTER ROW POLICY{_if_exists(it.if_exists)} {policies(it.policies)}"
        f"{clause('RENAME TO', it.new_name and name(it.new_name))}{_filter(it)}"
    )


@print_statement.register
def _(it: values.CreateQuota) -> str:
    return f"CREATE QUOTA{clause(it.existing)} {listed(it.names)}{_limits(it)}"


@print_statement.register
def _(it: values.AlterQuota) -> str:
    return (
        f"ALTER QUOTA{_if_exists(it.if_exists)} {listed(it.names)}"
        f"{clause('RENAME TO', it.new_name and name(it.new_name))}{_limits(it)}"
    )


@print_statement.register
def _(it: values.Drop) -> str:
    return f"DROP {it.kind}{_if_exists(it.if_exists)} {listed(it.names)}"


@print_statement.register
def _(it: values.DropRowPolicies) -> str:
    return f"DROP ROW POLICY{_if_exists(it.if_exists)} {policies(it.policies)}"


@print_statement.register
def _(it: values.GrantPrivileges) -> str:
    return f"GRANT {grants_on(it.grants)} TO {targets(it.to)}{_grant_options(it)}"


@print_statement.register
def _(it: values.GrantCurrentGrants) -> str:
    return f"GRANT CURRENT GRANTS({grants_on(it.grants)}) TO {targets(it.to)}{_grant_options(it)}"


@print_statement.register
def _(it: values.RevokePrivileges) -> str:
    return f"REVOKE{' GRANT OPTION FOR' if it.grant_option_only else ''} {grants_on(it.grants)} FROM {targets(it.of)}"


@print_statement.register
def _(it: values.GrantRoles) -> str:
    return (
        f"GRANT {listed(it.roles) or 'NONE'} TO {targets(it.to)}"
        f"{' WITH ADMIN OPTION' if it.admin_option else ''}{' WITH REPLACE OPTION' if it.replace else ''}"
    )


@print_statement.register
def _(it: values.RevokeRoles) -> str:
    return f"REVOKE{' ADMIN OPTION FOR' if it.admin_option_only else ''} {targets(it.roles)} FROM {targets(it.of)}"


@print_statement.register
def _(it: values.SetRole) -> str:
    return f"SET ROLE {targets(it.roles) or 'DEFAULT'}"


@print_statement.register
def _(it: values.SetDefaultRole) -> str:
    return f"SET DEFAULT ROLE {targets(it.roles)} TO {targets(it.of)}"


@print_statement.register
def _(it: values.ShowGrants) -> str:
    of = "" if it.of == values.TargetNames(current_user=True) else f" FOR {targets(it.of)}"
    return f"SHOW GRANTS{of}{' WITH IMPLICIT' if it.with_implicit else ''}{' FINAL' if it.final else ''}{_format(it)}"


@print_statement.register
def _(it: values.ShowCreate) -> str:
    several = "S" if it.all or len(it.names) > 1 else ""
    return f"SHOW CREATE {it.kind}{several}{clause(listed(it.names))}{_format(it)}"


@print_statement.register
def _(it: values.ShowCreatePolicies) -> str:
    if it.policies:
        return f"SHOW CREATE ROW POLICY {policies(it.policies)}{_format(it)}"
    return f"SHOW CREATE ROW POLICIES{clause(it.named and name(it.named))}{on_table(it.on)}{_format(it)}"


@print_statement.register
def _(it: values.ShowPolicies) -> str:
    return f"SHOW ROW POLICIES{clause(it.named and name(it.named))}{on_table(it.on)}{_format(it)}"


@print_statement.register
def _(it: values.ShowRoles) -> str:
    return f"SHOW{clause(it.which)} ROLES{_format(it)}"


@print_statement.register
def _(it: values.ShowAccess) -> str:
    return f"SHOW ACCESS{_format(it)}"


@print_statement.register
def _(it: values.ShowUsers) -> str:
    return f"SHOW USERS{_format(it)}"


@print_statement.register
def _(it: values.ShowProfiles) -> str:
    return f"SHOW SETTINGS PROFILES{_format(it)}"


@print_statement.register
def _(it: values.ShowQuotas) -> str:
    return f"SHOW QUOTAS{_format(it)}"


@print_statement.register
def _(it: values.ShowCurrentQuota) -> str:
    return f"SHOW CURRENT QUOTA{_format(it)}"


@print_statement.register
def _(it: values.ShowPrivileges) -> str:
    return f"SHOW PRIVILEGES{_format(it)}"


def _if_exists(said: bool) -> str:  # noqa: FBT001 - a piece of text for a flag
    return " IF EXISTS" if said else ""


def _rename_to_string(new_name: str | None) -> str:
    return clause("RENAME TO", None if new_name is None else string(new_name))


def _signing_in(it: values.CreateUser | values.AlterUser) -> str:
    return (
        f"{clause('IDENTIFIED', methods(it.methods))}{clause('VALID UNTIL', it.valid_until and string(it.valid_until))}"
    )


def _default_database(database: str | None) -> str:
    return clause("DEFAULT DATABASE", "NONE" if database == "" else database and name(database))


def _filter(it: values.CreateRowPolicy | values.AlterRowPolicy) -> str:
    kind = "" if it.restrictive is None else " AS RESTRICTIVE" if it.restrictive else " AS PERMISSIVE"
    return f"{kind}{clause('FOR SELECT USING', it.condition)}{clause('TO', targets(it.to))}"


def _limits(it: values.CreateQuota | values.AlterQuota) -> str:
    key = "" if it.key is None else " NOT KEYED" if it.key == "none" else f" KEYED BY {it.key}"
    intervals = ", ".join(_interval(one) for one in it.intervals)
    return f"{key}{clause(intervals)}{clause('TO', targets(it.to))}"


def _interval(it: values.NewInterval) -> str:
    limits = "NO LIMITS" if it.limits is None else "TRACKING ONLY"
    if it.limits:
        limits = "MAX " + ", ".join(f"{limit} = {value}" for limit, value in it.limits)
    return f"FOR{' RANDOMIZED' if it.randomized else ''} INTERVAL {interval(it.seconds)} {limits}"


def _grant_options(it: values.GrantPrivileges | values.GrantCurrentGrants) -> str:
    option = any(grant.grant_option for grant in it.grants)
    return f"{' WITH GRANT OPTION' if option else ''}{' WITH REPLACE OPTION' if it.replace else ''}"


def _format(it: values.Showing) -> str:
    return clause("FORMAT", it.output_format and name(it.output_format))
