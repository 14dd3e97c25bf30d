"""The running engine of one service: opened with its data key, proven to be encrypted, closed cleanly."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stronghouse.engine.binding import RawModule, load_engine
from stronghouse.engine.configuration import DISK, KEY_VARIABLE, POLICY, Layout, write_configuration
from stronghouse.engine.connection import Connection
from stronghouse.engine.data_key import check_data_key
from stronghouse.engine.default_database import plain_default_database, prepare_default_database
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.settings import EXPRESSIONS
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.files import private_directory


@dataclass(frozen=True)
class Vocabulary:
    """Names that this build of the engine knows, in lower case.

    Attributes:
        table_functions: its table functions.
        higher_order: its functions that take functions as arguments.
    """

    table_functions: frozenset[str]
    higher_order: frozenset[str]


class Engine:
    """An open engine. There is at most one in a process."""

    def __init__(self, module: RawModule, address: str) -> None:
        self._module = module
        self._address = address
        self.first = Connection(module.connect(address))
        """The engine lives as long as one connection does: this one."""
        self.version = self.first.value("SELECT version()")
        self.timezone = self.first.value("SELECT timezone()")

    @classmethod
    def open(cls, data_directory: Path, *, data_key: bytes, memory_limit_bytes: int) -> "Engine":
        """Open the engine on a service's data, which only it may use.

        Raises:
            Invalid, Conflict: the data key is missing or not the one of the data; nothing was opened or written.
            Unavailable: the engine does not open, or does not encrypt as it should.
        """
        layout = Layout(data_directory)
        module = load_engine()
        try:
            private_directory(layout.configuration)
            check_data_key(layout, data_key)
            _prepare(layout)
            write_configuration(layout, memory_limit_bytes=memory_limit_bytes)
        except OSError as error:
            raise Unavailable("The service's data directory cannot be used.", detail=str(error)) from error
        engine = _with_key(data_key, lambda: cls(module, f"file:{layout.engine}?config-file={layout.engine_file}"))
        try:
            plain_default_database(engine.first)
            _verify(engine.first, layout)
        except DatabaseError as error:
            engine.close()
            raise Unavailable(
                "The engine does not answer as it should.", code="engine_unsound", detail=error.public
            ) from error
        except BaseException:
            engine.close()
            raise
        return engine

    def connect(self, *, expressions: bool = False) -> Connection:
        """A new connection. `expressions`: text in VALUES may be evaluated; only for data that were checked."""
        # Settings in the address are not subject to constraints: it is the way past our own.
        extra = "".join(f"&{name}=1" for name in EXPRESSIONS) if expressions else ""
        try:
            return Connection(self._module.connect(self._address + extra))
        except RuntimeError as error:
            raise Unavailable("The engine gives no connection.", detail=str(error)) from None

    def vocabulary(self) -> Vocabulary:
        """The names that this engine knows."""
        functions = self.first.value("SELECT lower(name) FROM system.table_functions")
        higher_order = self.first.value("SELECT lower(name) FROM system.functions WHERE higher_order")
        return Vocabulary(frozenset(functions.split("\n")), frozenset(higher_order.split("\n")))

    def close(self) -> None:
        """Close the engine, once every other connection is closed."""
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


def _with_key(data_key: bytes, opening: Callable[[], Engine]) -> Engine:
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
