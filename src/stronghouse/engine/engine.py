"""The running engine of one service: opened with its data key, proven to be encrypted, closed cleanly."""

import os
from collections.abc import Callable
from pathlib import Path

from stronghouse.engine.binding import load_engine
from stronghouse.engine.configuration import DISK, KEY_VARIABLE, POLICY, Layout, Node, write_configuration
from stronghouse.engine.connection import Connection
from stronghouse.engine.data_key import check_data_key
from stronghouse.engine.default_database import plain_default_database, prepare_default_database
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.settings import EXPRESSIONS
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.files import private_directory

INTERNAL = "s_internal"
"""The engine's role for what the worker itself does: it may do all that anybody may, and use `_stronghouse`."""


def prove_data_key(data_directory: Path, data_key: bytes) -> None:
    """Prove that a key is the one of the data, before anything else is opened with it; see `check_data_key`.

    Raises:
        Invalid, Conflict: the key is missing or not the one of the data; nothing was opened.
        Unavailable: the directory cannot be used.
    """
    layout = Layout(data_directory)
    try:
        private_directory(layout.configuration)
        check_data_key(layout, data_key)
    except OSError as error:
        raise Unavailable("The service's data directory cannot be used.", detail=str(error)) from error


class Engine:
    """An open engine. There is at most one in a process.

    Attributes:
        layout: where its things are.
        first: the connection that keeps it open, with the rights of `INTERNAL` only.
        version, timezone: its own.
    """

    def __init__(self, layout: Layout, *, memory_limit_bytes: int) -> None:
        self.layout = layout
        self._memory = memory_limit_bytes
        self._module = load_engine()
        self._address = f"file:{layout.engine}?config-file={layout.engine_file}"
        self.first: Connection
        self._connections: set[Connection] = set()
        self.version = self.timezone = ""

    @classmethod
    def open(cls, data_directory: Path, *, data_key: bytes, memory_limit_bytes: int, users: Node) -> "Engine":
        """Open the engine on a service's data, which only it may use.

        Args:
            data_directory: the service's.
            data_key: 32 bytes.
            memory_limit_bytes: what the engine may use.
            users: its users file's tree (engine/access/rendering.py).

        Raises:
            Invalid, Conflict: the data key is missing or not the one of the data; nothing was opened or written.
            Unavailable: the engine does not open, or does not encrypt as it should.
        """
        engine = cls(Layout(data_directory), memory_limit_bytes=memory_limit_bytes)
        engine._open(data_key, users)
        return engine

    def reopen(self, *, data_key: bytes, users: Node) -> None:
        """Close and open again with another users file. Every other connection is closed already.

        Raises:
            as `open`; the engine is closed then.
        """
        self.close()
        self._open(data_key, users)

    def has_generation(self, generation: int) -> bool:
        """Whether the engine reads the users file of this generation of the catalogue."""
        return self.first.value(f"SELECT has(currentRoles(), 'g_{generation}')") == "1"

    def _open(self, data_key: bytes, users: Node) -> None:
        layout = self.layout
        prove_data_key(layout.root, data_key)
        try:
            _prepare(layout)
            write_configuration(layout, memory_limit_bytes=self._memory, users=users)
        except OSError as error:
            raise Unavailable("The service's data directory cannot be used.", detail=str(error)) from error
        self.first = _with_key(data_key, lambda: Connection(self._module.connect(self._address)))
        try:
            plain_default_database(self.first)
            _verify(self.first, layout)
            self.version = self.first.value("SELECT version()")
            self.timezone = self.first.value("SELECT timezone()")
        except DatabaseError as error:
            self.close()
            raise Unavailable(
                "The engine does not answer as it should.", code="engine_unsound", detail=error.public
            ) from error
        except BaseException:
            self.close()
            raise

    def connect(self, *, expressions: bool = False) -> Connection:
        """A new connection, which has every role there is.

        `expressions`: text in VALUES may be evaluated; only for data that were checked.
        """
        # Settings in the address are not subject to constraints: it is the way past our own.
        extra = "".join(f"&{name}=1" for name in EXPRESSIONS) if expressions else ""
        try:
            connection = Connection(self._module.connect(self._address + extra), self._connections.discard)
        except RuntimeError as error:
            raise Unavailable("The engine gives no connection.", detail=str(error)) from None
        self._connections.add(connection)
        return connection

    def internal(self) -> Connection:
        """A new connection for what the worker itself does."""
        connection = self.connect()
        connection.query(f"SET ROLE {INTERNAL}")
        return connection

    def close(self) -> None:
        """Close the engine with every connection that is left; nobody may be using one.

        With one of them open the engine would go on with its old configuration.
        """
        for connection in list(self._connections):
            connection.close()
        self.first.close()


def _verify(first: Connection, layout: Layout) -> None:
    """Prove that rows can go to the encrypted disk only; raises Unavailable otherwise."""
    policies = first.value("SELECT policy_name, disks FROM system.storage_policies ORDER BY 1")
    spills = "SELECT count() FROM system.settings WHERE name LIKE 'max_bytes%before\\_external%' AND value != '0'"
    logs = "SELECT count() FROM system.tables WHERE database = 'system' AND name LIKE '%\\_log' AND engine LIKE '%Tree'"
    facts = {
        "storage policies": policies == f"default\t['{DISK}']\n{POLICY}\t['{DISK}']",
        "disk": first.value("SELECT name FROM system.disks WHERE is_encrypted") == DISK,
        "default policy": first.value("SELECT value FROM system.merge_tree_settings WHERE name = 'storage_policy'")
        == POLICY,
        "spills": first.value(spills) == "0",
        "log tables": first.value(logs) == "0",
        "temporary files": layout.temporary.is_file() and layout.temporary.stat().st_size == 0,
        "default database": first.value("SELECT engine FROM system.databases WHERE name = 'default'") == "Atomic",
    }
    wrong = [name for name, holds in facts.items() if not holds]
    if wrong:
        raise Unavailable("The engine does not keep data as it should.", code="engine_unsound", detail=", ".join(wrong))


def _prepare(layout: Layout) -> None:
    for directory in (layout.engine, layout.disk):
        private_directory(directory)
    if layout.temporary.is_dir() and not layout.temporary.is_symlink():
        layout.temporary.rmdir()
    if not layout.temporary.is_file():
        os.close(os.open(layout.temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400))
    prepare_default_database(layout)


def _with_key(data_key: bytes, opening: Callable[[], Connection]) -> Connection:
    os.environ[KEY_VARIABLE] = data_key.hex()  # noqa: TID251 - the engine takes the key from there and nowhere else
    try:
        return opening()
    except RuntimeError as error:
        raise Unavailable(
            "The engine did not open: another process uses its data, or they are damaged.",
            code="engine_not_opened",
            detail=str(error),
        ) from None
    finally:
        del os.environ[KEY_VARIABLE]  # noqa: TID251 - as above
