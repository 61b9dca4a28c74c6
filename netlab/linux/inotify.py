"""inotify: learn that a file in a directory was written to, closed, renamed or made.

Source: inotify(7), linux/inotify.h.
"""

import ctypes
import os
from pathlib import Path
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_MODIFY, _CLOSE_WRITE, _MOVED_FROM, _CREATE = 0x2, 0x8, 0x40, 0x100
_EVENTS: Final = _MODIFY | _CLOSE_WRITE | _MOVED_FROM | _CREATE
_BUFFER: Final = 1 << 16


def watch_directory(path: Path) -> int:
    """Return a descriptor that becomes readable whenever something changes in a directory.

    Raises:
        OSError: There is no such directory, or this user watches too many.
    """
    descriptor: int = _checked(_LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK), path)
    try:
        _checked(_LIBC.inotify_add_watch(descriptor, os.fsencode(path), _EVENTS), path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def forget_events(descriptor: int) -> None:
    """Take the events that are there, so that the descriptor is readable at the next one."""
    try:
        os.read(descriptor, _BUFFER)
    except BlockingIOError:
        return


def _checked(result: int, path: Path) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
    return result
