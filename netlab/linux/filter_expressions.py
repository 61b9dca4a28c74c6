"""Filter expressions in tcpdump's language, compiled by libpcap to socket filters.

Source: pcap-filter(7), pcap_compile(3PCAP).
"""

import ctypes
import struct
from typing import Final

from netlab.errors import HostError
from netlab.linux.socket_filters import INSTRUCTION_BYTES

ETHERNET: Final = 1
"""DLT_EN10MB"""
NETMASK_UNKNOWN: Final = 0xFFFF_FFFF
_LIBRARIES: Final = ("libpcap.so.0.8", "libpcap.so.1", "libpcap.so")
"""As Debian names it, as the others do, and as a development package does."""


_PROGRAM: Final = struct.Struct("@IP")
"""``struct bpf_program``: how many steps, and where they are."""


class ExpressionError(ValueError):
    """The expression does not compile; the message is libpcap's own."""


def compile_expression(expression: str, snap: int) -> bytes:
    """Return the socket filter for an expression; an empty one keeps every frame.

    Args:
        expression: ``tcp port 80 and host 10.240.0.4``; it speaks of Ethernet frames.
        snap: Bytes to keep of each frame.

    Raises:
        ExpressionError: It is no expression.
        HostError: libpcap is not installed.
    """
    pcap = _library()
    handle = pcap.pcap_open_dead(ETHERNET, snap)
    program = ctypes.create_string_buffer(_PROGRAM.size)
    try:
        # libpcap's parser stops at a zero byte, and would compile what is before it.
        if "\0" in expression:
            raise ExpressionError("a zero byte")
        text = expression.encode(errors="surrogateescape")
        if pcap.pcap_compile(handle, program, text, 1, NETMASK_UNKNOWN):
            raise ExpressionError(pcap.pcap_geterr(handle).decode(errors="replace").strip())
        try:
            # A step is laid out as the kernel has it, struct sock_filter.
            steps, at = _PROGRAM.unpack(program)
            return ctypes.string_at(at, steps * INSTRUCTION_BYTES)
        finally:
            pcap.pcap_freecode(program)
    finally:
        pcap.pcap_close(handle)


def _library() -> ctypes.CDLL:
    for name in _LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        _declare(library)
        return library
    raise HostError(
        "a filter expression needs libpcap, which is not installed",
        hint="type: apt-get install libpcap0.8 (tcpdump brings it too)",
    )


def _declare(library: ctypes.CDLL) -> None:
    """Say which values are pointers; ctypes takes all of them for 32 bits."""
    handle, program = ctypes.c_void_p, ctypes.c_char_p
    library.pcap_open_dead.argtypes = (ctypes.c_int, ctypes.c_int)
    library.pcap_open_dead.restype = handle
    library.pcap_compile.argtypes = (
        handle, program, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint32,
    )  # fmt: skip
    library.pcap_geterr.argtypes = (handle,)
    library.pcap_geterr.restype = ctypes.c_char_p
    library.pcap_freecode.argtypes = (program,)
    library.pcap_freecode.restype = None
    library.pcap_close.argtypes = (handle,)
    library.pcap_close.restype = None
