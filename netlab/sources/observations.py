"""Frames to observations of packets by their headers alone.

A trace has to be drawn within a second of its connection, and scapy takes half of that to load;
what tells one packet from another lies in three headers.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from netlab.linux.frames import Frame
from netlab.model.packets import AddressPair, Direction
from netlab.sources.headers import header_of, parted, quoted_by
from netlab.sources.neighbour_messages import is_link_talk
from netlab.sources.packet_key import PacketKey

_ETHERNET_BYTES: Final = 14
_ETHERTYPES: Final = {0x0800, 0x86DD}
_UDP_BYTES: Final = 8
_TIME_STAMP, _NO_OPERATION, _END = 8, 1, 0
"""TCP options, RFC 9293 and RFC 7323."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One observation: a packet passed an interface of a host."""

    time_ns: int
    """Wall clock; comparable between all hosts of a lab, which share one kernel."""
    host: str
    ifname: str
    direction: Direction
    pair: AddressPair
    """Addresses as they were there."""
    key: PacketKey
    flags: str = ""
    """TCP flags in scapy's letters: ``S``, ``SA``, ``PA``, ``R`` ..."""
    sequence: int = 0
    """TCP sequence number."""
    acknowledgement: int = 0
    """TCP acknowledgement number; 0 when the ACK flag is not set."""
    quoted: AddressPair | None = None
    """Of an ICMP error, the addresses of the packet that it answers, as it quotes them."""
    for_another: bool = False
    """The frame's MAC address is not the interface's. Usual on a bridge port; elsewhere a bridge
    flooded the frame and the kernel throws it away."""


def observations(frames: Iterable[Frame]) -> tuple[Observation, ...]:
    """Return the TCP, UDP and ICMP packets among ``frames``, in their order.

    What is ICMPv6 for a link's own business, such as neighbour discovery, is left out as ARP is.

    A later fragment gets the ports of its datagram's first, as the same interface saw it.
    """
    found = [one for frame in frames if (one := _observation(frame)) is not None]
    whole = {_datagram(one): one.pair for one in found if one.key.fragment == 0}
    return tuple(
        replace(one, pair=whole.get(_datagram(one), one.pair)) if one.key.fragment else one
        for one in found
    )


def _datagram(seen: Observation) -> tuple[object, ...]:
    source, destination = (end.address for end in seen.pair)
    place = seen.host, seen.ifname, seen.direction
    return (*place, source, destination, seen.key.protocol, seen.key.ip_id)


def _observation(frame: Frame) -> Observation | None:
    (ethertype,) = struct.unpack_from(">H", frame.data, 12)
    network = frame.data[_ETHERNET_BYTES:]
    if ethertype not in _ETHERTYPES or not network:
        return None
    head, content = parted(network)
    header = header_of(head, content)
    if header is None or is_link_talk(header.key):
        return None
    key, quoted = _whole(header.key, content), quoted_by(header.key, content)
    if quoted is not None:
        key = key._replace(detail=(*key.detail, zlib.crc32(repr(quoted.key).encode())))
    is_tcp = key.protocol == "tcp"
    return Observation(
        time_ns=frame.time_ns,
        host=frame.host,
        ifname=frame.ifname,
        direction=frame.direction,
        pair=header.pair,
        key=key,
        sequence=key.detail[0] if is_tcp else 0,
        acknowledgement=key.detail[1] if is_tcp else 0,
        quoted=quoted.pair if quoted else None,
        for_another=frame.for_another,
    )


def _whole(key: PacketKey, transport: bytes) -> PacketKey:
    """Add what a rule trace cannot know: TCP's time stamp, UDP's payload."""
    if key.fragment:
        return key._replace(detail=(zlib.crc32(transport[: key.length]),))
    if key.protocol == "tcp":
        return key._replace(detail=(*key.detail, _time_stamp(transport)))
    if key.protocol == "udp":
        payload = transport[_UDP_BYTES : _UDP_BYTES + key.length]
        return key._replace(detail=(zlib.crc32(payload),))
    return key


def _time_stamp(tcp: bytes) -> int:
    """Return the sender's time stamp; 0 when there is none."""
    end = min((tcp[12] >> 4) * 4, len(tcp))
    at = 20
    while at < end and tcp[at] != _END:
        if tcp[at] == _NO_OPERATION:
            at += 1
            continue
        if at + 1 >= end or tcp[at + 1] < 2:
            return 0
        if tcp[at] == _TIME_STAMP and at + 6 <= end:
            return int.from_bytes(tcp[at + 2 : at + 6], "big")
        at += tcp[at + 1]
    return 0
