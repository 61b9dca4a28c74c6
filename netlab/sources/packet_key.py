"""What a capture can know about one packet at one interface."""

from typing import Final, NamedTuple


class PacketKey(NamedTuple):
    """What no NAT rewrites, so that it tells one packet from all others on every wire.

    A retransmission is another packet: it has a new IP id, and its TCP time stamp tells it apart
    where the id is always 0 (a SYN-ACK).
    """

    protocol: str
    """``tcp``, ``udp``, ``icmp`` or ``icmpv6``."""
    ip_id: int
    """Identification of the IPv4 header. Of IPv6 the flow label: the kernel gives a connection
    another one when it sends a packet again."""
    length: int
    """Payload above the transport header, bytes."""
    detail: tuple[int, ...]
    """TCP: sequence, acknowledgement, flags, time stamp. UDP: checksum of the payload.
    ICMP, both versions: type, code, sequence; its id is left out because source NAT rewrites it.
    An ICMP error: type, code, MTU, and a checksum of the key of the packet that it quotes.
    A later fragment: checksum of its content."""
    fragment: int | None = None
    """Where a fragment's content begins in its datagram, bytes; None for a whole packet."""


_ERRORS: Final = {"icmp": frozenset({3, 4, 5, 11, 12}), "icmpv6": frozenset({1, 2, 3, 4})}
"""Types of messages that answer a packet and quote it: RFC 792, RFC 4443."""


def is_icmp_error(key: PacketKey) -> bool:
    """Tell whether a packet is an ICMP message that answers another packet."""
    return not key.fragment and bool(key.detail) and key.detail[0] in _ERRORS.get(key.protocol, ())


def rule_trace_key(key: PacketKey) -> PacketKey:
    """Return as much of a captured packet's key as the rule trace can know of it.

    A message carries twenty bytes of transport header: no TCP options, little payload.
    """
    if key.fragment == 0:
        return datagram_key(key._replace(fragment=None))
    if key.protocol == "tcp":
        return key._replace(detail=key.detail[:3])
    if key.protocol == "udp":
        return key._replace(detail=())
    return key._replace(detail=key.detail[:3]) if is_icmp_error(key) else key


def datagram_key(key: PacketKey) -> PacketKey:
    """Return what the first fragment of a datagram shares with the whole of it, loosely.

    Rules see a datagram whole where connections are tracked, and wires see its fragments.
    """
    return rule_trace_key(key)._replace(length=0, fragment=0)


_SYN, _ACK, _RST, _FIN = 0x02, 0x10, 0x04, 0x01
_ICMP: Final = {
    "icmp": {
        0: "echo reply", 3: "unreachable", 5: "redirect", 8: "echo request", 11: "time exceeded",
        12: "parameter problem",
    },
    "icmpv6": {
        1: "unreachable", 2: "packet too big", 3: "time exceeded", 4: "parameter problem",
        128: "echo request", 129: "echo reply",
    },
}  # fmt: skip
"""RFC 792, RFC 4443."""
_UNREACHABLE: Final = {
    "icmp": {
        0: "net unreachable", 1: "host unreachable", 2: "protocol unreachable",
        3: "port unreachable", 4: "fragmentation needed", 5: "source route failed",
        9: "net prohibited", 10: "host prohibited", 13: "administratively prohibited",
    },
    "icmpv6": {
        0: "no route", 1: "administratively prohibited", 2: "beyond scope",
        3: "address unreachable", 4: "port unreachable", 5: "source address failed policy",
        6: "reject route",
    },
}  # fmt: skip
"""Codes of type unreachable: RFC 792, RFC 1812, RFC 4443."""
_TYPE_UNREACHABLE: Final = {"icmp": 3, "icmpv6": 1}
_SPELT: Final = {"icmpv6": "ICMPv6"}


def kind_of(key: PacketKey) -> str:
    """Return what a packet is, in the words of its protocol."""
    if key.fragment is not None:
        return f"{_spelt(key.protocol)} fragment at byte {key.fragment}"
    if key.protocol == "udp":
        return "UDP"
    if key.protocol in _ICMP:
        return _icmp_kind(key)
    flags = key.detail[2]
    names = ((_SYN, "SYN"), (_RST, "RST"), (_FIN, "FIN"))
    words = [name for bit, name in names if flags & bit]
    if key.length:
        words.append("data")
    if flags & _ACK and words != ["data"] and not flags & _RST:
        words.append("ACK")
    return "-".join(words) or "TCP"


def _icmp_kind(key: PacketKey) -> str:
    kind, code = key.detail[:2]
    name = _ICMP[key.protocol].get(kind, f"{_spelt(key.protocol)} type {kind}")
    if kind == _TYPE_UNREACHABLE[key.protocol]:
        name = _UNREACHABLE[key.protocol].get(code, f"{name} (code {code})")
    return f"{_spelt(key.protocol)} {name}" if is_icmp_error(key) else name


def _spelt(protocol: str) -> str:
    return _SPELT.get(protocol, protocol.upper())
