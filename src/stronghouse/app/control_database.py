"""Which database the control plane has, and that it is its own: SQLite in the state directory, or PostgreSQL by URL.

An installation never changes its back end by a slip: one that began in one of them refuses to start in the other, and
in a database that holds the log of another installation, or nothing where its own should be.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import sqlite_version

from stronghouse.audit import store
from stronghouse.audit.checkpoint import Signer
from stronghouse.kernel.errors import Conflict, Invalid, StronghouseError, Unavailable
from stronghouse.kernel.files import write_private
from stronghouse.kernel.secret import Secret
from stronghouse.settings.environment import variable
from stronghouse.storage.address import PostgresAddress, parse_address
from stronghouse.storage.database import Database

DATABASE_URL = "STRONGHOUSE__DATABASE__URL"
"""The control plane's PostgreSQL database, as in `postgresql://stronghouse@db.example.com/stronghouse`, without a
password; a SQLite file in the state directory if unset."""
PASSWORD_FILE = "STRONGHOUSE__DATABASE__PASSWORD_FILE"  # noqa: S105 - the name of a variable
"""A file of mode 0600 with the password for that database; unset where the server knows the control plane by its
certificate or, on a Unix socket, by its user."""
FILE = "control.db"
MARKER = "postgresql"  # a file that says that the installation's state is in PostgreSQL, and where
MAX_PASSWORD_BYTES = 1024


def database_address() -> PostgresAddress | None:
    """Where the settings say that the database is; None for a file.

    Raises:
        Invalid: a setting is malformed, or the password's file is exposed or cannot be read.
    """
    url, password_file = variable(DATABASE_URL), variable(PASSWORD_FILE)
    if url is None:
        if password_file is not None:
            raise Invalid(f"{PASSWORD_FILE} is set, but {DATABASE_URL} is not.", code="database_url_missing")
        return None
    return parse_address(url, None if password_file is None else _password(Path(password_file)))


@dataclass(frozen=True)
class ControlDatabase:
    """The database of an installation.

    Attributes:
        begun: whether the installation has kept anything in it already.
    """

    database: Database
    directory: Path
    begun: bool

    def require_own_log(self, signer: Signer) -> None:
        """Raise Conflict if the audit log in it is another installation's, or is missing."""
        with self.database.read() as connection:
            head = store.latest_checkpoint(connection)
        if head is None and self.begun and self.database.file is None:
            raise Conflict(
                f"The {self.database.place} is empty, but this installation has begun already: name its own database, "
                "or restore a copy of it.",
                code="database_empty",
            )
        if head is not None and head.partition("\n")[0] != signer.origin:
            raise Conflict(
                f"The audit log in {self.database.place} is that of another installation: name a database of its own, "
                "or restore the state directory that belongs to this one.",
                code="database_of_another",
            )

    def remember(self) -> None:
        """Note that the state is in PostgreSQL from now on."""
        marker = self.directory / MARKER
        if self.database.file is None and not marker.exists():
            write_private(marker, f"{self.database.place}\n".encode())


def open_control_database(directory: Path) -> ControlDatabase:
    """The database for the control plane itself, which keeps every other control plane out.

    Raises:
        Conflict: the settings name another back end than the installation's, or the database is not fit.
        Unavailable: the server does not answer, or another control plane has the database.
    """
    opened = open_database(directory)
    try:
        with _named(opened.database):
            opened.database.check()
            opened.database.claim()
    except BaseException:
        opened.database.close()
        raise
    return opened


def open_database(directory: Path) -> ControlDatabase:
    """The database of the installation whose control plane lives in `directory`; nothing is asked of it yet.

    Raises:
        Conflict: the settings name another back end than the installation's.
        Invalid: a setting is malformed.
    """
    address, file, marker = database_address(), directory / FILE, directory / MARKER
    if address is None:
        if marker.exists():
            raise Conflict(
                f"This installation keeps its state in the {marker.read_text().strip()}; name it by {DATABASE_URL}.",
                code="database_url_missing",
            )
        return ControlDatabase(Database(file), directory, begun=file.exists())
    if file.exists():
        raise Conflict(
            f"This installation keeps its state in {file}, and cannot move to PostgreSQL: leave {DATABASE_URL} unset, "
            "or begin anew in another --state-dir.",
            code="database_is_file",
        )
    return ControlDatabase(Database(address), directory, begun=marker.exists())


def describe_database(directory: Path) -> tuple[str, str | None]:
    """Which back end and version an installation has or would have, and what is wrong with it, for the doctor."""
    try:
        database = open_database(directory).database
    except StronghouseError as error:
        return "not usable", error.public
    try:
        if database.file is not None:  # asking the file itself would make one where there is none
            return f"SQLite {sqlite_version}, {database.place}", None
        with _named(database):
            database.check()
            return f"{database.version()}, {database.place}", None
    except StronghouseError as error:
        return database.place, error.public
    finally:
        database.close()


@contextmanager
def _named(database: Database) -> Iterator[None]:
    """An outage told to an operator, who may know what the driver said; a caller of the API may not."""
    try:
        yield
    except Unavailable as error:
        if error.detail is None:
            raise
        raise Unavailable(
            f"The {database.place} cannot be used: {error.detail}", code=error.code, detail=error.detail
        ) from None


def _password(path: Path) -> Secret:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Invalid(f"The file that {PASSWORD_FILE} names cannot be read: {error.strerror}.") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077 or status.st_uid not in {os.geteuid(), 0}:
            raise Invalid(
                f"The file that {PASSWORD_FILE} names has to be ours, and nobody else may reach it: chmod 600 {path}",
                code="database_password_exposed",
            )
        text = os.read(descriptor, MAX_PASSWORD_BYTES + 1).decode(errors="strict").rstrip("\r\n")
    except UnicodeDecodeError:
        raise Invalid(f"The file that {PASSWORD_FILE} names holds no text.") from None
    finally:
        os.close(descriptor)
    if not text or len(text) > MAX_PASSWORD_BYTES or not text.isprintable():
        raise Invalid(f"The file that {PASSWORD_FILE} names holds no password: one line of at most 1024 bytes.")
    return Secret(text)
