"""Messages of ctnetlink: types, attributes, and the two ends of a connection.

Source: Linux, include/uapi/linux/netfilter/nfnetlink_conntrack.h.
"""

from ipaddress import IPv4Address, IPv6Address
from typing import Final

from netlab.linux.netlink_messages import attributes, number_of
from netlab.linux.nfnetlink import NFNL_SUBSYS_CTNETLINK
from netlab.model.addresses import Address
from netlab.model.packets import AddressPair, AddrPort

IPCTNL_MSG_CT_NEW: Final = NFNL_SUBSYS_CTNETLINK << 8 | 0
IPCTNL_MSG_CT_GET: Final = NFNL_SUBSYS_CTNETLINK << 8 | 1
IPCTNL_MSG_CT_DELETE: Final = NFNL_SUBSYS_CTNETLINK << 8 | 2
IPCTNL_MSG_CT_GET_STATS: Final = NFNL_SUBSYS_CTNETLINK << 8 | 5

CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_STATUS, CTA_PROTOINFO = 1, 2, 3, 4
CTA_TIMEOUT, CTA_MARK, CTA_ID = 7, 8, 12
CTA_TUPLE_IP, CTA_TUPLE_PROTO = 1, 2
CTA_IP_V4_SRC, CTA_IP_V4_DST, CTA_IP_V6_SRC, CTA_IP_V6_DST = 1, 2, 3, 4
CTA_PROTO_NUM, CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT = 1, 2, 3
CTA_PROTO_ICMP_ID, CTA_PROTO_ICMP_TYPE, CTA_PROTO_ICMP_CODE = 4, 5, 6
CTA_PROTO_ICMPV6_ID, CTA_PROTO_ICMPV6_TYPE, CTA_PROTO_ICMPV6_CODE = 7, 8, 9
CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_STATE = 1, 1
CTA_FILTER, CTA_FILTER_ORIG_FLAGS = 25, 1
CTA_FILTER_F_CTA_PROTO_NUM: Final = 1 << 3


def pair_of(ends: dict[int, bytes]) -> AddressPair | None:
    """Return source and destination of a tuple; None when it lacks one of them."""
    network = attributes(ends.get(CTA_TUPLE_IP, b""))
    transport = attributes(ends.get(CTA_TUPLE_PROTO, b""))
    source = _address(network.get(CTA_IP_V4_SRC), network.get(CTA_IP_V6_SRC))
    destination = _address(network.get(CTA_IP_V4_DST), network.get(CTA_IP_V6_DST))
    if source is None or destination is None:
        return None
    return AddressPair(
        AddrPort(source, number_of(transport.get(CTA_PROTO_SRC_PORT))),
        AddrPort(destination, number_of(transport.get(CTA_PROTO_DST_PORT))),
    )


def _address(v4: bytes | None, v6: bytes | None) -> Address | None:
    if v4 is not None:
        return IPv4Address(v4)
    return None if v6 is None else IPv6Address(v6)
