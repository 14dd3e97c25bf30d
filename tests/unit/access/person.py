"""Ada, a member of one organization, and her browser."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stronghouse.access import authentication, people
from stronghouse.access.authentication import UserCaller
from stronghouse.access.passwords import hash_password
from stronghouse.access.people import NewSession
from stronghouse.access.roles.system import ADMIN
from stronghouse.audit import store as audit_store
from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from tests.support.databases import new_database

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ORGANIZATION = new_id()
EMAIL = "ada@example.com"
BROWSER = "Browser/1.0"
CONTEXT = Context(SYSTEM, "192.0.2.1", BROWSER)
PASSWORD = Secret("Walrus onyx fable crumpet 1")
NEW_PASSWORD = Secret("Gravel tunic bishop lantern 2")


@dataclass
class Ada:
    """What she and the machine's operator do."""

    log: AuditLog
    directory: Path

    def member_of(self, organization_id: str, email: str = EMAIL) -> str:
        """Make her, or somebody else, a member; the person's id."""
        with self.log.unit_of_work(CONTEXT) as uow:
            return people.create_member(
                uow, organization_id=organization_id, email=email, name="Ada", role_ids=(ADMIN.id,), now=NOW
            ).id

    def link(self, email: str = EMAIL, now: datetime = NOW) -> Secret:
        """A new sign-in link."""
        with self.log.unit_of_work(CONTEXT) as uow:
            return people.issue_sign_in_link(uow, email=email, now=now)

    def spend(self, token: Secret, now: datetime = NOW, binding: Secret | None = None) -> NewSession:
        """Sign in with a link."""
        with self.log.unit_of_work(CONTEXT) as uow:
            entered = people.sign_in_with_link(uow, token=token, binding=binding, now=now)
        assert isinstance(entered, NewSession)
        return entered

    def sign_in(self, now: datetime = NOW, binding: Secret | None = None, email: str = EMAIL) -> NewSession:
        """Sign in with a new link."""
        return self.spend(self.link(email, now), now, binding)

    def caller(self, token: Secret, now: datetime = NOW, user_agent: str | None = BROWSER) -> UserCaller:
        """Whose token this is."""
        with self.log.database.read() as connection:
            return authentication.authenticate_session(connection, token=token, user_agent=user_agent, now=now)

    def set_password(
        self, caller: UserCaller, password: Secret = PASSWORD, proven: people.Proven | None = None, now: datetime = NOW
    ) -> None:
        """Set or change her password."""
        hashed = hash_password(password)
        with self.log.unit_of_work(CONTEXT) as uow:
            people.change_password(uow, caller, proven, password_hash=hashed, now=now)

    def prove(self, password: Secret = PASSWORD, email: str = EMAIL) -> people.Proven:
        """Prove to know a password."""
        with self.log.database.read() as connection:
            return people.check_password(connection, email=email, password=password)

    def renew(self, caller: UserCaller, now: datetime) -> Secret:
        """The next token."""
        with self.log.bookkeeping("test") as connection:
            return people.renew_token(connection, caller, now=now)

    def events(self, code: str) -> list[dict[str, Json]]:
        """All events of a kind, oldest first."""
        with self.log.database.read() as connection:
            return [entry.event() for entry in audit_store.entries_of(connection, [code])]


def new_ada(directory: Path) -> Ada:
    """A member of one organization, in a database of her own."""
    database = new_database(directory / "control.db")
    ada = Ada(AuditLog(database, Ed25519Signer("test.log", bytes(range(32))), FixedClock(NOW)), directory)
    ada.member_of(ORGANIZATION, "Ada@Example.com")
    return ada
