"""Reading CREATE, ALTER and DROP of row policies."""

from collections.abc import Sequence

from stronghouse.engine.access.parsing_targets import existing, new_name, optional_targets, table, targets
from stronghouse.engine.access.reader import Reader
from stronghouse.engine.access.statements import (
    AlterRowPolicy,
    CreateRowPolicy,
    DropRowPolicies,
    PolicyName,
    TableName,
    TargetNames,
)
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.tokens import Token

_Clause = tuple[str | None, TargetNames | None]


def create_policy(reader: Reader) -> CreateRowPolicy:
    """Read what follows CREATE ROW POLICY."""
    exists = existing(reader)
    policies = policy_names(reader)
    restrictive = _restrictive(reader)
    condition, to = _condition_and_targets(reader)
    return CreateRowPolicy(policies, exists, condition, restrictive, to)


def alter_policy(reader: Reader) -> AlterRowPolicy:
    """Read what follows ALTER ROW POLICY."""
    if_exists = reader.take("IF", "EXISTS")
    policies = policy_names(reader)
    name = new_name(reader)
    restrictive = _restrictive(reader)
    condition, to = _condition_and_targets(reader)
    return AlterRowPolicy(policies, if_exists, name, condition, restrictive, to)


def drop_policies(reader: Reader) -> DropRowPolicies:
    """Read what follows DROP ROW POLICY."""
    if_exists = reader.take("IF", "EXISTS")
    return DropRowPolicies(policy_names(reader), if_exists)


def policy_names(reader: Reader) -> tuple[PolicyName, ...]:
    """Read `p, q ON t`, `p ON t, u` or `p ON t, q ON u`."""
    names = reader.listed(reader.new_name)
    reader.need("ON")
    policies = [_policy(reader, name, table(reader)) for name in names[:1]]
    if len(names) > 1:
        first = policies[0]
        return tuple(PolicyName(name, first.database, first.table) for name in names)
    while reader.take(","):
        following = table(reader)
        if following.database == "" and following.table is not None and reader.take("ON"):
            policies.append(_policy(reader, following.table, table(reader)))
        else:
            policies.append(_policy(reader, names[0], following))
    return tuple(policies)


def _policy(reader: Reader, name: str, on: TableName) -> PolicyName:
    if on.table is None:
        reader.refuse("Row policies for all tables of a database are not supported in this service.")
    return PolicyName(name, on.database, on.table)


def _restrictive(reader: Reader) -> bool | None:
    if not reader.take("AS"):
        return None
    return {"RESTRICTIVE": True, "PERMISSIVE": False}[reader.one_of("RESTRICTIVE", "PERMISSIVE") or reader.refuse()]


def _condition_and_targets(reader: Reader) -> _Clause:
    if not reader.take("FOR", "SELECT", "USING"):
        return None, optional_targets(reader, "TO")
    start, tokens = reader.offset, reader.remaining
    # A column can be called TO as well. What follows the real one is names up to the end.
    for place in reversed(_places_of_to(tokens)):
        to = _targets_at(reader.text, tokens[place + 1 :])
        if to is not None:
            reader.skip(len(tokens))
            return _condition(reader, start, tokens[:place]), to
    reader.skip(len(tokens))
    return _condition(reader, start, tokens), None


def _places_of_to(tokens: Sequence[Token]) -> list[int]:
    depth, places = 0, []
    for place, token in enumerate(tokens):
        depth += token.says("(", "[") - token.says(")", "]")
        if depth == 0 and token.says("TO") and token.text == "TO":
            places.append(place)
    return places


def _targets_at(text: str, tokens: Sequence[Token]) -> TargetNames | None:
    reader = Reader(text, tokens)
    try:
        to = targets(reader)
        reader.end()
    except DatabaseError:
        return None
    return to


def _condition(reader: Reader, start: int, tokens: Sequence[Token]) -> str:
    if not tokens or [token.text for token in tokens] == ["NONE"]:
        reader.refuse("USING NONE is not supported in this service: drop the policy, or use USING 1.")
    return reader.text[start : tokens[-1].end]
