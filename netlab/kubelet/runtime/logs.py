"""A container's log, in the format of the Container Runtime Interface.

Each line is ``TIMESTAMP STREAM TAG TEXT``; the tag is F for a whole line and P for a part of one
that was too long. A log that reaches its limit is renamed after the time, and the oldest is
removed. What cannot be written, on a full disk, is left out and counted: the program that wrote it
goes on.

Source: Kubernetes, CRI logging design proposal; kubelet, ``pkg/kubelet/logs`` (containerLogMaxSize,
containerLogMaxFiles).
"""

import contextlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 10 << 20
MAX_FILES: Final = 5
_LINE_BYTES: Final = 16 << 10
"""A longer line is written in parts."""
_RESERVE: Final = 16 << 20
_RESERVE_SHARE: Final = 20
"""Of the file system, 16 MiB or a twentieth stay free of logs, whichever is less."""
_LOOK_BYTES: Final = 1 << 20
"""How much is written between two looks at the free space."""


def log_file(directory: Path, restart_count: int) -> Path:
    """Return the log of a container's run, the newest part of it."""
    return directory / f"{restart_count}.log"


class ContainerLog:
    """The log of one run of a container.

    Args:
        directory: The container's own.
        restart_count: Of the run.
        clock: Nanoseconds of the wall clock.
    """

    def __init__(self, directory: Path, restart_count: int, clock: Callable[[], int]) -> None:
        self._path = log_file(directory, restart_count)
        self._clock = clock
        self._rest = {b"stdout": b"", b"stderr": b""}
        self._until_look = 0
        self.dropped = 0
        """Bytes that could not be written."""
        self._file = -1
        self._size = 0
        with contextlib.suppress(OSError):
            self._open()

    def write(self, stream: bytes, block: bytes) -> None:
        """Write what came from ``stdout`` or ``stderr``; the end of a line may come later."""
        lines, newline, rest = (self._rest[stream] + block).rpartition(b"\n")
        head = b"%s %s " % (_timestamp(self._clock()), stream)
        text = b""
        if newline:
            text = _whole_lines(head, lines)
        while len(rest) >= _LINE_BYTES:
            text += head + b"P " + rest[:_LINE_BYTES] + b"\n"
            rest = rest[_LINE_BYTES:]
        self._rest[stream] = rest
        if text:
            self._append(text)

    def close(self) -> None:
        """Write what has no end of line, and close the file."""
        for stream, rest in self._rest.items():
            if rest:
                self._append(b"%s %s F %s\n" % (_timestamp(self._clock()), stream, rest))
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, text: bytes) -> None:
        try:
            if self._size + len(text) > MAX_BYTES and self._size:
                self._rotate()
            self._keep_reserve(len(text))
            if self._file < 0:
                self._open()
            self._size += os.write(self._file, text)
        except OSError:
            self.dropped += len(text)

    def _keep_reserve(self, size: int) -> None:
        self._until_look -= size
        if self._until_look > 0:
            return
        found = os.statvfs(self._path.parent)
        if found.f_bavail * found.f_frsize < reserve(found.f_blocks * found.f_frsize):
            raise OSError("the file system is nearly full")
        self._until_look = _LOOK_BYTES

    def _rotate(self) -> None:
        os.close(self._file)
        self._file = -1
        now = datetime.fromtimestamp(self._clock() / 1e9, UTC)
        self._path.rename(f"{self._path}.{now:%Y%m%d-%H%M%S.%f}")
        old = sorted(self._path.parent.glob(f"{self._path.name}.*"))
        for path in old[: -(MAX_FILES - 1)]:
            path.unlink()
        self._open()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)
        self._size = os.fstat(self._file).st_size


def reserve(size: int) -> int:
    """Return how many bytes of a file system of ``size`` bytes logs leave free."""
    return min(_RESERVE, size // _RESERVE_SHARE)


def _whole_lines(head: bytes, lines: bytes) -> bytes:
    """Return lines with their heads; one that is too long in parts."""
    tagged = head + b"F "
    if len(lines) <= _LINE_BYTES or max(map(len, lines.split(b"\n"))) <= _LINE_BYTES:
        return tagged + lines.replace(b"\n", b"\n" + tagged) + b"\n"
    text = b""
    for line in lines.split(b"\n"):
        while len(line) > _LINE_BYTES:
            text += head + b"P " + line[:_LINE_BYTES] + b"\n"
            line = line[_LINE_BYTES:]  # noqa: PLW2901
        text += tagged + line + b"\n"
    return text


def _timestamp(nanoseconds: int) -> bytes:
    """Return a time as RFC 3339 has it, with nanoseconds.

    >>> _timestamp(1_800_000_000_123_456_789)
    b'2027-01-15T08:00:00.123456789Z'
    """
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z".encode()
