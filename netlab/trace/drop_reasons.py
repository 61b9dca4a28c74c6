"""What the kernel's reasons, functions and counters say of a packet's end.

Kernels differ: before 5.17 there are functions only, later ones have names for more and more ends,
and some ends have none to this day. A cause is one word for the same end on all of them: the
kernel's own where it has one.

Source: Linux, include/net/dropreason-core.h, net/ipv4/proc.c, net/ipv6/proc.c.
"""

from collections.abc import Mapping
from typing import Final

from netlab.model.packets import AddressPair

ROUTE, TTL, BRIDGE, LINK, QUEUE = "route", "TTL", "bridge", "link", "queue"
"""Causes that the kernel has a place in its code for, but no name of their own."""

ROUTING: Final = frozenset({ROUTE, "IP_INNOROUTES", "IP_OUTNOROUTES"})
"""Causes of which the routing table can say more."""

NOISE: Final = frozenset({"QUEUE_PURGE", "CONSUMED", "NOT_DROPPED_YET", "PACKET_SOCK_ERROR"})
"""Packets that somebody had, and copies for captures."""

REFUSED_BY_SOCKET: Final = frozenset(
    {"TCP_LISTEN_OVERFLOW", "SOCKET_RCVBUFF", "SOCKET_BACKLOG", "SOCKET_FILTER", "PROTO_MEM"}
    | {"TCP_CSUM", "UDP_CSUM", "ICMP_CSUM", "XFRM_POLICY", "TCP_MINTTL", "TCP_AUTH_HDR"}
)
"""Reasons that hit a packet behind the last rule."""

_FUNCTIONS: Final[Mapping[str, str]] = {
    "ip_error": ROUTE,
    "ip_rcv_finish": ROUTE,
    "ip_rcv_finish_core": ROUTE,
    "dst_discard": ROUTE,
    "dst_discard_out": ROUTE,
    "ip6_pkt_drop": ROUTE,
    "ip6_pkt_discard": ROUTE,
    "ip6_pkt_prohibit": ROUTE,
    "ip_forward": TTL,
    "ip6_forward": TTL,
    "nf_hook_slow": "NETFILTER_DROP",
    "nft_do_chain": "NETFILTER_DROP",
    "ipt_do_table": "NETFILTER_DROP",
    "ip6t_do_table": "NETFILTER_DROP",
    "neigh_invalidate": "NEIGH_FAILED",
    "__dev_forward_skb": LINK,
    "__dev_forward_skb2": LINK,
    "br_dev_queue_push_xmit": LINK,
    "nf_queue": QUEUE,
    "__nf_queue": QUEUE,
    "br_handle_frame_finish": BRIDGE,
    "br_forward": BRIDGE,
    "tcp_v4_rcv": "NO_SOCKET",
    "__udp4_lib_rcv": "NO_SOCKET",
    "udp_unicast_rcv_skb": "NO_SOCKET",
    "tcp_v6_rcv": "NO_SOCKET",
    "__udp6_lib_rcv": "NO_SOCKET",
    "udp6_unicast_rcv_skb": "NO_SOCKET",
}
"""What a place in the kernel's code means where no reason is given."""

_COUNTERS: Final[Mapping[str, str]] = {
    "TcpExt IPReversePathFilter": "IP_RPFILTER",
    "IpExt InNoRoutes": "IP_INNOROUTES",
    "Ip InAddrErrors": "IP_INADDRERRORS",
    "Ip FragFails": "PKT_TOO_BIG",
    "Ip InHdrErrors": TTL,
    "Ip6 InNoRoutes": "IP_INNOROUTES",
    "Ip6 InAddrErrors": "IP_INADDRERRORS",
    "Ip6 InTooBigErrors": "PKT_TOO_BIG",
    "Ip6 InHdrErrors": TTL,
}
_SOCKET_COUNTERS: Final[Mapping[str, str]] = {
    "TcpExt ListenOverflows": "TCP_LISTEN_OVERFLOW",
    "Udp RcvbufErrors": "SOCKET_RCVBUFF",
    "Tcp InCsumErrors": "TCP_CSUM",
    "Udp InCsumErrors": "UDP_CSUM",
    "Icmp InCsumErrors": "ICMP_CSUM",
    "Udp6 RcvbufErrors": "SOCKET_RCVBUFF",
    "Udp6 InCsumErrors": "UDP_CSUM",
    "Icmp6 InCsumErrors": "ICMP_CSUM",
}
"""What a counter means that rose while a packet came no further."""


def cause_of(code: str, function: str) -> str:
    """Return the cause that the kernel named or showed; empty when it says nothing.

    >>> cause_of("IP_INHDR", "ip_forward"), cause_of("NOT_SPECIFIED", "ip_error")
    ('TTL', 'route')
    """
    if code == "IP_INHDR" and function in {"ip_forward", "ip6_forward"}:
        return TTL
    if code not in {"", "NOT_SPECIFIED"}:
        return code
    return _FUNCTIONS.get(function, "")


def martian_cause(pair: AddressPair) -> str:
    """Return why no host takes a packet with such addresses from a wire; empty when it may.

    Older kernels throw it away without a name for that.
    """
    source, destination = (end.address for end in pair)
    if source.is_loopback or destination.is_loopback:
        return "IP_LOCALNET"
    if source.is_multicast or source.is_unspecified:
        return "IP_INVALID_SOURCE"
    return "IP_INVALID_DEST" if destination.is_unspecified else ""


def counted_cause(rises: Mapping[str, int], *, at_socket: bool) -> tuple[str, str]:
    """Return the cause that a host's counters give, and the counter with its rise.

    Args:
        rises: Counters that rose, and by how much.
        at_socket: Whether the packet had come past routing and every rule.

    >>> counted_cause({"IpExt InNoRoutes": 2}, at_socket=False)
    ('IP_INNOROUTES', 'IpExt InNoRoutes +2')
    """
    known = _SOCKET_COUNTERS if at_socket else _COUNTERS
    for counter, cause in known.items():
        if counter in rises:
            return cause, f"{counter} +{rises[counter]}"
    return "", ""
