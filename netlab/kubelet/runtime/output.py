"""What a container's first process writes: into its log, and to whoever is attached.

Reading is bounded: a program that writes without end waits for its pipe, as it would for a
terminal, and does not keep the runtime, and with it the machine, busy.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from netlab.kubelet.runtime import stdio
from netlab.kubelet.runtime.logs import ContainerLog
from netlab.linux import pipes

_BLOCK: Final = 64 << 10
_BLOCKS: Final = 16
"""Read of a stream in one turn at most."""
TURN_S: Final = 0.25
"""After so much, a stream has to wait for the next turn."""
_ATTACHED_BYTES: Final = 1 << 20
"""What one who is attached may be behind before he is let go."""


class Output:
    """The output of one container.

    Args:
        directory: The container's own.
        restart_count: Of its run.
        readers: Of its standard output and error; empty when it has a terminal.
        terminal: The other end of its terminal, if it has one.
    """

    def __init__(
        self, directory: Path, restart_count: int, readers: Sequence[int], terminal: int | None
    ) -> None:
        self._log = ContainerLog(directory, restart_count, time.time_ns)
        self._attached: list[tuple[bytes, int]] = []
        self.terminal = terminal
        self.streams = dict(zip(readers, (name.encode() for name in stdio.STREAMS), strict=False))
        """Descriptors to read, and which stream each is."""
        self.ended: set[int] = set()
        """Those that nobody can write to any more."""
        if terminal is not None:
            os.set_blocking(terminal, False)
            self.streams = {terminal: b"stdout"}

    @property
    def dropped(self) -> int:
        """Bytes of the log that could not be written."""
        return self._log.dropped

    def read(self, descriptor: int) -> bool:
        """Read what there is of a stream; return whether there may be more."""
        for _ in range(_BLOCKS):
            block = _read(descriptor)
            if not block:
                if block is not None:
                    self.ended.add(descriptor)
                return False
            stream = self.streams[descriptor]
            self._log.write(stream, block)
            self._pass_on(stream, block)
        return True

    def attach(self) -> list[int]:
        """Return descriptors to read what is written from now on: one of each stream."""
        readers = []
        for stream in self.streams.values():
            reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            pipes.enlarge(writer, _ATTACHED_BYTES)
            self._attached.append((stream, writer))
            readers.append(reader)
        return readers

    def close(self) -> None:
        """Read what is left, and close everything."""
        for descriptor in self.streams:
            self.read(descriptor)
            os.close(descriptor)
        for _, writer in self._attached:
            os.close(writer)
        self._log.close()

    def _pass_on(self, stream: bytes, block: bytes) -> None:
        for one in [one for one in self._attached if one[0] == stream]:
            try:
                complete = os.write(one[1], block) == len(block)
            except OSError:
                complete = False
            if not complete:
                self._attached.remove(one)
                os.close(one[1])


def _read(descriptor: int) -> bytes | None:
    """Return what there is; None when there is nothing yet, empty at the end."""
    try:
        return os.read(descriptor, _BLOCK)
    except BlockingIOError:
        return None
    except OSError:
        # EIO: nobody has the terminal open any more.
        return b""
