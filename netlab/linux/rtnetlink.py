"""Messages of rtnetlink: links, addresses, routes and neighbours, their headers and attributes.

Source: Linux, include/uapi/linux/rtnetlink.h, if_link.h, if_addr.h and neighbour.h.
"""

import socket
import struct
from collections.abc import Iterator
from typing import Final

from netlab.linux.netlink_messages import attribute, attributes
from netlab.model.addresses import Address

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_GETNEIGH: Final = 30

IFINFOMSG: Final = struct.Struct("=BxHiII")
"""Family, type, index, flags, and which flags to change."""
IFADDRMSG: Final = struct.Struct("=BBBBI")
"""Family, prefix length, flags, scope, index."""
RTMSG: Final = struct.Struct("=BBBBBBBBI")
"""Family, lengths of destination and source, TOS, table, protocol, scope, type, flags."""
_NEXTHOP: Final = struct.Struct("=HBBi")
"""Length, flags, weight less one, index of the interface."""

IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_MASTER, IFLA_LINKINFO, IFLA_NET_NS_FD = (
    1,
    3,
    4,
    10,
    18,
    28,
)
IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA = 1, 2, 4, 5
VETH_INFO_PEER: Final = 1
IFLA_BRPORT_MODE: Final = 4
IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST = 1, 2, 4
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_MULTIPATH = 1, 4, 5, 9

IFF_UP: Final = 1
RT_TABLE_MAIN: Final = 254
RTPROT_STATIC: Final = 4
RT_SCOPE_UNIVERSE, RT_SCOPE_LINK = 0, 253
RTN_UNICAST, RTN_UNREACHABLE = 1, 7


def family_number(address: Address) -> int:
    """Return the kernel's number of an address's family."""
    return socket.AF_INET if address.version == 4 else socket.AF_INET6


def mac_bytes(mac: str) -> bytes:
    """Return a MAC address as messages have it.

    >>> mac_bytes("02:00:00:00:00:0a").hex()
    '02000000000a'
    """
    return bytes.fromhex(mac.replace(":", ""))


def nexthop(gateway: Address, weight: int) -> bytes:
    """Return one way of a multipath route."""
    content = attribute(RTA_GATEWAY, gateway.packed)
    return _NEXTHOP.pack(_NEXTHOP.size + len(content), 0, weight - 1, 0) + content


def nexthops(value: bytes) -> Iterator[tuple[dict[int, bytes], int]]:
    """Yield attributes and weight of each way of a multipath route."""
    at = 0
    while at + _NEXTHOP.size <= len(value):
        length, _, hops, _ = _NEXTHOP.unpack_from(value, at)
        if length < _NEXTHOP.size:
            return
        yield attributes(value[at + _NEXTHOP.size : at + length]), hops + 1
        at += (length + 3) & ~3
