"""Loading chDB's extension module alone.

`import chdb` would open and close a second, unencrypted in-memory engine in TMPDIR and start its threads; the
extension by itself does neither (measured: 50 ms and 1 thread instead of 195 ms and 13).
"""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from typing import Protocol, cast

from stronghouse.kernel.errors import Unavailable

EXTENSION = "_chdb.abi3.so"
_MODULE = "chdb._chdb"


class RawResult(Protocol):
    """What a query left (chdb._chdb.query_result)."""

    def bytes(self) -> bytes:
        """The output."""
        ...

    def has_error(self) -> bool:
        """Whether it failed."""
        ...

    def error_message(self) -> str:
        """Why it failed."""
        ...

    def rows_read(self) -> int:
        """Rows of the result."""
        ...

    def rows_written(self) -> int:
        """Rows written."""
        ...

    def bytes_written(self) -> int:
        """Bytes written."""
        ...

    def storage_rows_read(self) -> int:
        """Rows read from tables."""
        ...

    def storage_bytes_read(self) -> int:
        """Bytes read from tables."""
        ...


class RawConnection(Protocol):
    """A connection to the engine (chdb._chdb.connect). One statement at a time; any thread."""

    def query(self, query_str: str, format: str, *, params: Mapping[str, str]) -> RawResult:  # noqa: A002 - its name
        """Run one statement."""
        ...

    def classify_query(self, sql: str) -> dict[str, object]:
        """What the statement would do."""
        ...

    def set_progress_callback(self, callback: Callable[[Mapping[str, int]], None] | None) -> None:
        """Call this about every 100 ms while a statement runs, from a thread of the engine's."""
        ...

    def close(self) -> None:
        """Close; waits for a running statement."""
        ...


class RawModule(Protocol):
    """The extension module."""

    def connect(self, path: str) -> RawConnection:
        """Open a connection, and with the first one the engine."""
        ...

    def set_signal_handlers_enabled(self, enabled: int) -> None:
        """Whether the engine may install signal handlers."""
        ...


def load_engine() -> RawModule:
    """The extension module, without the Python package around it; raises Unavailable when it is not installed."""
    loaded = sys.modules.get(_MODULE)
    if loaded is not None:
        return cast("RawModule", loaded)
    package = importlib.util.find_spec("chdb")
    for folder in package.submodule_search_locations or () if package else ():
        file = Path(folder) / EXTENSION
        if file.exists():
            loader = ExtensionFileLoader(_MODULE, str(file))
            spec = importlib.util.spec_from_file_location(_MODULE, file, loader=loader)
            if spec is None:
                continue
            module = importlib.util.module_from_spec(spec)
            loader.exec_module(module)
            sys.modules[_MODULE] = module
            raw = cast("RawModule", module)
            # Its crash handler writes the running query's text to standard error, which is a log file.
            raw.set_signal_handlers_enabled(0)
            return raw
    raise Unavailable("The engine (PyPI chdb) is not installed.", code="engine_missing")
