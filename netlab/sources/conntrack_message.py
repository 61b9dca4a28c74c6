"""What a message of ctnetlink says: one connection that a namespace tracks.

Source: Linux, include/uapi/linux/netfilter/nfnetlink_conntrack.h and nf_conntrack_common.h.
"""

import socket
from typing import Final

from netlab.linux.ctnetlink import (
    CTA_ID,
    CTA_MARK,
    CTA_PROTO_ICMP_CODE,
    CTA_PROTO_ICMP_ID,
    CTA_PROTO_ICMP_TYPE,
    CTA_PROTO_ICMPV6_CODE,
    CTA_PROTO_ICMPV6_ID,
    CTA_PROTO_ICMPV6_TYPE,
    CTA_PROTO_NUM,
    CTA_PROTOINFO,
    CTA_PROTOINFO_TCP,
    CTA_PROTOINFO_TCP_STATE,
    CTA_STATUS,
    CTA_TIMEOUT,
    CTA_TUPLE_ORIG,
    CTA_TUPLE_PROTO,
    CTA_TUPLE_REPLY,
    IPCTNL_MSG_CT_DELETE,
    IPCTNL_MSG_CT_NEW,
    pair_of,
)
from netlab.linux.netlink_messages import NLM_F_CREATE, Message, attributes, number_of
from netlab.sources.conntrack_entries import Change, Tracked

PROTOCOLS: Final = {
    socket.IPPROTO_TCP: "tcp",
    socket.IPPROTO_UDP: "udp",
    socket.IPPROTO_ICMP: "icmp",
    socket.IPPROTO_ICMPV6: "icmpv6",
    socket.IPPROTO_IGMP: "igmp",
    socket.IPPROTO_SCTP: "sctp",
    socket.IPPROTO_GRE: "gre",
    136: "udplite",
    33: "dccp",
}

_TCP_STATES: Final = (
    "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT",
    "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2",
)  # fmt: skip

_SEEN_REPLY: Final = 1 << 1
_FLAGS: Final = (
    (1 << 0, "EXPECTED"),
    (1 << 2, "ASSURED"),
    (1 << 9, "DYING"),
    (1 << 14, "OFFLOAD"),
    (1 << 15, "HW_OFFLOAD"),
)
"""IPS_*; the other bits say how far the kernel's own work is."""


def change_of(message: Message) -> Change | None:
    """Return what an event tells; None for a message that is no event of an entry."""
    if message.kind == IPCTNL_MSG_CT_DELETE:
        return Change.DESTROY
    if message.kind != IPCTNL_MSG_CT_NEW:
        return None
    return Change.NEW if message.flags & NLM_F_CREATE else Change.UPDATE


def parse_tracked(message: Message) -> Tracked | None:
    """Return the entry that a message holds; None when it lacks one of its tuples."""
    found = message.attributes()
    original = attributes(found.get(CTA_TUPLE_ORIG, b""))
    pair = pair_of(original)
    reply = pair_of(attributes(found.get(CTA_TUPLE_REPLY, b"")))
    if pair is None or reply is None:
        return None
    transport = attributes(original.get(CTA_TUPLE_PROTO, b""))
    number = number_of(transport.get(CTA_PROTO_NUM))
    timeout = found.get(CTA_TIMEOUT)
    return Tracked(
        identity=number_of(found.get(CTA_ID)),
        protocol=PROTOCOLS.get(number, str(number)),
        original=pair,
        reply=reply,
        icmp=_icmp(transport),
        state=_state(found),
        timeout_s=None if timeout is None else number_of(timeout),
        mark=number_of(found.get(CTA_MARK)),
        flags=_flags(number_of(found.get(CTA_STATUS))),
    )


def _icmp(transport: dict[int, bytes]) -> tuple[int, int, int] | None:
    for kind, code, identity in (
        (CTA_PROTO_ICMP_TYPE, CTA_PROTO_ICMP_CODE, CTA_PROTO_ICMP_ID),
        (CTA_PROTO_ICMPV6_TYPE, CTA_PROTO_ICMPV6_CODE, CTA_PROTO_ICMPV6_ID),
    ):
        if kind in transport:
            return (
                number_of(transport[kind]),
                number_of(transport.get(code)),
                number_of(transport.get(identity)),
            )
    return None


def _state(found: dict[int, bytes]) -> str:
    tcp = attributes(attributes(found.get(CTA_PROTOINFO, b"")).get(CTA_PROTOINFO_TCP, b""))
    number = number_of(tcp.get(CTA_PROTOINFO_TCP_STATE))
    return _TCP_STATES[number] if 0 < number < len(_TCP_STATES) else ""


def _flags(status: int) -> tuple[str, ...]:
    unreplied = () if status & _SEEN_REPLY else ("UNREPLIED",)
    return (*unreplied, *(word for bit, word in _FLAGS if status & bit))
