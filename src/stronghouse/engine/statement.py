"""A statement that was admitted: what the front has to know of it to run it, for whoever sends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stronghouse.engine.boundary.protection import Touched
from stronghouse.engine.rewriting import Caller, Mark, fill, kill_selection
from stronghouse.engine.tokens import Kind, Token, split


@dataclass(frozen=True)
class Statement:
    """An admitted statement.

    Attributes:
        text: its canonical form, without the FORMAT clause of an INSERT.
        kind: `access` for one about users, roles, policies, profiles or quotas, which the engine does not run.
        verb: its first word.
        query_class: what it does, by the engine (READ_ONLY, MUTATING, MUTATING_GLOBAL, CONTROL).
        output_format: the format that it names, for its result or for an INSERT's data.
        tail: where in `text` INTO OUTFILE belongs.
        takes_data: whether it is an INSERT whose data follow.
        names_by_parameter: whether a query parameter stands for an identifier.
        target: of an INSERT, the name of its table if it stands there without a database.
        killed: for `KILL QUERY WHERE query_id = '…'`, that id in SQL's notation.
        marks: what `for_user` replaces.
        touched: tables that must have no row policies, unless the service's owner asks.
        owner_only: why it is for the service's owner alone; None when it is not.
    """

    text: str
    kind: Literal["query", "access"]
    verb: str
    query_class: str
    output_format: str | None
    tail: int
    takes_data: bool
    names_by_parameter: bool
    target: str | None
    killed: str | None
    marks: tuple[Mark, ...] = ()
    touched: tuple[Touched, ...] = ()
    owner_only: str | None = None

    def for_user(
        self,
        user: str,
        roles: Sequence[str] = (),
        *,
        definer: str | None = None,
        enabled_roles: Sequence[str] | None = None,
        default_roles: Sequence[str] | None = None,
    ) -> tuple[str, int]:
        """Its text as a user runs it, and where in that text INTO OUTFILE belongs.

        Args:
            user: the user's name.
            roles: names of the roles in force.
            definer: the engine's user that the user's views run as.
            enabled_roles: names of all roles that are in force through others, where they are more.
            default_roles: names of the roles in force after signing in, where they are others.

        Raises:
            DatabaseError: 497 for a view in another's name.
        """
        if not self.marks:
            return self.text, self.tail
        caller = Caller(
            user,
            definer,
            tuple(roles),
            tuple(roles if enabled_roles is None else enabled_roles),
            tuple(roles if default_roles is None else default_roles),
        )
        before = [mark for mark in self.marks if mark.end <= self.tail]
        return fill(self.text, self.marks, caller), len(fill(self.text[: self.tail], before, caller))

    def kill_selection(self, user: str, roles: Sequence[str] = ()) -> str:
        """The query for the ids of the queries that this KILL QUERY means, to be run as the user."""
        text, tail = self.for_user(user, roles)
        condition = text[:tail]
        return kill_selection(condition, split(condition))

    @property
    def kills(self) -> bool:
        """Whether it is a KILL QUERY, which the front carries out."""
        return self.verb == "KILL" and self.text.startswith("KILL QUERY ")

    @property
    def selects(self) -> bool:
        """Whether it is a query whose result can be long."""
        return self.query_class == "READ_ONLY" and self.verb in {"SELECT", "WITH", "("}


def describe(canonical: str, tokens: Sequence[Token], query_class: str, kind: Literal["query", "access"]) -> Statement:
    """What of a statement in canonical form can be told from its words alone."""
    listing = tokens[0].says("SHOW") and tokens[1].says("PROCESSLIST")
    verb = "SELECT" if listing else tokens[0].text.upper()
    clause = _format_clause(tokens)
    takes_data = verb == "INSERT" and not any(token.says("SELECT", "INFILE") for token in tokens)
    tail = tokens[clause].start if clause is not None else len(canonical)
    return Statement(
        text=canonical[:tail].rstrip() if takes_data else canonical,
        kind=kind,
        verb=verb,
        query_class=query_class,
        output_format=tokens[clause + 1].text if clause is not None else None,
        tail=tail,
        takes_data=takes_data,
        names_by_parameter=any(
            token.says("IDENTIFIER") and tokens[place - 1].says(":") for place, token in enumerate(tokens)
        ),
        target=_target(tokens) if verb == "INSERT" else None,
        killed=_killed(tokens),
    )


def _target(tokens: Sequence[Token]) -> str | None:
    """The table's name in `INSERT INTO name …`."""
    return tokens[2].text if tokens[2].is_name and not tokens[3].says(".") else None


def _format_clause(tokens: Sequence[Token]) -> int | None:
    """The place of FORMAT where it begins the clause at the statement's end: `FORMAT name [SETTINGS …]`."""
    for place in range(len(tokens) - 2, 0, -1):
        token, name = tokens[place], tokens[place + 1]
        if token.says("FORMAT") and name.is_name and not name.says("ASC", "DESC"):
            rest = tokens[place + 2 :]
            return place if not rest or rest[0].says("SETTINGS") else None
    return None


def _killed(tokens: Sequence[Token]) -> str | None:
    """The id in `KILL QUERY WHERE query_id = '…' [SYNC|ASYNC]`, in SQL's notation."""
    words = [token.text for token in tokens]
    if words[:5] != ["KILL", "QUERY", "WHERE", "query_id", "="] or tokens[5].kind is not Kind.STRING:
        return None
    return words[5] if words[6:] in ([], ["SYNC"], ["ASYNC"]) else None
