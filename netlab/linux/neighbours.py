"""Ask a namespace's kernel what it knows of its neighbours on a link, as ``ip neigh`` does.

Source: rtnetlink(7); Linux, include/uapi/linux/neighbour.h.
"""

import ipaddress
import struct
from collections.abc import Iterator
from typing import Final

from netlab.linux.netlink import NetlinkSocket
from netlab.linux.netlink_messages import NLM_F_DUMP, request
from netlab.linux.packet_ring import Enter
from netlab.linux.rtnetlink import RTM_GETNEIGH
from netlab.model.names import NetnsName

NDA_DST, NDA_LLADDR = 1, 2
NUD_INCOMPLETE, NUD_FAILED = 0x01, 0x20
_NEIGHBOUR: Final = struct.Struct("=BxxxiHBB")


def silent_neighbours(netns: NetnsName, enter: Enter) -> frozenset[str]:
    """Return the addresses that a namespace asks for in vain, or has given up.

    Raises:
        OSError: The namespace is gone, or the kernel refused.
    """
    return frozenset(
        address
        for address, state, _ in _neighbours(netns, enter)
        if state & (NUD_INCOMPLETE | NUD_FAILED)
    )


def known_neighbours(netns: NetnsName, enter: Enter) -> dict[str, str]:
    """Return the MAC address that a namespace knows for each address on its links.

    Raises:
        OSError: The namespace is gone, or the kernel refused.
    """
    return {address: mac for address, _, mac in _neighbours(netns, enter) if mac}


def _neighbours(netns: NetnsName, enter: Enter) -> Iterator[tuple[str, int, str]]:
    with enter(netns):
        opened = NetlinkSocket()
    with opened:
        body = _NEIGHBOUR.pack(0, 0, 0, 0, 0)
        answers = opened.ask(request(RTM_GETNEIGH, body, NLM_F_DUMP))
    for message in answers:
        _, _, state, _, _ = _NEIGHBOUR.unpack_from(message.payload)
        told = message.attributes(_NEIGHBOUR.size)
        if NDA_DST in told:
            address = str(ipaddress.ip_address(told[NDA_DST]))
            yield address, state, told.get(NDA_LLADDR, b"").hex(":")
