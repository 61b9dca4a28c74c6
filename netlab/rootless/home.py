"""What a process in an ordinary user's namespaces finds there: a network namespace to work from.

In root's labs there is none, and nothing to be done: a process works from the machine's.
"""

import os
from pathlib import Path
from typing import Final

from netlab.linux.namespaces import setns
from netlab.linux.syscalls import CLONE_NEWNET
from netlab.model.rundir import RUN

HOME: Final = Path("/run/netlab.netns")
"""The network namespace is mounted here."""
OUTSIDE: Final = Path("/run/netlab.directory")
"""A link to the runtime directory, by the path that it has outside too."""


def go_home() -> None:
    """Move the calling process into the network namespace that the user's labs work from.

    Raises:
        OSError: The kernel refused.
    """
    try:
        descriptor = os.open(HOME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        setns(descriptor, CLONE_NEWNET)
    finally:
        os.close(descriptor)


def runtime_directory() -> Path | None:
    """Return the path of /run/netlab that is good outside too; None for root's labs."""
    try:
        return OUTSIDE.readlink()
    except FileNotFoundError:
        return None


def outside(path: Path) -> Path:
    """Return the path that a file of a lab's has outside the user's own namespaces."""
    directory = runtime_directory()
    if directory is None or not path.is_relative_to(RUN):
        return path
    return directory / path.relative_to(RUN)


def is_directory_gone() -> bool:
    """Return whether /run/netlab shows a directory that has been removed outside."""
    return OUTSIDE.is_symlink() and RUN.stat().st_nlink == 0
