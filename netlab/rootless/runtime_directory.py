"""Where the labs of an ordinary user have their files, and the locks on it.

It is ``netlab`` in ``$XDG_RUNTIME_DIR``, where that is the user's own directory, and else
``netlab-UID`` in the directory for temporary files. In the user's namespaces it is /run/netlab.

Two locks of the kernel's (flock) keep commands from ending a holder that others are about to use:
the directory itself is locked while a holder is looked for, started or ended, and each command
holds a file in it, shared with others, for as long as it runs.
"""

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from netlab.errors import HostError

_IN_USE: Final = ".in-use"


def default_directory() -> Path:
    """Return the path of the calling user's directory; it need not be there."""
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given and _is_own(Path(given)):
        return Path(given, "netlab")
    return Path(tempfile.gettempdir(), f"netlab-{_uid_outside()}")


def _uid_outside() -> int:
    """Return the user's ID outside a user namespace that it may be in: many are 0 in theirs."""
    own = os.geteuid()
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        inside, outside, count = map(int, line.split())
        if inside <= own < inside + count:
            return outside + own - inside
    return own


def _is_own(path: Path) -> bool:
    try:
        found = path.stat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


@contextmanager
def locked(directory: Path) -> Iterator[int]:
    """Hold the lock of the directory, which is made where it is missing; yield a descriptor of it.

    Raises:
        HostError: It cannot be made, or it is somebody else's.
    """
    while True:
        descriptor = _opened(directory)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Who held the lock before us may have removed the directory.
        with suppress(FileNotFoundError):
            if directory.stat().st_ino == os.fstat(descriptor).st_ino:
                break
        os.close(descriptor)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _opened(directory: Path) -> int:
    try:
        with suppress(FileExistsError):
            directory.mkdir(mode=0o700)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(directory, flags)
    except OSError as error:
        raise HostError(
            f"the directory for the files of labs cannot be made: {directory}: {error.strerror}",
            hint="set XDG_RUNTIME_DIR or TMPDIR to a directory of yours",
        ) from error
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        os.close(descriptor)
        raise HostError(
            f"{directory} is not yours alone, and labs keep keys in it",
            hint="set XDG_RUNTIME_DIR or TMPDIR to a directory of yours",
        )
    return descriptor


def use(directory: int) -> int:
    """Return a descriptor that says, while it is open, that a command uses the user's holder.

    Args:
        directory: A descriptor of the directory, locked.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(_IN_USE, flags, 0o600, dir_fd=directory)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def is_in_use(directory: int) -> bool:
    """Return whether a command uses the user's holder.

    Args:
        directory: A descriptor of the directory, locked.
    """
    try:
        descriptor = os.open(_IN_USE, os.O_RDWR | os.O_CLOEXEC, dir_fd=directory)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def remove_if_empty(path: Path, directory: int) -> None:
    """Remove the directory, which nobody uses any more, unless files of a lab are in it.

    Args:
        path: Of the directory.
        directory: A descriptor of it, locked.
    """
    with suppress(FileNotFoundError):
        os.unlink(_IN_USE, dir_fd=directory)
    with suppress(OSError):
        path.rmdir()
