"""Linux system calls that Python's standard library has no function for.

Flags keep their kernel names; each group says which header they come from.
"""

import ctypes
import os
from typing import Final

CLONE_NEWNS: Final = 0x0002_0000
CLONE_NEWUTS: Final = 0x0400_0000
CLONE_NEWPID: Final = 0x2000_0000
CLONE_NEWNET: Final = 0x4000_0000
"""linux/sched.h"""

MS_RDONLY: Final = 1
MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_REMOUNT: Final = 32
MS_BIND: Final = 4096
MS_REC: Final = 16384
MS_PRIVATE: Final = 1 << 18
MS_SHARED: Final = 1 << 20
_MNT_DETACH: Final = 2
"""linux/mount.h"""

_SYS_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}
"""asm/unistd.h; the C library has no function for it."""

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


def mount(source: str, target: str, fstype: str, flags: int, options: str = "") -> None:
    """Mount a file system (mount(2)).

    Raises:
        OSError: The kernel refused.
    """
    arguments = (source.encode(), target.encode(), fstype.encode(), flags, options.encode() or None)
    if _libc.mount(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def bind_mount(source: str, target: str) -> None:
    """Make ``source`` appear at ``target`` as well.

    Raises:
        OSError: The kernel refused.
    """
    mount(source, target, "none", MS_BIND)


def umount(target: str) -> None:
    """Take a mount away at once, even when it is in use (umount2(2) with MNT_DETACH).

    Raises:
        OSError: The kernel refused.
    """
    if _libc.umount2(target.encode(), _MNT_DETACH):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def pivot_root(new_root: str, put_old: str) -> None:
    """Make ``new_root`` the root of the mount namespace (pivot_root(2)).

    Raises:
        OSError: The kernel refused.
    """
    if _libc.syscall(_SYS_PIVOT_ROOT[os.uname().machine], new_root.encode(), put_old.encode()):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), new_root)


def prctl(option: int, argument: int | bytes) -> None:
    """Change a property of the calling process (prctl(2)).

    Raises:
        OSError: The kernel refused.
    """
    value = ctypes.c_char_p(argument) if isinstance(argument, bytes) else ctypes.c_ulong(argument)
    if _libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def capset(header: bytes, sets: bytes) -> None:
    """Set the capabilities of the calling process (capset(2)).

    Raises:
        OSError: The kernel refused.
    """
    if _libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
