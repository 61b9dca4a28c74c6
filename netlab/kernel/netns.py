"""Network namespaces by name, as ``ip netns`` keeps them: bind mounts under ``/run/netns``.

A namespace is a property of a thread. ``inside`` moves the calling thread, so it is for
single-threaded processes only: a command of the command line, or the lab's launcher; never the
control plane while its event loop runs. A socket stays in the namespace it was created in.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from netlab.model.names import NetnsName, lab_prefix

NETNS: Final = Path("/run/netns")

CLONE_NEWNS: Final = 0x0002_0000
CLONE_NEWUTS: Final = 0x0400_0000
CLONE_NEWPID: Final = 0x2000_0000
CLONE_NEWNET: Final = 0x4000_0000
"""linux/sched.h"""

_libc = ctypes.CDLL(None, use_errno=True)


def setns(fd: int, nstype: int) -> None:
    """Move the calling thread into the namespace that ``fd`` refers to (setns(2)).

    Raises:
        OSError: The kernel refused.
    """
    if _libc.setns(fd, nstype):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def unshare(flags: int) -> None:
    """Give the calling thread new namespaces of the kinds in ``flags`` (unshare(2)).

    Raises:
        OSError: The kernel refused.
    """
    if _libc.unshare(flags):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextmanager
def inside(name: NetnsName) -> Iterator[None]:
    """Run the block with the calling thread in namespace ``name``.

    Raises:
        FileNotFoundError: There is no such namespace.
    """
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(NETNS / name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            setns(there, CLONE_NEWNET)
        finally:
            os.close(there)
        try:
            yield
        finally:
            setns(home, CLONE_NEWNET)
    finally:
        os.close(home)


def names_of(lab: str) -> list[NetnsName]:
    """Return the namespaces of ``lab``, sorted; empty when there are none."""
    return [NetnsName(name) for name in _all() if name.startswith(lab_prefix(lab))]


def labs() -> list[str]:
    """Return every lab that has a namespace on this machine, sorted."""
    return sorted({name.split("-", 2)[1] for name in _all() if name.count("-") > 1})


def _all() -> list[str]:
    if not NETNS.is_dir():
        return []
    return sorted(path.name for path in NETNS.iterdir() if path.name.startswith("netlab-"))
