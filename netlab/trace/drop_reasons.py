"""What the kernel's reasons, functions and counters say of a packet's end, and in which words.

Kernels differ: before 5.17 there are functions only, later ones have names for more and more ends,
and some ends have none to this day. A cause is one word for the same end on all of them: the
kernel's own where it has one.

Each wording completes "dropped on HOST: ...", and says what stands behind it and which command
shows it there. ``{host}``, ``{source}``, ``{destination}`` and ``{ifname}`` stand for the packet's,
``{next}`` for the address of the next host on its way.

Source: Linux, include/net/dropreason-core.h, net/ipv4/proc.c, net/ipv6/proc.c; the sysctls in
Documentation/networking/ip-sysctl.rst.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from netlab.model.packets import AddressPair
from netlab.trace.packet import Reason, Routed, Visit

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


class Wording(NamedTuple):
    """What people say for a reason."""

    words: str
    why: str = ""
    look: str = ""
    """A command to run in the host."""

    def of(self, packet: Mapping[str, str]) -> "Wording":
        """Return the wording with a packet's own host, ends and interface in it."""
        return Wording(*(part.format_map(packet) for part in self))


_MARTIAN = "sysctl net.ipv4.conf.{ifname}.route_localnet"
_CHECKSUM = Wording(
    "its checksum is wrong",
    "something on the way changed the packet and not its checksum, or the sender left the checksum"
    " to a network card that is not there",
    "nstat -as | grep -i -e csum -e InErrs",
)
_NEIGHBOUR = Wording(
    "nobody on {ifname} answers for {next}",
    "{host} asked that link who has {next} (ARP) and heard nothing: there is no such host, or it is"
    " down",
    "ip neigh show dev {ifname}",
)
_NEIGHBOUR_OF_IPV6 = Wording(
    "nobody on {ifname} answers for {next}",
    "{host} asked that link who has {next} (neighbour discovery) and heard nothing: there is no"
    " such host, or it is down",
    "ip neigh show dev {ifname}",
)

WORDINGS: Final[Mapping[str, Wording]] = {
    "NETFILTER_DROP": Wording(
        "netfilter dropped it, and no traced rule did",
        "a hook that the rule trace does not tell of refused it: of connection tracking, of the"
        " security table, or of another program's",
        "nft list ruleset",
    ),
    ROUTE: Wording(
        "its routing threw it away",
        "the way that {host} has to {destination} is a blackhole, an unreachable or a prohibit"
        " route, or ends nowhere",
        "ip route get {destination}",
    ),
    "IP_INNOROUTES": Wording(
        "no route to {destination}",
        "the routing table of {host} has no entry for {destination}, and no default",
        "ip route get {destination}",
    ),
    "IP_OUTNOROUTES": Wording(
        "no route to {destination}",
        "the routing table of {host} has no entry for {destination}, and no default",
        "ip route get {destination}",
    ),
    "IP_RPFILTER": Wording(
        "{source} may not come in by {ifname} (rp_filter)",
        "{host} would send answers to {source} by another interface, and with rp_filter it takes"
        " such a source for forged",
        "ip route get {source}",
    ),
    "IP_INADDRERRORS": Wording(
        "{host} does not forward packets",
        "{destination} is no address of {host}, and forwarding is switched off there",
        "sysctl net.ipv4.ip_forward net.ipv4.conf.{ifname}.forwarding",
    ),
    "IP_INHDR": Wording("its IP header is damaged"),
    TTL: Wording(
        "its TTL ran out",
        "every router takes 1 from the TTL, and here nothing was left: the sender began low, or"
        " the packet went in circles",
        "ip route get {destination}",
    ),
    "IP_LOCALNET": Wording(
        "a loopback address came in by {ifname} (a martian)",
        "addresses of 127.0.0.0/8 never leave a host, unless route_localnet says so",
        _MARTIAN,
    ),
    "IP_LOCAL_SOURCE": Wording(
        "{source} is an address of {host} itself (a martian)",
        "a packet from outside cannot have the host's own address as its source",
        "ip address",
    ),
    "IP_INVALID_SOURCE": Wording("{source} is no address that a packet can come from (a martian)"),
    "IP_INVALID_DEST": Wording("{destination} is no address that a packet can go to (a martian)"),
    "PKT_TOO_BIG": Wording(
        "it is too big for the next link and may not be fragmented",
        "its Don't Fragment bit is set, and it is larger than the MTU of the link it would leave"
        " by; its sender is told so by ICMP, which must be let through",
        "ip link",
    ),
    "NEIGH_FAILED": _NEIGHBOUR,
    "NEIGH_CREATEFAIL": _NEIGHBOUR,
    "NEIGH_DEAD": _NEIGHBOUR,
    "NEIGH_QUEUEFULL": _NEIGHBOUR,
    "OTHERHOST": Wording(
        "its frame was for another MAC address",
        "the sender's table of neighbours has an old or a wrong MAC address",
        "ip neigh",
    ),
    "NO_SOCKET": Wording("no socket takes that port", "", "ss -ltnu"),
    "TCP_LISTEN_OVERFLOW": Wording(
        "the queue of its listening socket is full",
        "connections wait there until the program accepts them; it is too slow, or has stopped",
        "ss -ltn",
    ),
    "SOCKET_RCVBUFF": Wording(
        "its socket's receive buffer is full",
        "the program reads more slowly than packets come",
        "ss -lunm",
    ),
    "SOCKET_BACKLOG": Wording("its socket's backlog is full", "", "ss -tnm"),
    "SOCKET_FILTER": Wording("a filter on its socket (BPF) refused it"),
    "TCP_CSUM": _CHECKSUM,
    "UDP_CSUM": _CHECKSUM,
    "ICMP_CSUM": _CHECKSUM,
    "IP_CSUM": _CHECKSUM,
    BRIDGE: Wording(
        "the bridge had no port to send it to",
        "a bridge sends nothing back out of the port it came in by unless hairpin is on there,"
        " nothing from one isolated port to another, and nothing to a port that is down",
        "bridge -d link",
    ),
    LINK: Wording(
        "the other end of the link at {ifname} did not take it",
        "it is larger than the MTU of the interface there, or that interface is down",
        "ip link show dev {ifname}",
    ),
    "TC_INGRESS": Wording(
        "a traffic control filter at {ifname} refused it",
        "a filter of tc stands where packets come in by {ifname} (ingress), before any rule",
        "tc filter show dev {ifname} ingress",
    ),
    "TC_EGRESS": Wording(
        "a traffic control filter at {ifname} refused it",
        "a filter of tc stands where packets go out by {ifname} (egress), behind every rule",
        "tc filter show dev {ifname} egress",
    ),
    "QDISC_DROP": Wording(
        "the queue of {ifname} threw it away",
        "the queueing discipline of {ifname} had no room for it, or is made to lose packets",
        "tc -s qdisc show dev {ifname}",
    ),
    QUEUE: Wording("it was handed to a program's queue, and there is no such program"),
    "XDP": Wording("an XDP program at {ifname} threw it away", "", "ip link show dev {ifname}"),
    "CPU_BACKLOG": Wording("the processor's queue of received packets is full"),
}


OF_IPV6: Final[Mapping[str, Wording]] = {
    "IP_INADDRERRORS": Wording(
        "{host} does not forward packets",
        "{destination} is no address of {host}, and forwarding is switched off there",
        "sysctl net.ipv6.conf.all.forwarding",
    ),
    TTL: Wording(
        "its hop limit ran out",
        "every router takes 1 from the hop limit, and here nothing was left: the sender began low,"
        " or the packet went in circles",
        "ip route get {destination}",
    ),
    "IP_LOCALNET": Wording(
        "a loopback address came in by {ifname} (a martian)", "::1 never leaves a host"
    ),
    "PKT_TOO_BIG": Wording(
        "it is too big for the next link",
        "it is larger than the MTU of the link it would leave by, and routers of IPv6 cut no packet"
        " in pieces; its sender is told so by ICMPv6, which must be let through",
        "ip link",
    ),
    **dict.fromkeys(
        ("NEIGH_FAILED", "NEIGH_CREATEFAIL", "NEIGH_DEAD", "NEIGH_QUEUEFULL"), _NEIGHBOUR_OF_IPV6
    ),
}
"""What is otherwise where the packet is of IPv6."""


def wording_of(reason: Reason, pair: AddressPair | None) -> Wording:
    """Return the words for a reason; for one without words of its own, the kernel's.

    Args:
        reason: The kernel's.
        pair: The packet's addresses; None where they are not known.
    """
    is_ipv6 = pair is not None and pair.destination.address.version == 6
    if is_ipv6 and reason.cause in OF_IPV6:
        return OF_IPV6[reason.cause]
    if reason.cause in WORDINGS:
        return WORDINGS[reason.cause]
    place = f" in {reason.function}()" if reason.function else ""
    return Wording(f"{reason.code or 'the kernel gives no reason'}{place}")


def packet_words(visit: Visit, host: str, ifname: str) -> dict[str, str]:
    """Return what stands for ``{host}``, ``{source}`` and the other names in a wording."""
    pair = visit.hops[-1].pair if visit.hops else None
    route = next((step for step in reversed(visit.steps) if isinstance(step, Routed)), None)
    destination = route.destination if route else str(pair.destination.address) if pair else ""
    return {
        "host": host,
        "source": str(pair.source.address) if pair else host,
        "destination": destination,
        "ifname": ifname or "all",
        "next": (route.via if route else "") or destination,
    }
