"""Whatever needs the catalogue and what was used of it: signing in, and answering access statements."""

import secrets
import time
from dataclasses import dataclass

from stronghouse.engine.access.answers import Shown
from stronghouse.engine.access.catalogue import OWNER, Catalogue
from stronghouse.engine.access.changes import Actor, ChangingStatement, apply
from stronghouse.engine.access.parsing import parse
from stronghouse.engine.access.showing import ShowStatement, show
from stronghouse.engine.access.statements import AccessStatement, CreateUser, SetRole
from stronghouse.engine.access.viewing import Viewer
from stronghouse.engine.errors import DatabaseError, not_implemented
from stronghouse.engine.quotas import Consumer, QuotaKeeper
from stronghouse.worker.accounts import Accounts
from stronghouse.worker.authentication import Credentials, authentication_failed
from stronghouse.worker.caller import Caller
from stronghouse.worker.changing import Changes

ID_BYTES = 8
NO_KEY = " "
"""What failures to sign in without a quota key are counted under."""


@dataclass(frozen=True)
class Desk:
    """Where access statements are brought.

    Attributes:
        accounts: who there is.
        changes: how that changes.
        quotas: what everybody has used.
        trusted_user_only: what the kernel lacks of a sandbox; while there is something, there is one user.
    """

    accounts: Accounts
    changes: Changes
    quotas: QuotaKeeper
    trusted_user_only: str = ""

    def sign_in(self, credentials: Credentials, address: str, *, quota_key: str) -> Caller:
        """Who it is.

        Raises:
            DatabaseError: 516; 201 when a quota allows no more failures in a row, whatever the password.
        """
        catalogue = self.accounts.catalogue
        user = catalogue.user_named(credentials.username) if catalogue.quotas and credentials.given else None
        if user is None or user.name == OWNER:  # whom nobody may lock out
            return self.accounts.authenticate(credentials, address)
        roles = catalogue.roles_within(catalogue.default_roles_of(user))
        # Whether a key is missing is for the statement to find out: who has not signed in learns nothing of quotas.
        consumer = Consumer(user.id, user.name, roles, address, quota_key or NO_KEY)
        self.quotas.check_sign_in(catalogue, consumer)
        try:
            caller = self.accounts.authenticate(credentials, address)
        except DatabaseError:
            self.quotas.signed_in(catalogue, consumer, success=False)
            raise
        self.quotas.signed_in(catalogue, consumer, success=True)
        return caller

    def read(self, canonical: str) -> AccessStatement:
        """The statement in a canonical text; raises DatabaseError for what is not supported."""
        statement = parse(canonical)
        if statement is None:
            raise not_implemented(f"{' '.join(canonical.split()[:2])} is not supported in this service.")
        return statement

    def show(self, statement: AccessStatement, caller: Caller, consumer: Consumer, *, database: str) -> Shown | None:
        """The answer, if the statement is one that asks; raises DatabaseError."""
        if not isinstance(statement, ShowStatement):
            return None
        usage = self.quotas.usage(caller.catalogue, consumer)
        return show(statement, caller.catalogue, Viewer(caller.user.id, caller.current, database, usage))

    def roles(self, statement: SetRole, caller: Caller) -> Caller:
        """The caller after SET ROLE; raises DatabaseError."""
        wanted = statement.roles
        if wanted is None:
            current = caller.catalogue.default_roles_of(caller.user)
            return Caller(caller.catalogue, caller.user, current, caller.method)
        if wanted.everybody:
            granted = (caller.catalogue.roles[grant.role].name for grant in caller.user.roles)
            return caller.with_roles(name for name in granted if name not in wanted.names)
        return caller.with_roles(wanted.names)

    def change(self, statement: ChangingStatement, caller: Caller, *, database: str) -> None:
        """Make the change; returns when it is in force. Raises DatabaseError and StronghouseError."""
        if not caller.is_owner and caller.read_only:
            raise DatabaseError(164, "READONLY", "Cannot execute query in readonly mode")
        if self.trusted_user_only and isinstance(statement, CreateUser):
            raise DatabaseError(
                497,
                "ACCESS_DENIED",
                f"This service has one database user: the machine's kernel lacks {self.trusted_user_only}, without "
                "which users cannot be kept apart. `stronghouse doctor` says more.",
            )
        self.changes.make(
            lambda catalogue: apply(
                statement,
                catalogue,
                actor_of(caller, catalogue),
                new_id=lambda: secrets.token_hex(ID_BYTES),
                now=int(time.time()),
                current_database=database,
            )
        )


def actor_of(caller: Caller, catalogue: Catalogue) -> Actor:
    """The caller by the catalogue that is to be changed: others' changes may have come between.

    Raises:
        DatabaseError: 516, there is no such user any more.
    """
    user = catalogue.users.get(caller.user.id)
    if user is None:
        raise authentication_failed(caller.user.name)
    return Actor(user.id, caller.current & {grant.role for grant in user.roles})
