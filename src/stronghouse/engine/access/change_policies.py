"""CREATE, ALTER and DROP of row policies.

A policy becomes an element of the engine's users file, named after its database and table, so both have to be plain
names; and its condition has to mean there what it means in SQL.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from stronghouse.engine.access.catalogue import RowPolicy
from stronghouse.engine.access.change import Change
from stronghouse.engine.access.change_references import forget
from stronghouse.engine.access.engine_roles import OWN_DATABASE
from stronghouse.engine.access.methods import bad_arguments
from stronghouse.engine.access.notation import name
from stronghouse.engine.access.refusals import unknown
from stronghouse.engine.access.statements import AlterRowPolicy, CreateRowPolicy, DropRowPolicies, PolicyName
from stronghouse.engine.boundary.conditions import check_condition
from stronghouse.engine.configuration import ELEMENT
from stronghouse.engine.errors import access_denied, not_implemented
from stronghouse.engine.tokens import split

_SYSTEM = frozenset({"system", "information_schema", OWN_DATABASE})
LONGEST_CONDITION = 16 << 10
_Key = tuple[str, str, str]


def create_policies(statement: CreateRowPolicy, change: Change) -> None:
    """Carry out CREATE ROW POLICY."""
    condition = _condition(statement.condition or "1")
    taken = {_key(policy): policy.id for policy in change.policies.values()}
    for key in _keys(statement.policies, change):
        short, database, table = key
        change.need("CREATE ROW POLICY", database, table)
        _check_place(database, table)
        if change.free("ROW POLICY", short, _short_names(taken, key), statement.existing):
            forget(change, [taken[key]] if key in taken else [])
            policy = RowPolicy(
                change.around.new_id(), short, database, table, condition, restrictive=bool(statement.restrictive)
            )
            if statement.to is not None:
                policy = replace(policy, targets=change.targets(statement.to))
            taken[key] = policy.id
            change.policies[policy.id] = policy


def alter_policies(statement: AlterRowPolicy, change: Change) -> None:
    """Carry out ALTER ROW POLICY."""
    if statement.new_name is not None and len(statement.policies) > 1:
        raise bad_arguments("Several row policies cannot be renamed to one name.")
    for policy in _found(statement.policies, change, "ALTER ROW POLICY", if_exists=statement.if_exists):
        made = policy
        if statement.condition is not None:
            made = replace(made, condition=_condition(statement.condition))
        if statement.restrictive is not None:
            made = replace(made, restrictive=statement.restrictive)
        if statement.to is not None:
            made = replace(made, targets=change.targets(statement.to))
        if statement.new_name not in {None, policy.name}:
            new_name = str(statement.new_name)
            key = (new_name, policy.database, policy.table)
            change.free("ROW POLICY", new_name, _short_names(map(_key, change.policies.values()), key))
            made = replace(made, name=new_name)
        change.policies[policy.id] = made


def drop_policies(statement: DropRowPolicies, change: Change) -> None:
    """Carry out DROP ROW POLICY."""
    found = _found(statement.policies, change, "DROP ROW POLICY", if_exists=statement.if_exists)
    forget(change, [policy.id for policy in found])


def _found(names: Iterable[PolicyName], change: Change, privilege: str, *, if_exists: bool) -> Iterator[RowPolicy]:
    known = {_key(policy): policy for policy in change.policies.values()}
    for key in _keys(names, change):
        short, database, table = key
        change.need(privilege, database, table)
        if key in known:
            yield known[key]
        elif not if_exists:
            raise unknown("ROW POLICY", f"{short} ON {name(database)}.{name(table)}")


def _keys(names: Iterable[PolicyName], change: Change) -> list[_Key]:
    return list(dict.fromkeys((named.name, change.database(named.database), named.table) for named in names))


def _key(policy: RowPolicy) -> _Key:
    return policy.name, policy.database, policy.table


def _short_names(taken: Iterable[_Key], key: _Key) -> Iterator[str]:
    """Names of policies of the same table."""
    return (short for short, *place in taken if place == [*key[1:]])


def _check_place(database: str, table: str) -> None:
    """Refuse a table that cannot have a policy; raises DatabaseError 497 or 48."""
    if database.lower() in _SYSTEM:
        raise access_denied(f"Tables of database {database} cannot have row policies in this service.")
    for part in (database, table):
        if not ELEMENT.fullmatch(part):
            raise not_implemented(
                "Row policies are supported for tables whose names, and whose databases' names, consist of Latin "
                "letters, digits, hyphens and underscores, in this service."
            )


def _condition(condition: str) -> str:
    """Refuse a condition that cannot be kept; raises DatabaseError 48 or 497."""
    if len(condition) > LONGEST_CONDITION:
        raise not_implemented(f"A row policy's condition can have {LONGEST_CONDITION} characters in this service.")
    tokens = split(condition)
    if any(token.says("{", "}", ";") for token in tokens):
        raise not_implemented("A row policy's condition cannot have query parameters in this service.")
    check_condition(tokens)
    return condition
