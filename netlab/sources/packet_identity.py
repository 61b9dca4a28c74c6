"""Which observations are of the same packet, found in the raw bytes of each frame.

Theory of operation
-------------------
NAT rewrites addresses, ports, ICMP ids and checksums; a router counts the TTL down. What is left
tells a packet from all others: the IPv4 identification, lengths, TCP's sequence numbers, flags and
options, the content of a datagram. ``identify`` splits a frame into that part (the key) and the
part that NAT may rewrite (the ends). It does for a capture under way what ``PacketKey`` does after
it, at a hundredth of the cost: nearly every frame of a lab is plain IPv4 with TCP or UDP, whose
parts lie at fixed places.

``PacketNumbers`` gives observations with equal keys one number. Packets without an IPv4
identification (an RST) can have equal keys; but no packet passes the same interface in the same
direction with the same TTL twice, so an observation that does is of the next packet.

Source: RFC 791, RFC 8200, RFC 9293, RFC 768, RFC 792.
"""

import zlib
from ipaddress import ip_address
from typing import Final, NamedTuple

from netlab.model.packets import AddressPair, AddrPort

ETHERNET_BYTES: Final = 14
IPV6_BYTES: Final = 40
ICMP, TCP, UDP, ICMP6, SCTP = 1, 6, 17, 58, 132

_PLAIN_IPV4: Final = b"\x08\x00\x45"
"""The EtherType, and the first byte of a header without options."""
_PORTS_END: Final = ETHERNET_BYTES + 24

REMEMBERED_NS: Final = 4_000_000_000
"""How long after the first observation others may come; at least this, and at most twice."""
REMEMBERED_PACKETS: Final = 200_000
"""How many packets are remembered twice over at most; a busy capture forgets sooner."""


Identity = tuple[bytes, bytes, int]
"""One IP packet, as one frame shows it: what no NAT rewrites; source and destination address, then
the two ports where there are any; IPv4's time to live or IPv6's hop limit."""


def identify(data: bytes) -> Identity | None:
    """Return the identity of the IP packet in an Ethernet frame; None for any other frame."""
    if data[12:15] == _PLAIN_IPV4 and len(data) >= _PORTS_END and not (data[20] & 0x3F or data[21]):
        if data[23] == TCP:
            # Length and identification; sequence numbers and flags; options and some content.
            return data[16:22] + data[38:48] + data[54:86], data[26:_PORTS_END], data[22]
        if data[23] == UDP:
            return data[16:22] + data[42:74], data[26:_PORTS_END], data[22]
    if len(data) < ETHERNET_BYTES + 20:
        return None
    if data[12:14] == b"\x08\x00":
        return _ipv4(data)
    if data[12:14] == b"\x86\xdd" and len(data) >= ETHERNET_BYTES + IPV6_BYTES:
        start = ETHERNET_BYTES + IPV6_BYTES
        end = start + int.from_bytes(data[18:20], "big")
        key, ports = _transport(data[20], data[start:end])
        return data[14:21] + key, data[22:54] + ports, data[21]
    return None


def _ipv4(data: bytes) -> Identity:
    start = ETHERNET_BYTES + (data[14] & 0xF) * 4
    end = ETHERNET_BYTES + int.from_bytes(data[16:18], "big")
    protocol = data[23]
    is_later_fragment = data[20] & 0x1F or data[21]
    if is_later_fragment:
        # Ports and sequence numbers are in the first fragment only.
        key, ports = _checksum(data[start:end]), b""
    else:
        key, ports = _transport(protocol, data[start:end])
    return data[16:22] + data[23:24] + key, data[26:34] + ports, data[22]


def _transport(protocol: int, segment: bytes) -> tuple[bytes, bytes]:
    """Return what NAT leaves alone in a transport header and its content, and the ports."""
    if protocol == TCP:
        header = (segment[12] >> 4) * 4 if len(segment) > 12 else 0
        return segment[4:14] + segment[20:header], segment[:4]
    if protocol == UDP:
        return _checksum(segment[8:]), segment[:4]
    if protocol in {ICMP, ICMP6}:
        return segment[:2] + segment[6:8], b""
    if protocol == SCTP:
        return _checksum(segment[12:]), segment[:4]
    return _checksum(segment), b""


def _checksum(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(4, "big")


def pair_of(ends: bytes) -> AddressPair:
    """Return ``Identity.ends`` as addresses and ports; a port is 0 where there is none.

    >>> str(pair_of(bytes([10, 0, 0, 1, 10, 0, 0, 2, 0, 80, 0, 81])).destination)
    '10.0.0.2:81'
    """
    size = 4 if len(ends) in {8, 12} else 16
    ports = ends[2 * size :]
    return AddressPair(
        AddrPort(ip_address(ends[:size]), int.from_bytes(ports[:2], "big")),
        AddrPort(ip_address(ends[size : 2 * size]), int.from_bytes(ports[2:4], "big")),
    )


class Change(NamedTuple):
    """A packet carried other addresses at its observation before; somebody rewrote them."""

    since: int
    """The place of that observation."""
    before: bytes
    """Ends there; ``pair_of`` reads them."""
    after: bytes


Sighting = tuple[int, int, Change | None]
"""What is known of a sighted packet: its number, from 1; which observation of it this is, from 1;
and what changed since the one before. Both numbers are 0 for a frame without an IP packet."""

_NO_PACKET: Final = 0, 0, None


class _Packet:
    """What is remembered of a packet: number, where it was seen, and its ends there."""

    __slots__ = ("ends", "number", "passed", "place")

    def __init__(self, number: int, ends: bytes) -> None:
        self.number = number
        self.ends = ends
        self.place = 0
        # A dozen at most: a list is smaller than a set, and no slower to look through.
        self.passed: list[int] = []


class PacketNumbers:
    """Gives each packet a number, from 1, which all its observations share."""

    def __init__(self) -> None:
        self._last = 0
        self._recent: dict[bytes, _Packet] = {}
        self._older: dict[bytes, _Packet] = {}
        self._turned_ns = 0

    @property
    def count(self) -> int:
        """How many packets were seen."""
        return self._last

    def see(self, data: bytes, place: int, time_ns: int) -> Sighting:
        """Return the number of the packet in a frame, and what NAT did since it was seen before.

        Args:
            data: The frame.
            place: A number for the interface and the direction, from 0.
            time_ns: Observations must come in the order of time.
        """
        identity = identify(data)
        if identity is None:
            return _NO_PACKET
        key, ends, ttl = identity
        here = place << 8 | ttl
        packet = self._recent.get(key) or self._older.get(key)
        if packet is None or here in packet.passed:
            packet = self._begin(key, ends, time_ns)
        passed = packet.passed
        passed.append(here)
        change = None
        if packet.ends != ends:
            change = Change(packet.place, packet.ends, ends)
            packet.ends = ends
        packet.place = place
        return packet.number, len(passed), change

    def _begin(self, key: bytes, ends: bytes, time_ns: int) -> _Packet:
        is_full = len(self._recent) >= REMEMBERED_PACKETS
        if is_full or time_ns - self._turned_ns > REMEMBERED_NS:
            self._older, self._recent, self._turned_ns = self._recent, {}, time_ns
        self._last += 1
        packet = self._recent[key] = _Packet(self._last, ends)
        return packet
