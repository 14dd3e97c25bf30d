"""A catalogue as the engine's users file.

The engine has one user that statements run as, `default`; every user and role of the catalogue is a role of the engine,
and a connection sets those that are in force:

    u_<id>, r_<id>  the grants of a user or role
    p_<id>, x_<id>  held, through those, by whom a row policy names, and by whom it leaves out
    v_<table>       held by those who see all rows of a table of `system`
    g_<number>      the generation of the catalogue, to tell that this file is in force
    s_internal      our own connections
    s_external      what a request has besides while it brings tables along: it may make temporary ones
    s_everything    whatever runs with every role there is, because nobody set its roles
    d_<id>          users, not roles: what the views of a user run as
    l_<id>, e_<id>  settings profiles, of constraints only; the second where text in VALUES may be evaluated

Invariants:
- No row policy and no filter is left out for `default` or any `d_` user: the engine shows whoever has none everything.
- A table with any row policy shows nothing to those whom none covers, as ClickHouse's documentation has it.
- The file grows with the number of users, roles and policies, not with their product, but for filters of `d_` users,
  which each has to have.
"""

from collections.abc import Iterable, Iterator

from stronghouse.engine.access.catalogue import Catalogue, RowPolicy, User
from stronghouse.engine.access.effective_settings import Effective, effective_settings, plain
from stronghouse.engine.access.engine_roles import (
    BY_GRANT,
    OWN_DATABASE,
    OWN_GRANT,
    PRIVILEGES,
    creates_views,
    statements_of,
    visibility,
)
from stronghouse.engine.access.store import OWNER_ID
from stronghouse.engine.access.system_tables import OWN_ROWS, VISIBLE_WITH
from stronghouse.engine.configuration import TABLE_ENGINES, Node, base_profile, inert

INTERNAL = "s_internal"
EXTERNAL = "s_external"
EVALUATING = "evaluating"
PROCESSES = "processes"
"""The view of our own over `system.processes`."""
EVERYTHING = "s_everything"
VIEW_SETTINGS = (
    "default_view_definer",
    "default_normal_view_sql_security",
    "default_materialized_view_sql_security",
)
"""Settings that a connection's set-up gives and nobody changes: what new views run as."""
HIDDEN = (
    "asynchronous_inserts",
    "background_schedule_pool",
    "jemalloc_profile_text",
    "jemalloc_sampled_allocations",
    "query_cache",
    "query_condition_cache",
    "session_query_ids",
    "stack_trace",
    "statements",
    "user_processes",
    "user_query_log",
)
"""Tables of `system` with other people's statements, or with the process's inside: for our own connections only."""
_TELLING = (
    *("columns", "constraints", "data_skipping_indices", "detached_parts", "dropped_tables", "dropped_tables_parts"),
    *("hypothetical_indexes", "hypothetical_projections", "merges", "moves", "mutations", "parts", "parts_columns"),
    *("projection_parts", "projection_parts_columns", "projections", "tables", "view_refreshes"),
)
_NOT_OURS = {
    **dict.fromkeys(_TELLING, f"database != '{OWN_DATABASE}'"),
    "databases": f"name != '{OWN_DATABASE}'",
    "completions": f"word != '{OWN_DATABASE}' AND belongs != '{OWN_DATABASE}'",
}
"""Rows of tables of `system` that are not about our own database, which is shown to nobody."""
_IS_INTERNAL = f"has(enabledRoles(), '{INTERNAL}')"
_IS_OWNER = f"has(currentRoles(), 'u_{OWNER_ID}')"
_OWN_STATEMENTS = "startsWith(query, '/*sh:') AND has(currentRoles(), concat('u_', substring(query, 6, 16)))"
"""Every statement begins with `/*sh:<id of its user> …*/`, put before it by the front."""


def users_tree(catalogue: Catalogue) -> Node:
    """The users file of a catalogue."""
    filters: Node = ("databases", _filters(catalogue))
    markers = _marked(catalogue)
    roles = list(_roles(catalogue, markers))
    # Each needs its own: the engine's users do not share anything.
    users = [("default", _user([name for name, _ in roles], filters, networks=(("ip", "::/0"),)))]
    profiles = [base_profile("default"), base_profile(EVALUATING, expressions=True)]
    for user in catalogue.users.values():
        constraints: Node = ("constraints", _constraints(catalogue, user))
        profiles.append((f"l_{user.id}", (("profile", "default"), constraints)))
        profiles.append((f"e_{user.id}", (("profile", EVALUATING), constraints)))
        if may_create_views(catalogue, user):
            held = catalogue.roles_within(catalogue.default_roles_of(user))
            users.append((definer(user.id), _user(engine_roles(user.id, sorted(held)), filters, networks=())))
    return (
        "clickhouse",
        (
            ("profiles", profiles),
            ("quotas", (("default", ""),)),
            ("roles", roles),
            ("users", users),
        ),
    )


def definer(user_id: str) -> str:
    """The engine's user that views of this user run as."""
    return f"d_{user_id}"


def may_create_views(catalogue: Catalogue, user: User) -> bool:
    """Whether the user, with any of the roles granted, can create a view, and so needs an engine user for views.

    Each of those has all filters, and the engine takes 0.1 ms for each filter to open: for those who need it only.
    Views of a user who may not create any more are refused with 192 until that is so again.
    """
    roles = catalogue.roles_within(grant.role for grant in user.roles)
    return creates_views(user.grants) or any(creates_views(catalogue.roles[role].grants) for role in roles)


def generation_marker(generation: int) -> str:
    """The engine's role that there is if this generation of the catalogue is in force."""
    return f"g_{generation}"


def engine_roles(user_id: str, roles: Iterable[str]) -> list[str]:
    """The engine's roles to set for a user with these roles in force, those within them included."""
    return [f"u_{user_id}", *(f"r_{role}" for role in roles)]


def _user(roles: Iterable[str], filters: Node, *, networks: tuple[Node, ...]) -> list[Node]:
    return [
        ("no_password", ""),  # reached by this process only; people are authenticated by the front
        ("networks", networks),
        ("profile", "default"),
        ("quota", "default"),
        ("grants", [("query", f"GRANT {', '.join(roles)}")]),
        filters,
    ]


def _marked(catalogue: Catalogue) -> dict[str, list[str]]:
    """The markers of row policies that each user or role holds."""
    markers: dict[str, list[str]] = {}
    for policy in catalogue.policies.values():
        for ids, prefix in ((policy.targets.ids, "p"), (policy.targets.excluded, "x")):
            for held_by in ids:
                markers.setdefault(held_by, []).append(f"{prefix}_{policy.id}")
    return markers


def _roles(catalogue: Catalogue, markers: dict[str, list[str]]) -> Iterator[Node]:
    names = [generation_marker(catalogue.generation), EVERYTHING]
    names += [f"{prefix}_{policy}" for policy in catalogue.policies for prefix in ("p", "x")]
    names += [visibility(table) for table in (*VISIBLE_WITH, *BY_GRANT)]
    yield from ((name, ()) for name in names)
    internal = [f"GRANT {', '.join(PRIVILEGES)} ON *.*", OWN_GRANT]
    internal += [f"GRANT TABLE ENGINE ON {engine}" for engine in TABLE_ENGINES]
    yield INTERNAL, _role(internal)
    yield EXTERNAL, _role(["GRANT CREATE ARBITRARY TEMPORARY TABLE ON *.*"])
    for user in catalogue.users.values():
        # Everybody may look at running queries: at their own, says the row policy below the view.
        own = [*statements_of(user.grants), f"GRANT SELECT ON {OWN_DATABASE}.{PROCESSES}"]
        if may_create_views(catalogue, user):
            own.append(f"GRANT SET DEFINER ON {definer(user.id)}")
        yield f"u_{user.id}", _role(own, markers.get(user.id))
    for role in catalogue.roles.values():
        yield f"r_{role.id}", _role(statements_of(role.grants), markers.get(role.id))


def _role(statements: Iterable[str], markers: Iterable[str] | None = None) -> tuple[Node, ...]:
    queries: list[Node] = [("query", inert(statement)) for statement in statements]
    if markers:
        queries.append(("query", f"GRANT {', '.join(markers)}"))
    return (("grants", queries),) if queries else ()


def _filters(catalogue: Catalogue) -> list[Node]:
    """Which rows of which tables are shown, by database."""
    databases: dict[str, dict[str, str]] = {"system": dict(_system_filters())}
    tables: dict[tuple[str, str], list[RowPolicy]] = {}
    for policy in catalogue.policies.values():
        tables.setdefault((policy.database, policy.table), []).append(policy)
    for (database, table), policies in tables.items():
        # A policy of the catalogue cannot take the place of a filter of ours.
        databases.setdefault(database, {}).setdefault(table, _filter(policies))
    return [
        (database, [(table, (("filter", inert(text)),)) for table, text in found.items()])
        for database, found in databases.items()
    ]


def _filter(policies: Iterable[RowPolicy]) -> str:
    """(Any of the permissive ones that apply) and (all of the restrictive ones that apply)."""
    permissive, restrictive = [], []
    for policy in policies:
        if policy.restrictive:
            restrictive.append(f"(NOT ({_applies(policy)}) OR ({policy.condition}))")
        else:
            permissive.append(f"(({_applies(policy)}) AND ({policy.condition}))")
    seen = " AND ".join([f"({' OR '.join(permissive) or '0'})", *restrictive])
    # A second net: a view that ran as `default` would have every role.
    return f"NOT has(currentRoles(), '{EVERYTHING}') AND ({_IS_INTERNAL} OR ({seen}))"


def _applies(policy: RowPolicy) -> str:
    if not policy.targets.everybody:
        return f"has(enabledRoles(), 'p_{policy.id}')"
    return f"NOT has(enabledRoles(), 'x_{policy.id}')" if policy.targets.excluded else "1"


def _system_filters() -> Iterator[tuple[str, str]]:
    shown: dict[str, str] = {"processes": f"{_IS_OWNER} OR ({_OWN_STATEMENTS})", **dict.fromkeys(HIDDEN, "0")}
    shown |= {table: f"has(enabledRoles(), '{visibility(table)}')" for table in (*BY_GRANT, *VISIBLE_WITH)}
    for table, own in OWN_ROWS.items():
        shown[table] = f"{shown[table]} OR ({own})" if table in shown else own
    for table, others in _NOT_OURS.items():
        shown[table] = f"({shown[table]}) AND {others}" if table in shown else others
    for table, condition in shown.items():
        yield table, f"{_IS_INTERNAL} OR ({condition})"


def _constraints(catalogue: Catalogue, user: User) -> list[Node]:
    """What the user's settings may be; their values are given at a connection's set-up."""
    roles = catalogue.default_roles_of(user)
    found = effective_settings(catalogue, user, roles)
    constraints: list[Node] = [(name, (("const", ""),)) for name in VIEW_SETTINGS]
    constraints += [(name, _constraint(setting)) for name, setting in found.items() if setting.is_constrained]
    return constraints


def _constraint(setting: Effective) -> list[Node]:
    parts: list[Node] = []
    if setting.minimum is not None:
        parts.append(("min", plain(setting.minimum)))
    if setting.maximum is not None:
        parts.append(("max", plain(setting.maximum)))
    if setting.writability == "CONST":
        parts.append(("const", ""))
    elif setting.writability == "CHANGEABLE_IN_READONLY":
        parts.append(("changeable_in_readonly", ""))
    return parts
