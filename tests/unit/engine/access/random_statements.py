"""Access statements at random, as the engine would print them: what it puts in order or leaves out is not made."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import strategies as st

from stronghouse.engine.access.catalogue import Grant, SettingElement
from stronghouse.engine.access.notation import UNITS
from stronghouse.engine.access.reader import KEYWORDS
from stronghouse.engine.access.statements import (
    AccessStatement,
    AlterProfile,
    AlterQuota,
    AlterRole,
    AlterRowPolicy,
    AlterUser,
    CreateProfile,
    CreateQuota,
    CreateRole,
    CreateRowPolicy,
    CreateUser,
    Drop,
    DropRowPolicies,
    Existing,
    GrantCurrentGrants,
    GrantPrivileges,
    GrantRoles,
    Kind,
    NewInterval,
    NewMethod,
    PolicyName,
    RevokePrivileges,
    RevokeRoles,
    SetDefaultRole,
    SetRole,
    SettingChanges,
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

CHARACTERS = st.characters(exclude_categories=["Cs"])
anything = st.text(CHARACTERS, max_size=6)
some_text = st.text(CHARACTERS, min_size=1, max_size=4)
column = st.sampled_from(["a", "b", "TO", "on", "all", "a b", "`", "\\", "ü", "1"]) | some_text
name = (st.sampled_from(["alice", "bob", "nobody", "Select", "a@b", "'"]) | column).filter(
    lambda text: text.upper() not in KEYWORDS
)
names = st.lists(name, min_size=1, max_size=3, unique=True).map(tuple)
some_names = st.lists(name, max_size=2, unique=True).map(tuple)
database = st.just("") | column
existing: st.SearchStrategy[Existing] = st.sampled_from(["", "IF NOT EXISTS", "OR REPLACE"])
flag = st.booleans()
roles = st.builds(TargetNames, some_names, everybody=flag)
targets = st.builds(TargetNames, some_names, everybody=flag, current_user=flag)
receivers = st.builds(TargetNames, some_names, current_user=flag)
kept = targets.filter(lambda it: it != TargetNames())  # CREATE … TO NONE is CREATE without TO
literal = st.sampled_from(["1", "-1.5", "1000.", "5e-7", "'x'", r"'\'\\'", "''", "true", "NULL", "inf"])
bound = st.none() | literal
writability = st.sampled_from(["", "CONST", "WRITABLE", "CHANGEABLE_IN_READONLY"])
setting = st.builds(SettingElement, name, bound, bound, bound, writability).filter(
    lambda it: it.value is not None or it.minimum is not None or it.maximum is not None or it.writability != ""
)
setting_list = st.lists(setting, max_size=2, unique_by=lambda it: it.name).map(tuple)
settings = st.none() | st.lists(setting | st.builds(SettingElement, profile=name), max_size=3).map(tuple)
changes = st.builds(SettingChanges, flag, flag, some_names, some_names, some_names, setting_list, setting_list).map(
    lambda it: None if it == SettingChanges() else it
)
until = st.none() | some_text
password = st.builds(
    NewMethod,
    st.sampled_from(["", "plaintext_password", "sha256_password", "double_sha1_hash", "bcrypt_hash"]),
    anything,
    valid_until=until,
)
salted = st.builds(NewMethod, st.just("sha256_hash"), anything, anything, until)
methods = st.lists(password | salted, max_size=3).map(tuple) | st.builds(
    NewMethod, st.just("no_password"), valid_until=until
).map(lambda it: (it,))
hosts = st.sampled_from([("ANY",), ("LOCAL",), ("LOCAL", "10.0.0.0/8"), ("1.2.3.4", "2001:db8::1", "10.0.0.0/8")])
condition = st.sampled_from(["1", "a = 'TO x'", "(a = 1) AND (b IN (SELECT 1 AS TO))", "TO", "a = TO", "x.TO", "NULL"])
interval = st.builds(
    NewInterval,
    st.builds(lambda unit, count: UNITS[unit] * count, st.sampled_from(list(UNITS)), st.integers(1, 50)),
    flag,
    st.none()
    | st.sampled_from([(), (("queries", "5"),), (("queries", "1"), ("read_rows", "9"), ("execution_time", "1.5"))]),
)
intervals = st.lists(interval, max_size=3).map(tuple)
key = st.sampled_from([None, "none", "user_name", "ip_address", "forwarded_ip_address", "client_key"])
policy = st.builds(PolicyName, name, database, column)
policies = st.lists(policy, min_size=1, max_size=3).map(tuple) | st.builds(
    lambda names, table: tuple(PolicyName(one, table.database, table.table) for one in names),
    names,
    st.builds(TableName, database, column),
)
a_table = st.builds(TableName, database, st.none() | column)
_places = {
    "SELECT": (
        st.builds(lambda at: Grant("", at.database, at.table), a_table)
        | st.just(Grant(""))
        | st.builds(lambda db, table, column: Grant("", db, table, column), database, column, column)
    ),
    "SHOW TABLES": st.builds(lambda at: Grant("", at.database, at.table), a_table),
    "SYSTEM SHUTDOWN": st.just(Grant("")),
    "FILE": st.just(Grant("")),
    "CREATE USER": st.builds(lambda on: Grant("", parameter=on), st.none() | column),
    "SET DEFINER": st.builds(lambda on: Grant("", parameter=on), st.none() | column),
    "NAMED COLLECTION": st.builds(lambda on: Grant("", parameter=on), st.none() | column),
}
_places |= {"INSERT": _places["SELECT"], "ALTER UPDATE": _places["SELECT"]}
_places |= {"CREATE ROLE": _places["CREATE USER"], "dictGet": _places["SHOW TABLES"]}


def _grant(privilege: str) -> st.SearchStrategy[Grant]:
    return _places[privilege].map(lambda at: Grant(privilege, at.database, at.table, at.column, at.parameter))


@st.composite
def grants(draw: st.DrawFn) -> tuple[Grant, ...]:
    if draw(flag) and draw(flag):  # ALL stands alone: the engine takes it apart when it overlaps with something
        return tuple(replace(at, privilege="ALL") for at in draw(st.lists(_places["SELECT"], max_size=1)))
    return tuple(draw(st.lists(st.sampled_from(list(_places)).flatmap(_grant), max_size=4, unique=True)))


@st.composite
def given_grants(draw: st.DrawFn) -> tuple[Grant, ...]:
    option = draw(flag)
    return tuple(
        Grant(it.privilege, it.database, it.table, it.column, it.parameter, grant_option=option)
        for it in draw(grants())
    )


kinds: st.SearchStrategy[Kind] = st.sampled_from(["USER", "ROLE", "SETTINGS PROFILE", "QUOTA"])
shown = st.sampled_from([None, "JSON", "TSV"])


@st.composite
def create_user(draw: st.DrawFn) -> CreateUser:
    signing_in = draw(methods)
    return CreateUser(
        draw(names),
        draw(existing),
        signing_in,
        None if signing_in else draw(until),
        draw(st.none() | st.just(()) | hosts),
        draw(st.none() | database),
        draw(some_names),
        draw(st.none() | roles),
        draw(settings),
        draw(st.none() | targets),
    )


@st.composite
def alter_user(draw: st.DrawFn) -> AlterUser:
    altered, signing_in = draw(st.just(()) | names), draw(methods)
    added = bool(signing_in) and signing_in[0].kind != "no_password" and draw(flag)
    return AlterUser(
        altered,
        not altered,
        draw(flag),
        draw(st.none() | name) if len(altered) == 1 else None,
        signing_in,
        added,
        False if signing_in else draw(flag),
        None if signing_in else draw(until),
        draw(st.none() | st.just(()) | hosts),
        draw(st.just(()) | hosts),
        draw(st.just(()) | hosts),
        draw(st.none() | database),
        draw(st.none() | roles),
        draw(changes),
        draw(st.none() | targets),
    )


@st.composite
def show_create(draw: st.DrawFn) -> ShowCreate:
    kind, named = draw(kinds), draw(some_names)
    everything = not named and (kind not in {"USER", "QUOTA"} or draw(flag))
    return ShowCreate(kind=kind, names=named, all=everything, output_format=draw(shown))


@st.composite
def show_create_policies(draw: st.DrawFn) -> ShowCreatePolicies:
    listed = draw(st.just(()) | policies)
    named = None if listed else draw(st.none() | name)
    on = None if listed or named else draw(st.none() | a_table)
    return ShowCreatePolicies(policies=listed, named=named, on=on, output_format=draw(shown))


@st.composite
def show_policies(draw: st.DrawFn) -> ShowPolicies:
    named = draw(st.none() | name)
    return ShowPolicies(named=named, on=None if named else draw(st.none() | a_table), output_format=draw(shown))


@st.composite
def alter(draw: st.DrawFn, kind: Callable[..., AccessStatement], *rest: st.SearchStrategy[object]) -> AccessStatement:
    altered = draw(names)
    return kind(altered, draw(flag), draw(st.none() | name) if len(altered) == 1 else None, *map(draw, rest))


statements: st.SearchStrategy[AccessStatement] = st.one_of(
    create_user(),
    alter_user().filter(lambda it: it != AlterUser(it.names, it.current_user, it.if_exists)),
    st.builds(CreateRole, names, existing, settings),
    alter(AlterRole, changes),
    st.builds(CreateRowPolicy, policies, existing, st.none() | condition, st.none() | flag, st.none() | kept),
    st.builds(AlterRowPolicy, policies, flag, st.none(), st.none() | condition, st.none() | flag, st.none() | targets),
    st.builds(CreateProfile, names, existing, settings, st.none() | kept),
    alter(AlterProfile, changes, st.none() | targets),
    st.builds(CreateQuota, names, existing, key, intervals, st.none() | kept),
    alter(AlterQuota, key, intervals, st.none() | targets),
    st.builds(Drop, kinds, names, flag),
    st.builds(DropRowPolicies, policies, flag),
    st.builds(GrantPrivileges, given_grants(), receivers, flag),
    st.builds(GrantCurrentGrants, given_grants(), receivers, flag),
    st.builds(RevokePrivileges, grants(), targets, flag).filter(lambda it: it.grants or not it.grant_option_only),
    st.builds(GrantRoles, some_names, receivers, flag, flag),
    st.builds(RevokeRoles, roles, targets, flag),
    st.builds(SetRole, st.none() | roles),
    st.builds(SetDefaultRole, roles, receivers),
    st.builds(ShowGrants, of=targets, with_implicit=flag, final=flag, output_format=shown),
    show_create(),
    show_create_policies(),
    show_policies(),
    st.builds(ShowRoles, which=st.sampled_from(["", "CURRENT", "ENABLED"]), output_format=shown),
    *(
        st.builds(kind, output_format=shown)
        for kind in (ShowAccess, ShowUsers, ShowProfiles, ShowQuotas, ShowCurrentQuota, ShowPrivileges)
    ),
)
