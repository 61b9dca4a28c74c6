"""Linux system calls that Python's standard library has no function for.

Flags keep their kernel names; each group says which header they come from.
"""

import ctypes
import errno
import os
import struct
from typing import Final, NamedTuple

CLONE_NEWNS: Final = 0x0002_0000
CLONE_NEWCGROUP: Final = 0x0200_0000
CLONE_NEWUTS: Final = 0x0400_0000
CLONE_NEWIPC: Final = 0x0800_0000
CLONE_NEWUSER: Final = 0x1000_0000
CLONE_NEWPID: Final = 0x2000_0000
CLONE_NEWNET: Final = 0x4000_0000
"""linux/sched.h"""

MS_RDONLY: Final = 1
MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_REMOUNT: Final = 32
MS_BIND: Final = 4096
_MS_MOVE: Final = 8192
MS_REC: Final = 16384
MS_PRIVATE: Final = 1 << 18
MS_SLAVE: Final = 1 << 19
MS_SHARED: Final = 1 << 20
_MNT_DETACH: Final = 2
MOUNT_ATTR_RDONLY: Final = 1
_OPEN_TREE_CLONE: Final = 1
_MOVE_MOUNT_F_EMPTY_PATH: Final = 4
"""linux/mount.h"""

_AT_FDCWD: Final = -100
_AT_RECURSIVE: Final = 0x8000
"""linux/fcntl.h"""

_SYS_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}
_SYS_OPEN_TREE: Final = 428
_SYS_MOVE_MOUNT: Final = 429
_SYS_MOUNT_SETATTR: Final = 442
"""asm/unistd.h; the C library has no function for these, or has not had it for long."""

_PR_SET_SECCOMP: Final = 22
_PR_SET_MM: Final = 35
_PR_SET_MM_MAP: Final = 14
"""linux/prctl.h"""
_SECCOMP_MODE_FILTER: Final = 2
"""linux/seccomp.h"""

libc: Final = ctypes.CDLL(None, use_errno=True)
"""The C library that this process runs with."""
libc.sbrk.restype = ctypes.c_void_p
libc.malloc.restype = ctypes.c_void_p


def mount(source: str, target: str, fstype: str, flags: int, options: str = "") -> None:
    """Mount a file system (mount(2)).

    Raises:
        OSError: The kernel refused.
    """
    arguments = (source.encode(), target.encode(), fstype.encode(), flags, options.encode() or None)
    if libc.mount(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def bind_mount(source: str, target: str) -> None:
    """Make ``source`` appear at ``target`` as well, without what is mounted below it.

    In a user namespace, mounts that came from outside stay together: there it appears with them.

    Raises:
        OSError: The kernel refused.
    """
    try:
        mount(source, target, "none", MS_BIND)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        mount(source, target, "none", MS_BIND | MS_REC)


def move_mount_at(source: str, target: str) -> None:
    """Move the mount at ``source``, and all below it, to ``target``.

    Raises:
        OSError: The kernel refused.
    """
    mount(source, target, "none", _MS_MOVE)


def umount(target: str) -> None:
    """Take a mount away at once, even when it is in use (umount2(2) with MNT_DETACH).

    Raises:
        OSError: The kernel refused.
    """
    if libc.umount2(target.encode(), _MNT_DETACH):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def mount_setattr(target: str, attributes: int) -> None:
    """Set attributes of the mount at ``target`` and of all below it (mount_setattr(2)).

    Args:
        target: Where it is mounted.
        attributes: ``MOUNT_ATTR_*`` to set.

    Raises:
        OSError: The kernel refused; ENOSYS before Linux 5.12.
    """
    changes = struct.pack("=4Q", attributes, 0, 0, 0)
    _checked(
        libc.syscall(
            _SYS_MOUNT_SETATTR, _AT_FDCWD, target.encode(), _AT_RECURSIVE, changes, len(changes)
        ),
        target,
    )


def open_tree(path: str, *, recursive: bool = False) -> int:
    """Return a descriptor of a copy of the mount that ``path`` is in, rooted at ``path``.

    The copy is mounted nowhere yet (open_tree(2) with OPEN_TREE_CLONE).

    Args:
        path: A directory or a file.
        recursive: Whether to copy what is mounted below it, too.

    Raises:
        OSError: The kernel refused.
    """
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC | (_AT_RECURSIVE if recursive else 0)
    return _checked(libc.syscall(_SYS_OPEN_TREE, _AT_FDCWD, path.encode(), flags), path)


def move_mount(descriptor: int, target: str) -> None:
    """Mount at ``target`` what ``open_tree`` has copied (move_mount(2)).

    Raises:
        OSError: The kernel refused.
    """
    arguments = (descriptor, b"", _AT_FDCWD, target.encode(), _MOVE_MOUNT_F_EMPTY_PATH)
    _checked(libc.syscall(_SYS_MOVE_MOUNT, *arguments), target)


def pivot_root(new_root: str, put_old: str) -> None:
    """Make ``new_root`` the root of the mount namespace (pivot_root(2)).

    Raises:
        OSError: The kernel refused.
    """
    if libc.syscall(_SYS_PIVOT_ROOT[os.uname().machine], new_root.encode(), put_old.encode()):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), new_root)


def prctl(option: int, argument: int | bytes, second: int = 0) -> None:
    """Change a property of the calling process (prctl(2)).

    Raises:
        OSError: The kernel refused.
    """
    value = ctypes.c_char_p(argument) if isinstance(argument, bytes) else ctypes.c_ulong(argument)
    if libc.prctl(option, value, ctypes.c_ulong(second), 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class MemoryLayout(NamedTuple):
    """Where a process has what /proc/PID shows of it: first address, and the one after the last."""

    code: tuple[int, int]
    data: tuple[int, int]
    start_brk: int
    start_stack: int
    arguments: tuple[int, int]
    environment: tuple[int, int]


def set_mm_map(layout: MemoryLayout, environment: tuple[int, int]) -> None:
    """Tell the kernel where the calling process has its environment (PR_SET_MM_MAP).

    Args:
        layout: Where it has the rest.
        environment: First address, and the one after the last.

    Raises:
        OSError: The kernel refused.
    """
    starts = (*layout.code, *layout.data, layout.start_brk, libc.sbrk(0), layout.start_stack)
    fields = struct.pack("=12QII", *starts, *layout.arguments, *environment, 0, 0, 0xFFFF_FFFF)
    if libc.prctl(_PR_SET_MM, ctypes.c_ulong(_PR_SET_MM_MAP), fields, len(fields), 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class SeccompFilter:
    """A filter of system calls, ready to be set: that costs the process no memory of its own.

    Args:
        program: Of classic BPF, as an array of ``struct sock_filter``.
    """

    def __init__(self, program: bytes) -> None:
        self._program = ctypes.create_string_buffer(program, len(program))
        header = struct.pack("@HP", len(program) // 8, ctypes.addressof(self._program))
        self._header = ctypes.create_string_buffer(header, len(header))
        self._address = ctypes.addressof(self._header)

    def set(self) -> None:
        """Have each further system call of the calling process pass the filter (seccomp(2)).

        Raises:
            OSError: The kernel refused.
        """
        prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, self._address)


def copied(data: bytes) -> int:
    """Return the address of a copy of ``data`` that stays for as long as the process lives."""
    address: int = libc.malloc(len(data) + 1)
    ctypes.memmove(address, data, len(data))
    return address


def capset(header: bytes, sets: bytes) -> None:
    """Set the capabilities of the calling process (capset(2)).

    Raises:
        OSError: The kernel refused.
    """
    if libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _checked(result: int, name: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return result
