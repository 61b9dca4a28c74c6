"""Headers of a packet without its payload, as rule traces carry them."""

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from netlab.model.packets import AddressPair, AddrPort
from netlab.sources.packet_key import PacketKey, is_icmp_error
from netlab.sources.rule_trace_messages import Header

TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
FRAGMENT: Final = 44
"""Next header of IPv6: eight bytes of a fragment header stand before the content."""
_IPV6_BYTES, _FRAGMENT_BYTES, _ICMP_BYTES = 40, 8, 8
FRAGMENT_OFFSET, MORE_FRAGMENTS = 0x1FFF, 0x2000
_NAMES: Final = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMP6: "icmpv6"}
_FLOW_LABEL: Final = (1 << 20) - 1

_Address = IPv4Address | IPv6Address


def parted(packet: bytes) -> tuple[bytes, bytes]:
    """Return the network header of a packet, with the fragment header of IPv6, and what follows."""
    if packet[0] >> 4 == 4:
        length = (packet[0] & 15) * 4
    else:
        is_fragment = packet[6:7] == bytes([FRAGMENT])
        length = _IPV6_BYTES + (_FRAGMENT_BYTES if is_fragment else 0)
    return packet[:length], packet[length:]


def quoted_by(key: PacketKey, content: bytes) -> Header | None:
    """Return the packet that an ICMP error answers, as far as it quotes it; None for other packets.

    Args:
        key: Of the packet that may be an error.
        content: What follows its network header.
    """
    if key.fragment or not is_icmp_error(key) or len(content) < _ICMP_BYTES + 20:
        return None
    return header_of(*parted(content[_ICMP_BYTES:]))


def header_of(network: bytes, transport: bytes) -> Header | None:
    """Return what two headers say; None for another protocol.

    A later fragment has no transport header, and so no ports.

    Args:
        network: IPv4 or IPv6 header; for IPv6 with a fragment header at most.
        transport: What follows it, at least as far as a TCP header goes without options.
    """
    offset = None
    if network[:1] and network[0] >> 4 == 4 and len(network) >= 20:
        _, total, ip_id, fragment, ttl, protocol = struct.unpack_from(">BxHHHBB", network)
        length = total - (network[0] & 15) * 4
        ends: tuple[_Address, _Address] = (IPv4Address(network[12:16]), IPv4Address(network[16:20]))
        if fragment & (FRAGMENT_OFFSET | MORE_FRAGMENTS):
            offset = (fragment & FRAGMENT_OFFSET) * 8
    elif len(network) >= _IPV6_BYTES:
        start, length, protocol, ttl = struct.unpack_from(">IHBB", network)
        ip_id = start & _FLOW_LABEL
        ends = (IPv6Address(network[8:24]), IPv6Address(network[24:40]))
        if protocol == FRAGMENT and len(network) >= _IPV6_BYTES + _FRAGMENT_BYTES:
            protocol, fragment = struct.unpack_from(">BxH", network, _IPV6_BYTES)
            length -= _FRAGMENT_BYTES
            offset = fragment & ~7 if fragment & ~6 else None
    else:
        return None
    told = _continued(protocol, length) if offset else _transport(protocol, length, transport)
    if told is None:
        return None
    name, (sport, dport), payload, detail = told
    key = PacketKey(name, ip_id, payload, detail, offset)
    pair = AddressPair(AddrPort(ends[0], sport), AddrPort(ends[1], dport))
    return Header(key, pair, ttl)


_Transport = tuple[str, tuple[int, int], int, tuple[int, ...]]


def _continued(protocol: int, length: int) -> _Transport | None:
    """Return the same of a later fragment, which has content only."""
    name = _NAMES.get(protocol)
    return None if name is None else (name, (0, 0), length, ())


def _transport(protocol: int, length: int, content: bytes) -> _Transport | None:
    """Return the protocol's name, the ports, the length of the payload, and the key's detail."""
    if protocol == TCP and len(content) >= 14:
        sport, dport, sequence, acknowledgement, bits = struct.unpack_from(">HHIIH", content)
        detail = (sequence, acknowledgement, bits & 0x1FF)
        return "tcp", (sport, dport), length - (bits >> 12) * 4, detail
    if protocol == UDP and len(content) >= 8:
        return "udp", struct.unpack_from(">HH", content), length - 8, ()
    if protocol in {ICMP, ICMP6} and len(content) >= 8:
        kind, code, sequence = struct.unpack_from(">BB4xH", content)
        return _NAMES[protocol], (0, 0), length - 8, (kind, code, sequence)
    return None
