"""Which interfaces of a namespace are down, or have nobody at the other end of their link.

Source: netdevice(7).
"""

import fcntl
import socket
import struct
from typing import Final

from netlab.linux.packet_ring import Enter
from netlab.model.names import NetnsName

SIOCGIFFLAGS: Final = 0x8913
IFF_UP, IFF_RUNNING = 0x1, 0x40


def links_down(netns: NetnsName, enter: Enter) -> dict[str, str]:
    """Return what is wrong with each interface that carries nothing: ``down``, ``no carrier``.

    Raises:
        OSError: The namespace is gone.
    """
    found: dict[str, str] = {}
    with enter(netns), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            request = struct.pack("16sH14x", name.encode(), 0)
            (flags,) = struct.unpack_from("H", fcntl.ioctl(asked, SIOCGIFFLAGS, request), 16)
            if not flags & IFF_UP:
                found[name] = "down"
            elif not flags & IFF_RUNNING:
                found[name] = "no carrier"
    return found
