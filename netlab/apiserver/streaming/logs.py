"""Logs of containers: read from where the client wants them, and followed as they grow.

A file that is followed may be renamed, when it has grown too long, and another takes its name; that
is read on from its beginning. inotify tells when there is more.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO, Final

from netlab.apiserver.streams.logs import LogOptions, LogReader
from netlab.linux.inotify import forget_events, watch_directory

_BLOCK: Final = 1 << 16
_LOOK_S: Final = 1.0
"""Between two looks at whether the container still runs, when its log says nothing."""


async def read_log(
    path: Path, options: LogOptions, is_running: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    """Yield what a client sees of a log.

    Args:
        path: The file, which need not be there yet.
        options: What the client asked for.
        is_running: Whether more may come.
    """
    reader = LogReader(options)
    async with aclosing(_blocks(path, options, is_running)) as blocks:
        async for block in blocks:
            if text := reader.feed(block):
                yield text
            if reader.is_done:
                return


async def _blocks(
    path: Path, options: LogOptions, is_running: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    log = _LogFile(path, options.tail)
    changes = _Changes(path.parent) if options.follow else None
    try:
        while True:
            # Asked before the rest is read: what was written before the end is read in any case.
            runs = is_running()
            while block := log.read():
                yield block
            if changes is None or not runs:
                return
            await changes.wait()
    finally:
        log.close()
        if changes is not None:
            changes.close()


class _LogFile:
    """A log file, by its name: when it is renamed, the next of that name is read on."""

    def __init__(self, path: Path, tail: int | None) -> None:
        self._path = path
        self._file = self._open()
        if self._file is not None and tail is not None:
            self._file.seek(_start_of_last(self._file, tail))

    def read(self) -> bytes:
        """Return the next bytes; empty when there are none yet."""
        block = self._file.read(_BLOCK) if self._file is not None else b""
        if block or not self._is_another_there():
            return block
        self.close()
        self._file = self._open()
        return self._file.read(_BLOCK) if self._file is not None else b""

    def close(self) -> None:
        """Read no more."""
        if self._file is not None:
            self._file.close()

    def _open(self) -> BinaryIO | None:
        try:
            return self._path.open("rb")
        except FileNotFoundError:
            return None

    def _is_another_there(self) -> bool:
        try:
            found = self._path.stat().st_ino
        except FileNotFoundError:
            return False
        return self._file is None or found != os.fstat(self._file.fileno()).st_ino


def _start_of_last(file: BinaryIO, lines: int) -> int:
    """Return where the last ``lines`` lines of a file begin."""
    end = file.seek(0, os.SEEK_END)
    at = end
    # The newline at the very end begins no line.
    missing = lines + 1
    while at > 0:
        begin = max(0, at - _BLOCK)
        file.seek(begin)
        block = file.read(at - begin)
        count = block.count(b"\n")
        if count >= missing:
            for _ in range(missing - 1):
                block = block[: block.rindex(b"\n")]
            return begin + block.rindex(b"\n") + 1
        missing -= count
        at = begin
    return 0


class _Changes:
    """Changes in a directory, awaited."""

    def __init__(self, directory: Path) -> None:
        self._descriptor = watch_directory(directory)
        self._event = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._descriptor, self._on_readable)

    def _on_readable(self) -> None:
        forget_events(self._descriptor)
        self._event.set()

    async def wait(self) -> None:
        """Return after a change since the last call, or a second later."""
        try:
            async with asyncio.timeout(_LOOK_S):
                await self._event.wait()
        except TimeoutError:
            return
        self._event.clear()

    def close(self) -> None:
        """Watch no more."""
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
