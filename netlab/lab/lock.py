"""One command at a time changes a lab.

The lock is the kernel's (flock), so it ends with its holder, however that ends. The file says who
holds it, for the message, and goes when the lock is let go.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from netlab.errors import LabError
from netlab.model.rundir import RUN


@contextmanager
def held(lab: str) -> Iterator[None]:
    """Hold the lab's lock for the block.

    Raises:
        LabError: Another command holds it.
    """
    # Kubeconfigs lie in it, which users read; what else does is root's alone.
    RUN.mkdir(mode=0o711, parents=True, exist_ok=True)
    path = RUN / f".{lab}.lock"
    descriptor = _locked(lab, path)
    try:
        os.ftruncate(descriptor, 0)
        # On a full disk the lock holds all the same: there must be a way to remove a lab from it.
        with suppress(OSError):
            os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)
        _remove_if_empty(RUN)


def _locked(lab: str, path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 32).decode() or "unknown"
            os.close(descriptor)
            raise LabError(
                f"lab {lab} is busy: a command with pid {holder} is changing it",
                hint="wait for it to end, or end it",
            ) from error
        # The holder before us may have removed the file between our open and our lock.
        if path.exists() and path.stat().st_ino == os.fstat(descriptor).st_ino:
            return descriptor
        os.close(descriptor)


def _remove_if_empty(directory: Path) -> None:
    try:
        directory.rmdir()
    except OSError:
        # Another lab's files are in it.
        return
