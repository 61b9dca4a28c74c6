"""Frames -> observations of packets; scapy does the dissecting, after the capture is over."""

import zlib
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from netlab.linux.frames import Frame
from netlab.model.packets import AddressPair, AddrPort
from netlab.sources.observations import Observation
from netlab.sources.packet_key import PacketKey


def dissect(frames: Iterable[Frame]) -> tuple[Observation, ...]:
    """Return the IP packets among ``frames``, in their order; other frames (ARP) are left out."""
    seen = (_packet(frame) for frame in frames)
    return tuple(packet for packet in seen if packet is not None)


def _packet(frame: Frame) -> Observation | None:
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether

    ether = Ether(frame.data)
    packet = ether.getlayer(IP) or ether.getlayer(IPv6)
    if packet is None:
        return None
    ip_id = packet.id if packet.version == 4 else packet.fl
    if (tcp := packet.getlayer(TCP)) is not None:
        return _tcp(frame, packet, tcp, ip_id)
    if (udp := packet.getlayer(UDP)) is not None:
        content = bytes(udp.payload)
        key = PacketKey("udp", ip_id, len(content), (zlib.crc32(content),))
        return _seen(frame, _pair(packet, udp.sport, udp.dport), key)
    if (icmp := packet.getlayer(ICMP)) is not None:
        detail = (icmp.type, icmp.code, icmp.seq or 0)
        key = PacketKey("icmp", ip_id, len(icmp.payload), detail)
        return _seen(frame, _pair(packet, 0, 0), key)
    return None


def _tcp(frame: Frame, packet: Any, tcp: Any, ip_id: int) -> Observation:  # noqa: ANN401
    detail = (tcp.seq, tcp.ack, int(tcp.flags), _time_stamp(tcp))
    key = PacketKey("tcp", ip_id, _payload_length(packet, tcp), detail)
    return replace(
        _seen(frame, _pair(packet, tcp.sport, tcp.dport), key),
        flags=str(tcp.flags),
        sequence=tcp.seq,
        acknowledgement=tcp.ack,
    )


def _seen(frame: Frame, pair: AddressPair, key: PacketKey) -> Observation:
    return Observation(
        time_ns=frame.time_ns,
        host=frame.host,
        ifname=frame.ifname,
        direction=frame.direction,
        pair=pair,
        key=key,
        for_another=frame.for_another,
    )


def _pair(packet: Any, sport: int, dport: int) -> AddressPair:  # noqa: ANN401
    return AddressPair(
        AddrPort(ip_address(packet.src), sport), AddrPort(ip_address(packet.dst), dport)
    )


def _payload_length(packet: Any, tcp: Any) -> int:  # noqa: ANN401
    """Return the length by the headers: a short frame is padded, a long one may be cut."""
    header = tcp.dataofs * 4
    if packet.version == 4:
        return int(packet.len - packet.ihl * 4 - header)
    return int(packet.plen - header)


def _time_stamp(tcp: Any) -> int:  # noqa: ANN401
    stamps = (value[0] for name, value in tcp.options if name == "Timestamp")
    return next(stamps, 0)
