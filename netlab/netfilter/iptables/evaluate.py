"""Whether a packet answers to a match."""

from collections.abc import Set as AbstractSet
from fractions import Fraction
from typing import Final

from netlab.errors import SpecError
from netlab.model.addresses import Address
from netlab.netfilter.iptables.matches import (
    AddrType,
    Comment,
    CtState,
    Destination,
    DestinationPorts,
    InInterface,
    IpProtocol,
    Mark,
    Match,
    OutInterface,
    Ports,
    RecentCheck,
    RecentSet,
    Side,
    Source,
    Statistic,
)
from netlab.netfilter.verdicts import Packet

_ANY_PROTOCOL: Final = frozenset({"all", "0"})
_NUMBERS: Final = {
    "1": "icmp",
    "6": "tcp",
    "17": "udp",
    "58": "icmpv6",
    "ipv6-icmp": "icmpv6",
    "132": "sctp",
}
"""Protocols by what else rules call them; ip6tables-save has a name of its own for ICMPv6."""
_FINEST: Final = Fraction(1, 1 << 31)
"""xt_statistic compares a probability with 31 random bits."""


def answers(packet: Packet, match: Match, local: AbstractSet[Address]) -> bool:
    """Tell whether ``packet`` answers to ``match`` on a node with the addresses ``local``.

    A die is no question: it always matches here, and ``chance_of`` has its chance. Affinity lists
    are empty, so that no source is ever found in one.

    Raises:
        SpecError: The match is one that netlab has no value for, or asks what a packet alone
            does not tell.
    """
    match match:
        case Source(network, inverted):
            return (packet.source in network) != inverted
        case Destination(network, inverted):
            return (packet.destination in network) != inverted
        case IpProtocol(protocol, inverted):
            return _is_protocol(packet, protocol) != inverted
        case Ports() | DestinationPorts():
            return _has_ports(packet, match)
        case Comment() | Statistic() | RecentSet():
            return True
        case _:
            return _answers_rarely(packet, match, local)


def chance_of(probability: float) -> Fraction:
    """Return the chance that a die's ``probability`` stands for.

    One over a whole number is written with ten decimals and kept in 31 bits; both are taken for
    what was meant.

    >>> chance_of(0.3333333333)
    Fraction(1, 3)
    """
    if probability <= 0:
        return Fraction(0)
    kept = Fraction(round(probability * _FINEST.denominator), _FINEST.denominator)
    whole = Fraction(1, max(1, round(1 / probability)))
    return whole if abs(whole - kept) <= _FINEST else kept


def _answers_rarely(packet: Packet, match: Match, local: AbstractSet[Address]) -> bool:
    match match:
        case AddrType(side, "LOCAL", inverted):
            address = packet.source if side is Side.SOURCE else packet.destination
            return is_local(address, local) != inverted
        case CtState(states, inverted):
            return bool(packet.states & states) != inverted
        case Mark(value, mask, inverted):
            return (packet.mark & mask == value) != inverted
        case InInterface(ifname, inverted):
            return _is_by(packet.in_interface, ifname) != inverted
        case OutInterface(ifname, inverted) if packet.out_interface is not None:
            return _is_by(packet.out_interface, ifname) != inverted
        case RecentCheck():
            return False
        case _:
            raise SpecError(f"no packet alone answers to the match {match}")


def is_local(address: Address, local: AbstractSet[Address]) -> bool:
    """Tell whether packets to ``address`` end on the node; all of 127.0.0.0/8 does."""
    return address.is_loopback or address in local


def _is_protocol(packet: Packet, protocol: str) -> bool:
    name = protocol.lower()
    return name in _ANY_PROTOCOL or _NUMBERS.get(name, name) == packet.protocol.lower()


def _has_ports(packet: Packet, ports: Ports | DestinationPorts) -> bool:
    if isinstance(ports, DestinationPorts):
        return packet.destination_port in ports.ports
    return (
        packet.protocol.lower() == ports.protocol
        and ports.destination in {None, packet.destination_port}
        and ports.source in {None, packet.source_port}
    )


def _is_by(ifname: str, pattern: str) -> bool:
    if pattern.endswith("+"):
        return bool(ifname) and ifname.startswith(pattern[:-1])
    return ifname == pattern
