"""The standard streams of a container's first process, as pipes with a name.

A pipe outlives the runtime that reads it: the container holds it open for reading too, so that
writing to it never fails; what is written while nobody reads waits in it, and another runtime finds
it by its name.
"""

import os
from pathlib import Path
from typing import Final

from netlab.linux import pipes

STREAMS: Final = ("stdout", "stderr")
_PIPE_BYTES: Final = 256 << 10
"""How much may wait while the runtime is away."""


def make_pipes(directory: Path, owner: int, *, stdin: bool) -> None:
    """Make the pipes of a container, anew where there are some.

    Args:
        directory: The container's own.
        owner: The user id that may open them again, as /dev/stdout.
        stdin: Whether to make one for the standard input too.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("stdin", *STREAMS) if stdin else STREAMS:
        path = directory / name
        path.unlink(missing_ok=True)
        os.mkfifo(path, 0o600)
        os.chown(path, owner, -1)


def open_output(directory: Path, stream: str) -> int:
    """Return a descriptor to read what the container writes to ``stream``; it never blocks.

    Raises:
        OSError: There is no such pipe.
    """
    descriptor = os.open(directory / stream, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    pipes.enlarge(descriptor, _PIPE_BYTES)
    return descriptor


def open_input(directory: Path) -> int:
    """Return a descriptor to write what the container reads; its input ends with the last one.

    Raises:
        OSError: There is no such pipe.
    """
    # Opened for both, the pipe need not have a reader yet.
    both = os.open(directory / "stdin", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.open(directory / "stdin", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    finally:
        os.close(both)
