"""Offloads of an interface, through the ethtool ioctl.

A veth end hands over segments of 64 KiB with unfinished checksums unless told otherwise; captures
would show packets that no wire carries.
"""

import ctypes
import fcntl
import socket
import struct
from typing import Final

_SIOCETHTOOL: Final = 0x8946
_ETHTOOL_STXCSUM: Final = 0x17
_ETHTOOL_STSO: Final = 0x1F
_ETHTOOL_SGSO: Final = 0x24
_ETHTOOL_SGRO: Final = 0x2C
"""linux/ethtool.h; TSO goes before the checksums that it needs."""


def disable_offloads(any_socket: socket.socket, ifname: str) -> None:
    """Switch off segmentation, merging and checksum offload of ``ifname``.

    Args:
        any_socket: A socket of the namespace that holds the interface.
        ifname: The interface.

    Raises:
        OSError: There is no such interface, or its driver has no such setting.
    """
    for command in (_ETHTOOL_STSO, _ETHTOOL_SGSO, _ETHTOOL_SGRO, _ETHTOOL_STXCSUM):
        value = ctypes.create_string_buffer(struct.pack("=II", command, 0), 8)
        request = struct.pack("16sP8x", ifname.encode(), ctypes.addressof(value))
        fcntl.ioctl(any_socket.fileno(), _SIOCETHTOOL, request)
