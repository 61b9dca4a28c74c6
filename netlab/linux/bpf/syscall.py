"""bpf(2): maps, programs and what they are attached to, by descriptors.

Everything that is made here goes when its descriptor is closed, whatever ends the process.

Source: bpf(2); Linux, include/uapi/linux/bpf.h.
"""

import ctypes
import errno
import os
import resource
import struct
from contextlib import suppress
from typing import Final

from netlab.linux import user_namespace

BPF_MAP_CREATE: Final = 0
BPF_MAP_LOOKUP_ELEM: Final = 1
BPF_PROG_LOAD: Final = 5
BPF_RAW_TRACEPOINT_OPEN: Final = 17

BPF_MAP_TYPE_ARRAY: Final = 2
BPF_MAP_TYPE_RINGBUF: Final = 27
BPF_PROG_TYPE_RAW_TRACEPOINT: Final = 17

_SYS_BPF: Final = {
    "x86_64": 321, "aarch64": 280, "riscv64": 280, "ppc64le": 361, "s390x": 351,
}  # fmt: skip
"""asm/unistd.h; the C library has no function for it."""
_MAP: Final = struct.Struct("=IIII")
_LOOKUP: Final = struct.Struct("=I4xQQQ")
_PROGRAM: Final = struct.Struct("=IIQQIIQII16s")
_TRACEPOINT: Final = struct.Struct("=QI4x")
_LICENCE: Final = ctypes.create_string_buffer(b"GPL")
"""The kernel lets only programs under the GPL read its memory; that is said of the few
instructions that are loaded, not of the process that loads them."""

_libc = ctypes.CDLL(None, use_errno=True)


def create_map(kind: int, *, key_bytes: int = 0, value_bytes: int = 0, entries: int) -> int:
    """Return the descriptor of a new map; of a ring buffer ``entries`` is its size in bytes.

    Raises:
        OSError: The kernel refused.
    """
    attributes = _MAP.pack(kind, key_bytes, value_bytes, entries)
    try:
        return _bpf(BPF_MAP_CREATE, attributes)
    except PermissionError:
        # Before 5.11 maps and programs count as locked memory, of which a process may have little.
        with suppress(ValueError):
            # Not even root may raise it in some containers; the kernel's refusal says enough.
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY,) * 2)
        return _bpf(BPF_MAP_CREATE, attributes)


def look_up(map_: int, key: int) -> int:
    """Return the 64 bit number that an array holds at ``key``.

    Raises:
        OSError: It holds none.
    """
    place, value = ctypes.c_uint32(key), ctypes.c_uint64()
    addresses = ctypes.addressof(place), ctypes.addressof(value)
    _bpf(BPF_MAP_LOOKUP_ELEM, _LOOKUP.pack(map_, *addresses, 0))
    return value.value


def load_raw_tracepoint(program: bytes, name: str) -> int:
    """Have the kernel check a program, and return its descriptor.

    Args:
        program: Instructions, eight bytes each.
        name: Shown by ``bpftool prog``; at most 15 letters, digits and underscores.

    Raises:
        OSError: The kernel refused it.
    """
    held = ctypes.create_string_buffer(program, len(program))
    count = len(program) // 8
    addresses = ctypes.addressof(held), ctypes.addressof(_LICENCE)
    kind = BPF_PROG_TYPE_RAW_TRACEPOINT
    return _bpf(BPF_PROG_LOAD, _PROGRAM.pack(kind, count, *addresses, 0, 0, 0, 0, 0, name.encode()))


def attach_raw_tracepoint(program: int, tracepoint: str) -> int:
    """Have ``program`` run at a tracepoint; return the descriptor that keeps it there.

    Raises:
        OSError: There is no such tracepoint, or the program reads more than it has.
    """
    name = ctypes.create_string_buffer(tracepoint.encode())
    return _bpf(BPF_RAW_TRACEPOINT_OPEN, _TRACEPOINT.pack(ctypes.addressof(name), program))


def _bpf(command: int, attributes: bytes) -> int:
    number = _SYS_BPF.get(os.uname().machine)
    if number is None:
        raise OSError(0, f"the number of bpf(2) on {os.uname().machine} is not known")
    held = ctypes.create_string_buffer(attributes, len(attributes))
    result: int = _libc.syscall(number, command, held, len(attributes))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, _reason(number))
    return result


def _reason(number: int) -> str:
    if number == errno.EPERM and not user_namespace.is_initial():
        return "the kernel lets root of the machine alone load eBPF programs"
    return os.strerror(number)
