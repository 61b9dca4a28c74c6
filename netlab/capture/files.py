"""pcapng files that stay whole, whatever ends the writing.

Theory of operation
-------------------
Blocks are written as they come, a whole batch with one system call, so that a reader of a pipe has
them at once and a capture that is killed leaves a file that ends with a whole block, or nearly.
When the disk is full, the file is cut behind a block that leaves room for the counters, and these
end it as they end any other.
"""

import errno
import os
import select
import stat
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

from netlab.errors import HostError

STDOUT: Final = "-"
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class ReaderGoneError(Exception):
    """Who read the capture from a pipe has seen enough."""


class FileFullError(Exception):
    """A file takes no more; the message says which, and why."""


class PcapngFile:
    """A file under way, or a pipe.

    Args:
        name: Its path, or ``-`` for standard output. A file that is there is replaced.

    Raises:
        HostError: It cannot be written.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.size = 0
        """Bytes written."""
        self._batch: list[bytes] = []
        self._batch_start = 0
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self._file = os.dup(1) if name == STDOUT else os.open(name, flags, 0o644)
        except OSError as error:
            raise HostError(f"cannot write {name}: {error.strerror}") from error
        mode = os.fstat(self._file).st_mode
        self._can_be_cut = stat.S_ISREG(mode)
        self._is_pipe = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)

    def write(self, blocks: Sequence[bytes]) -> None:
        """Write whole blocks.

        Raises:
            ReaderGoneError: Nobody reads the pipe any more.
            FileFullError: The file takes no more.
        """
        start = self.size
        try:
            self._write(b"".join(blocks))
        except BrokenPipeError as error:
            raise ReaderGoneError from error
        except OSError as error:
            # What is in the file ends somewhere in these blocks; ``close`` looks where.
            self._batch += blocks
            reason = "no room is left" if error.errno in _FULL else error.strerror
            raise FileFullError(f"{reason} for {self.name}") from error
        self._batch, self._batch_start = list(blocks), start

    def check(self) -> None:
        """Look whether somebody still reads, when there is nothing to write.

        Raises:
            ReaderGoneError: Nobody reads the pipe any more.
        """
        if self._is_pipe:
            watch = select.poll()
            watch.register(self._file, 0)
            if watch.poll(0):
                raise ReaderGoneError

    def close(self, last_blocks: Iterable[bytes] = ()) -> None:
        """Write the last blocks, making room for them where there is none, and close the file."""
        ending = b"".join(last_blocks)
        try:
            self._cut(0)
            if not self._end(ending):
                self._cut(len(ending))
                self._end(ending)
        finally:
            os.close(self._file)

    def _write(self, content: bytes) -> None:
        view = memoryview(content)
        while view:
            written = os.write(self._file, view)
            self.size += written
            view = view[written:]

    def _end(self, ending: bytes) -> bool:
        """Write the ending, or nothing; return whether there was room."""
        start = self.size
        try:
            self._write(ending)
        except OSError:
            self._cut_at(start)
            return False
        return True

    def _cut(self, needed: int) -> None:
        """Cut the file behind the last whole block that leaves so many bytes of what it has."""
        ends = accumulate(map(len, self._batch), initial=self._batch_start)
        fits = [end for end in ends if end + needed <= self.size]
        if fits and fits[-1] < self.size:
            self._cut_at(fits[-1])

    def _cut_at(self, size: int) -> None:
        if self._can_be_cut:
            os.ftruncate(self._file, size)
            os.lseek(self._file, size, os.SEEK_SET)
            self.size = size
