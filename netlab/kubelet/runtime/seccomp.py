"""The system calls that a container may make.

Theory of operation
-------------------
The kernel runs a program of classic BPF before each system call of a process that has a filter, and
of all that the process starts. The profile of containerd and Docker lists what is allowed;
here stands the rest of the kernel's calls, which is shorter. A call that is newer than the profile
does not exist (ENOSYS), so that a program which tries it goes on with an older one; what the
profile withholds is refused (EPERM). Two calls are looked into: ``clone`` makes no namespace, and
``socket`` none of the host's families. ``clone3`` takes its flags through a pointer that a filter
cannot follow, so it does not exist.

Source: containerd, ``contrib/seccomp/seccomp_default.go``; moby, ``seccomp/default.json``; Linux,
Documentation/userspace-api/seccomp_filter.rst.
"""

import errno
import os
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_ALLOW: Final = 0x7FFF_0000
_ERRNO: Final = 0x0005_0000
"""linux/seccomp.h"""

_LOAD: Final = 0x20  # ld [k]
_EQUAL: Final = 0x15  # jeq #k
_GREATER_OR_EQUAL: Final = 0x35  # jge #k
_ANY_BIT: Final = 0x45  # jset #k
_RETURN: Final = 0x06  # ret #k
_INSTRUCTION: Final = struct.Struct("=HBBI")

_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Offsets in ``struct seccomp_data``; of an argument the lower half, on a little-endian machine."""

_NEWEST: Final = 466
"""removexattrat, the newest system call that the profile knows."""
_NAMESPACES: Final = 0x7E02_0000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""
_REFUSED_FAMILIES: Final = (12, 19, 20, 23, 25, 34, 37, 38, 40)
"""The address families that the profile's list leaves out, AF_ALG and AF_VSOCK among them."""
_FAMILIES: Final = 46


@dataclass(frozen=True, slots=True, kw_only=True)
class _Architecture:
    audit: int
    """AUDIT_ARCH_*, linux/audit.h."""
    clone: int
    socket: int
    personality: int
    refused: Mapping[str, int]
    """The system calls that are this architecture's own, asm/unistd.h."""


_CLONE3: Final = 435
_REFUSED: Final = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "set_mempolicy_home_node": 450,
    "lsm_get_self_attr": 459,
    "lsm_set_self_attr": 460,
    "lsm_list_modules": 461,
}
"""From 424 on, numbers are the same everywhere."""
_X86_64: Final = _Architecture(
    audit=0xC000_003E,
    clone=56,
    socket=41,
    personality=135,
    refused={
        "syslog": 103,
        "uselib": 134,
        "ustat": 136,
        "sysfs": 139,
        "vhangup": 153,
        "pivot_root": 155,
        "_sysctl": 156,
        "acct": 163,
        "settimeofday": 164,
        "mount": 165,
        "umount2": 166,
        "swapon": 167,
        "swapoff": 168,
        "reboot": 169,
        "sethostname": 170,
        "setdomainname": 171,
        "iopl": 172,
        "ioperm": 173,
        "create_module": 174,
        "init_module": 175,
        "delete_module": 176,
        "get_kernel_syms": 177,
        "query_module": 178,
        "quotactl": 179,
        "nfsservctl": 180,
        "getpmsg": 181,
        "putpmsg": 182,
        "afs_syscall": 183,
        "tuxcall": 184,
        "security": 185,
        "lookup_dcookie": 212,
        "clock_settime": 227,
        "vserver": 236,
        "mbind": 237,
        "set_mempolicy": 238,
        "get_mempolicy": 239,
        "kexec_load": 246,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "migrate_pages": 256,
        "unshare": 272,
        "move_pages": 279,
        "perf_event_open": 298,
        "fanotify_init": 300,
        "open_by_handle_at": 304,
        "setns": 308,
        "kcmp": 312,
        "finit_module": 313,
        "kexec_file_load": 320,
        "bpf": 321,
        "userfaultfd": 323,
    },
)
_AARCH64: Final = _Architecture(
    audit=0xC000_00B7,
    clone=220,
    socket=198,
    personality=92,
    refused={
        "lookup_dcookie": 18,
        "umount2": 39,
        "mount": 40,
        "pivot_root": 41,
        "nfsservctl": 42,
        "vhangup": 58,
        "quotactl": 60,
        "acct": 89,
        "unshare": 97,
        "kexec_load": 104,
        "init_module": 105,
        "delete_module": 106,
        "clock_settime": 112,
        "syslog": 116,
        "reboot": 142,
        "sethostname": 161,
        "setdomainname": 162,
        "settimeofday": 170,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "swapon": 224,
        "swapoff": 225,
        "mbind": 235,
        "get_mempolicy": 236,
        "set_mempolicy": 237,
        "migrate_pages": 238,
        "move_pages": 239,
        "perf_event_open": 241,
        "fanotify_init": 262,
        "open_by_handle_at": 265,
        "setns": 268,
        "kcmp": 272,
        "finit_module": 273,
        "bpf": 280,
        "userfaultfd": 282,
        "kexec_file_load": 294,
    },
)
_ARCHITECTURES: Final = {"x86_64": _X86_64, "aarch64": _AARCH64}
_PERSONALITIES: Final = (0, 0x8, 0x2_0000, 0x2_0008, 0xFFFF_FFFF)


def is_known(machine: str) -> bool:
    """Return whether there is a profile for ``machine``, as ``os.uname`` calls it."""
    return machine in _ARCHITECTURES


def default_profile(machine: str | None = None) -> bytes:
    """Return the filter program of a container, as an array of ``struct sock_filter``.

    Args:
        machine: Architecture, as ``os.uname`` calls it; None for the running one.

    Returns:
        Empty for an architecture whose numbers netlab does not know.
    """
    architecture = _ARCHITECTURES.get(machine or os.uname().machine)
    if architecture is None:
        return b""
    refused = sorted([*architecture.refused.values(), *_REFUSED.values()])
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture.audit),
        _error(errno.EPERM),
        (_LOAD, 0, 0, _NUMBER),
        # Those of x32, of which no program is to be found any more, are above too.
        (_GREATER_OR_EQUAL, 0, 1, _NEWEST + 1),
        _error(errno.ENOSYS),
        (_EQUAL, 0, 1, _CLONE3),
        _error(errno.ENOSYS),
        (_EQUAL, 0, 4, architecture.clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 0, 1, _NAMESPACES),
        _error(errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
        *_looked_into(architecture.personality, allowed=_PERSONALITIES),
        *_looked_into(architecture.socket, refused=_REFUSED_FAMILIES, below=_FAMILIES),
        *_refuse(refused),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in program)


_Instruction = tuple[int, int, int, int]


def _error(number: int) -> _Instruction:
    return (_RETURN, 0, 0, _ERRNO | number)


def _looked_into(
    call: int, allowed: Iterable[int] = (), refused: Iterable[int] = (), below: int = 0
) -> list[_Instruction]:
    """Return a check of one call's first argument: those ``allowed``, or all ``below`` but some."""
    inner: list[_Instruction] = [(_LOAD, 0, 0, _FIRST_ARGUMENT)]
    if below:
        for value in refused:
            inner += [(_EQUAL, 0, 1, value), _error(errno.EPERM)]
        inner += [(_GREATER_OR_EQUAL, 0, 1, below), _error(errno.EPERM), (_RETURN, 0, 0, _ALLOW)]
    else:
        for value in allowed:
            inner += [(_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW)]
        inner.append(_error(errno.EPERM))
    return [(_EQUAL, 0, len(inner), call), *inner]


def _refuse(numbers: Iterable[int]) -> list[_Instruction]:
    found: list[_Instruction] = []
    for number in numbers:
        found += [(_EQUAL, 0, 1, number), _error(errno.EPERM)]
    return found
