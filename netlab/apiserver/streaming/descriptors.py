"""File descriptors of pipes, terminals and sockets in the event loop."""

import asyncio
import os
from collections.abc import Callable
from typing import Any, Final

CHUNK: Final = 1 << 16
"""Bytes to read at once: what a pipe holds."""


class Descriptor:
    """One descriptor; it is ours, and closed by us.

    One reader and one writer at a time. A reader that is slow leaves the bytes where they are, so
    that who writes them waits.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._is_closed = False
        self._waits = True
        self._waiter: asyncio.Future[None] | None = None
        os.set_blocking(number, False)

    async def read(self) -> bytes:
        """Return what is there as soon as something is; empty at the end."""
        while not self._is_closed:
            found = self._read_available()
            if found is not None:
                return found
            if not self._waits:
                return b""
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            await self._ready(self._waiter, loop.add_reader, loop.remove_reader)
        return b""

    def end_when_empty(self) -> None:
        """Have what is there now be the last to be read."""
        self._waits = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _read_available(self) -> bytes | None:
        """Return what is there now; empty at the end, None when there is nothing yet."""
        try:
            return os.read(self.number, CHUNK)
        except BlockingIOError:
            return None
        except OSError:
            # A terminal that no process has open any more says EIO; a reset connection is no more
            # than an end here.
            return b""

    async def write(self, data: bytes) -> None:
        """Write everything; return when it is written.

        Raises:
            OSError: Nobody reads any more.
        """
        rest = memoryview(data)
        while rest and not self._is_closed:
            try:
                rest = rest[os.write(self.number, rest) :]
            except BlockingIOError:
                loop = asyncio.get_running_loop()
                await self._ready(loop.create_future(), loop.add_writer, loop.remove_writer)

    def close(self) -> None:
        """Close it; twice is once."""
        if not self._is_closed:
            self._is_closed = True
            loop = asyncio.get_running_loop()
            loop.remove_reader(self.number)
            loop.remove_writer(self.number)
            self.end_when_empty()
            os.close(self.number)

    async def _ready(
        self,
        future: "asyncio.Future[None]",
        add: Callable[[int, Callable[[], None]], Any],
        remove: Callable[[int], Any],
    ) -> None:
        def set_ready() -> None:
            if not future.done():
                future.set_result(None)

        add(self.number, set_ready)
        try:
            await future
        finally:
            if not self._is_closed:
                remove(self.number)
