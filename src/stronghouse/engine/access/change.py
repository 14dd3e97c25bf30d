"""One access statement at work: the catalogue as it will be, who asks, and what they may do."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

from stronghouse.engine.access.catalogue import Catalogue, Grant, Profile, Quota, Role, RowPolicy, Targets, User
from stronghouse.engine.access.methods import bad_arguments
from stronghouse.engine.access.refusals import (
    already_exists,
    in_words,
    is_readonly,
    no_admin_option,
    not_enough,
    readonly,
    unknown,
    without_option,
)
from stronghouse.engine.access.rights import Rights, rights_of
from stronghouse.engine.access.statements import Existing, Kind, TargetNames
from stronghouse.engine.errors import DatabaseError

LONGEST_NAME = 256
MOST = 10_000
"""Of each kind, users for example: each costs time whenever the engine opens."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who gives a statement: the id of a user, and of the roles that are set. Those within them are in force too."""

    user: str
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a statement needs besides the catalogue.

    Attributes:
        new_id: gives ids that were never used.
        now: seconds since 1970.
        current_database: of whoever gives the statement.
        random: gives so many random bytes.
    """

    new_id: Callable[[], str]
    now: float
    current_database: str
    random: Callable[[int], bytes] = secrets.token_bytes


@dataclass
class Change:
    """The next catalogue in the making. Its mappings are copies, to be changed here; what is in them is not.

    Attributes:
        before: the catalogue as it is.
        actor: who asks; has to be in it.
        around: see Circumstances.
    """

    before: Catalogue
    actor: Actor
    around: Circumstances
    users: dict[str, User] = field(init=False)
    roles: dict[str, Role] = field(init=False)
    policies: dict[str, RowPolicy] = field(init=False)
    profiles: dict[str, Profile] = field(init=False)
    quotas: dict[str, Quota] = field(init=False)

    def __post_init__(self) -> None:
        self.users, self.roles = dict(self.before.users), dict(self.before.roles)
        self.policies, self.profiles = dict(self.before.policies), dict(self.before.profiles)
        self.quotas = dict(self.before.quotas)

    def result(self) -> Catalogue:
        """The next catalogue; the same as before if nothing changed."""
        after = replace(
            self.before,
            users=self.users,
            roles=self.roles,
            policies=self.policies,
            profiles=self.profiles,
            quotas=self.quotas,
        )
        if after == self.before:
            return self.before
        return replace(after, generation=self.before.generation + 1)

    @property
    def user(self) -> User:
        """Who asks, as before the statement."""
        return self.before.users[self.actor.user]

    @cached_property
    def rights(self) -> Rights:
        """The rights in force of who asks."""
        return rights_of(self.before, self.actor.user, self.actor.roles)

    def need(
        self, privilege: str, database: str | None = None, table: str | None = None, *, on: str | None = None
    ) -> None:
        """Refuse whoever has not this privilege (`on`: for privileges on a name); raises DatabaseError 497."""
        grant = Grant(privilege, database, table, parameter=on)
        if not self.rights.covers(grant):
            raise not_enough(self.user.name, in_words(grant))

    def need_option(self, grant: Grant) -> None:
        """Refuse whoever may not give this to others; raises DatabaseError 497."""
        if not self.rights.covers(grant, option=True):
            reason = without_option if self.rights.covers(grant) else not_enough
            raise reason(self.user.name, in_words(grant))

    def need_admin(self, roles: Iterable[str]) -> None:
        """Refuse whoever may not give these roles to others; raises DatabaseError 497."""
        missing = set(roles)
        if not missing or self.rights.granted("ROLE ADMIN"):
            return
        held = self.before.roles_within(self.actor.roles)
        given = [*self.user.roles, *(grant for role in held for grant in self.before.roles[role].roles)]
        missing -= {grant.role for grant in given if grant.admin_option}
        for role in sorted(missing):
            raise no_admin_option(self.user.name, self.before.roles[role].name)

    def user_named(self, name: str) -> User:
        """A user; raises DatabaseError 192."""
        found = next((user for user in self.users.values() if user.name == name), None)
        if found is None:
            raise unknown("USER", name)
        return found

    def role_named(self, name: str) -> Role:
        """A role; raises DatabaseError 511."""
        found = next((role for role in self.roles.values() if role.name == name), None)
        if found is None:
            raise unknown("ROLE", name)
        return found

    def holder_named(self, name: str) -> User | Role:
        """A user, or else a role, as ClickHouse looks for them; raises DatabaseError 511."""
        found = next((user for user in self.users.values() if user.name == name), None)
        return found or self.role_named(name)

    def holders(self, targets: TargetNames) -> list[User | Role]:
        """Users and roles to change.

        Raises:
            DatabaseError: 511, one is not there; 495, one cannot be changed by SQL. Where everybody is meant, those
                are left out.
        """
        named = {holder.id: holder for holder in map(self.holder_named, targets.names)}
        if targets.current_user:
            named[self.actor.user] = self.users[self.actor.user]
        if targets.everybody:
            everybody: list[User | Role] = [*self.users.values(), *self.roles.values()]
            return [holder for holder in everybody if holder.id not in named and not is_readonly(holder.name)]
        for holder in named.values():
            self.alterable("USER" if isinstance(holder, User) else "ROLE", holder.name)
        return list(named.values())

    def put(self, holder: User | Role) -> None:
        """Take over a changed user or role."""
        if isinstance(holder, User):
            self.users[holder.id] = holder
        else:
            self.roles[holder.id] = holder

    def targets(self, names: TargetNames) -> Targets:
        """Whom something applies to, by id; raises DatabaseError 511."""
        ids = {self.holder_named(name).id for name in names.names}
        if names.current_user:
            ids.add(self.actor.user)
        if names.everybody:
            return Targets(everybody=True, excluded=frozenset(ids))
        return Targets(ids=frozenset(ids))

    def alterable(self, kind: Kind, name: str) -> None:
        """Refuse what SQL cannot change; raises DatabaseError 495."""
        if is_readonly(name):
            raise readonly(kind, name)

    def free(self, kind: Kind, name: str, taken: Iterable[str], existing: Existing = "") -> bool:
        """Whether to create something of this name: not if it is there and IF NOT EXISTS was said.

        Raises:
            DatabaseError: 493, it is there; 495, it would be one that SQL cannot change; 36, it cannot be a name.
        """
        if kind in {"USER", "ROLE"}:
            self.alterable(kind, name)
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise bad_arguments(f"A name should have 1 to {LONGEST_NAME} characters, none of them a control character.")
        names = list(taken)
        if name in names:
            if existing == "":
                raise already_exists(kind, name)
            return existing == "OR REPLACE"
        if len(names) >= MOST:
            raise DatabaseError(36, "BAD_ARGUMENTS", f"There can be at most {MOST} of each kind in a service.")
        return True

    def database(self, name: str) -> str:
        """The database that a statement names; the current one if it names none."""
        return name or self.around.current_database
