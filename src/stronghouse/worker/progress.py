"""What a query has done while it runs: the engine tells it ten times a second, and counts with a result only.

So what a query did that failed, for quotas and for the log, is what was told last, carried on at the same pace. Of one
that failed within a tenth of a second nothing is known.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from stronghouse.engine.connection import Connection, Counters


@dataclass(slots=True)
class Progress:
    """What was told last.

    Attributes:
        done: rows and bytes.
        elapsed: after how many seconds.
        total_rows: how many rows there are to read, as far as is known.
    """

    done: Counters = field(default_factory=Counters)
    elapsed: float = 0.0
    total_rows: int = 0

    def up_to(self, seconds: float) -> Counters:
        """What was done in all this time, at the pace up to what was told last."""
        pace = max(seconds / self.elapsed, 1.0) if self.elapsed else 1.0
        return Counters(*(round(count * pace) for count in self.done))


@contextlib.contextmanager
def watched(
    connection: Connection, tell: Callable[[Progress], None], *, failed: Callable[[Counters], None]
) -> Iterator[None]:
    """Watch what runs on a connection within the block.

    Args:
        connection: is as it was afterwards.
        tell: called from a thread of the engine's whenever there is something new.
        failed: called with what was done, if the block raises.
    """
    progress = Progress()

    def note(numbers: Mapping[str, int]) -> None:
        progress.done = Counters(numbers["read_rows"], numbers["read_bytes"], numbers["written_rows"])
        progress.elapsed = numbers["elapsed_ns"] / 1e9
        progress.total_rows = max(numbers["total_rows_to_read"], numbers["read_rows"])
        tell(progress)

    begin = time.monotonic()
    connection.watch(note)
    try:
        yield
    except BaseException:
        failed(progress.up_to(time.monotonic() - begin))
        raise
    finally:
        connection.watch(None)
