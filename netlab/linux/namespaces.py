"""Leave namespaces for others: system calls that move the calling thread.

A module of their own, because who may not move can be kept from importing it: the control plane,
whose event loop and threads would go on in the wrong place.
"""

import ctypes
import os

from netlab.linux.syscalls import libc


def setns(fd: int, nstype: int) -> None:
    """Move the calling thread into the namespace that ``fd`` refers to (setns(2)).

    Raises:
        OSError: The kernel refused.
    """
    if libc.setns(fd, nstype):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def unshare(flags: int) -> None:
    """Give the calling thread new namespaces of the kinds in ``flags`` (unshare(2)).

    Raises:
        OSError: The kernel refused.
    """
    if libc.unshare(flags):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
