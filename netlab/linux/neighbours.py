"""Ask a namespace's kernel what it knows of its neighbours on a link, as ``ip neigh`` does.

Source: rtnetlink(7); Linux, include/uapi/linux/neighbour.h.
"""

import ipaddress
import socket
import struct
from typing import Final

from netlab.linux.nfnetlink import NLM_F_DUMP, NLMSG_DONE, NLMSG_ERROR, attributes, messages
from netlab.linux.packet_ring import Enter
from netlab.model.names import NetnsName

RTM_GETNEIGH: Final = 30
NDA_DST: Final = 1
NUD_INCOMPLETE, NUD_FAILED = 0x01, 0x20
_REQUEST: Final = 1
_HEADER: Final = struct.Struct("=IHHII")
_NEIGHBOUR: Final = struct.Struct("=BxxxiHBB")


def silent_neighbours(netns: NetnsName, enter: Enter) -> frozenset[str]:
    """Return the addresses that a namespace asks for in vain, or has given up.

    Raises:
        OSError: The namespace is gone, or the kernel refused.
    """
    with enter(netns):
        opened = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
        )
    with opened:
        opened.bind((0, 0))
        body = _NEIGHBOUR.pack(0, 0, 0, 0, 0)
        length = _HEADER.size + len(body)
        opened.send(_HEADER.pack(length, RTM_GETNEIGH, _REQUEST | NLM_F_DUMP, 1, 0) + body)
        found: set[str] = set()
        while True:
            for message in messages(opened.recv(1 << 16)):
                if message.kind in {NLMSG_DONE, NLMSG_ERROR}:
                    return frozenset(found)
                found |= _silent(message.payload)


def _silent(payload: bytes) -> set[str]:
    _, _, state, _, _ = _NEIGHBOUR.unpack_from(payload)
    address = attributes(payload[_NEIGHBOUR.size :]).get(NDA_DST)
    if address is None or not state & (NUD_INCOMPLETE | NUD_FAILED):
        return set()
    return {str(ipaddress.ip_address(address))}
