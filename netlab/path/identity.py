"""Which sightings are of the same packet, found in the raw bytes of each frame.

Theory of operation
-------------------
NAT rewrites addresses, ports, ICMP ids and checksums; a router counts the TTL down. What is left
tells a packet from all others: the IPv4 identification, lengths, TCP's sequence numbers, flags and
options, the content of a datagram. ``identify`` splits a frame into that part (``key``) and the
part that NAT may rewrite (``ends``). It does for a capture under way what ``PacketKey`` does after
it, at a hundredth of the cost.

``PacketNumbers`` gives sightings with equal keys one number. Packets without an IPv4 identification
(an RST) can have equal keys; but no packet passes the same interface in the same direction with the
same TTL twice, so a sighting that does is of the next packet.

Source: RFC 791, RFC 8200, RFC 9293, RFC 768, RFC 792.
"""

import zlib
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, NamedTuple

from netlab.path.observations import AddressPair, AddrPort

ETHERNET_BYTES: Final = 14
IPV6_BYTES: Final = 40
ICMP, TCP, UDP, ICMP6, SCTP = 1, 6, 17, 58, 132

REMEMBERED_NS: Final = 4_000_000_000
"""How long after a sighting the next one may come; held for at least this and at most twice."""


class Identity(NamedTuple):
    """One IP packet, as one frame shows it."""

    key: bytes
    """What no NAT rewrites."""
    ends: bytes
    """Source and destination address, then the two ports where there are any."""
    ttl: int
    """IPv4's time to live, IPv6's hop limit."""


def identify(data: bytes) -> Identity | None:
    """Return the identity of the IP packet in an Ethernet frame; None for any other frame."""
    if len(data) < ETHERNET_BYTES + 20:
        return None
    if data[12:14] == b"\x08\x00":
        return _ipv4(data)
    if data[12:14] == b"\x86\xdd" and len(data) >= ETHERNET_BYTES + IPV6_BYTES:
        start = ETHERNET_BYTES + IPV6_BYTES
        end = start + int.from_bytes(data[18:20], "big")
        key, ports = _transport(data[20], data[start:end])
        return Identity(data[14:21] + key, data[22:54] + ports, data[21])
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
    return Identity(data[16:22] + data[23:24] + key, data[26:34] + ports, data[22])


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A packet carried other addresses at its sighting before; somebody rewrote them."""

    since: int
    """The interface of that sighting."""
    before: AddressPair
    after: AddressPair


class _Packet:
    """What is remembered of a packet: number, where it was seen, and its ends there."""

    __slots__ = ("ends", "interface", "number", "passed")

    def __init__(self, number: int) -> None:
        self.number = number
        self.interface = 0
        self.ends = b""
        self.passed: set[int] = set()


class PacketNumbers:
    """Gives each packet a number, from 1, which all its sightings share."""

    def __init__(self) -> None:
        self._last = 0
        self._recent: dict[bytes, _Packet] = {}
        self._older: dict[bytes, _Packet] = {}
        self._turned_ns = 0

    def see(
        self, identity: Identity, interface: int, *, outgoing: bool, time_ns: int
    ) -> tuple[int, Change | None]:
        """Return the number of a sighted packet, and how its ends differ from the sighting before.

        Args:
            identity: What the frame says.
            interface: A number for the interface, from 0.
            outgoing: The packet left through it.
            time_ns: Sightings must come in the order of time.
        """
        if time_ns - self._turned_ns > REMEMBERED_NS:
            self._older, self._recent, self._turned_ns = self._recent, {}, time_ns
        place = interface << 9 | outgoing << 8 | identity.ttl
        packet = self._find(identity.key)
        if packet is None or place in packet.passed:
            self._last += 1
            packet = self._recent[identity.key] = _Packet(self._last)
        before, since = packet.ends, packet.interface
        packet.ends, packet.interface = identity.ends, interface
        packet.passed.add(place)
        if not before or before == identity.ends:
            return packet.number, None
        change = Change(since=since, before=pair_of(before), after=pair_of(identity.ends))
        return packet.number, change

    def _find(self, key: bytes) -> _Packet | None:
        packet = self._recent.get(key)
        if packet is None and (packet := self._older.pop(key, None)) is not None:
            self._recent[key] = packet
        return packet
