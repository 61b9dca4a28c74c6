"""Ask a namespace's kernel what it knows of its neighbours on a link, as ``ip neigh`` does.

Source: rtnetlink(7); Linux, include/uapi/linux/neighbour.h.
"""

import ipaddress
import struct
from typing import Final

from netlab.linux.netlink import NetlinkSocket
from netlab.linux.netlink_messages import NLM_F_DUMP, Message, request
from netlab.linux.packet_ring import Enter
from netlab.linux.rtnetlink import RTM_GETNEIGH
from netlab.model.names import NetnsName

NDA_DST: Final = 1
NUD_INCOMPLETE, NUD_FAILED = 0x01, 0x20
_NEIGHBOUR: Final = struct.Struct("=BxxxiHBB")


def silent_neighbours(netns: NetnsName, enter: Enter) -> frozenset[str]:
    """Return the addresses that a namespace asks for in vain, or has given up.

    Raises:
        OSError: The namespace is gone, or the kernel refused.
    """
    with enter(netns):
        opened = NetlinkSocket()
    with opened:
        body = _NEIGHBOUR.pack(0, 0, 0, 0, 0)
        answers = opened.ask(request(RTM_GETNEIGH, body, NLM_F_DUMP))
    return frozenset().union(*map(_silent, answers))


def _silent(message: Message) -> set[str]:
    _, _, state, _, _ = _NEIGHBOUR.unpack_from(message.payload)
    address = message.attributes(_NEIGHBOUR.size).get(NDA_DST)
    if address is None or not state & (NUD_INCOMPLETE | NUD_FAILED):
        return set()
    return {str(ipaddress.ip_address(address))}
