"""Reading a pipe from the event loop."""

import asyncio
import contextlib
import os

READ_BYTES = 256 << 10


class PipeReader:
    """The reading end of a pipe, which it owns."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()

    async def read(self) -> bytes:
        """What there is, waiting for at least one byte; none at the end. Cancelling it loses nothing."""
        while True:
            with contextlib.suppress(BlockingIOError):
                return os.read(self._descriptor, READ_BYTES)
            ready = self._loop.create_future()
            self._loop.add_reader(self._descriptor, _wake, ready)
            try:
                await ready
            finally:
                self._loop.remove_reader(self._descriptor)

    async def drain(self) -> None:
        """Read and forget everything to the end."""
        while await self.read():
            pass

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
