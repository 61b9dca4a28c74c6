"""The program that keeps one protocol, run by the kernel on datagrams that hold the frames."""

import ctypes
import socket
import struct
from ipaddress import ip_address

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet

from netlab.linux.packet_ring import SO_ATTACH_FILTER
from netlab.model.packets import AddressPair, AddrPort
from netlab.sources.protocol_filter import packets_of_protocol

SNAP = 60
ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")


def is_kept(program: bytes, packet: Packet) -> bool:
    steps = ctypes.create_string_buffer(program, len(program))
    sent, received = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sent, received:
        attached = struct.pack("HP", len(program) // 8, ctypes.addressof(steps))
        received.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, attached)
        received.setblocking(False)
        sent.send(bytes(packet) + bytes(SNAP))
        try:
            return len(received.recv(4096)) == SNAP
        except BlockingIOError:
            return False


def stream(source: str, sport: int, destination: str, dport: int) -> AddressPair:
    return AddressPair(
        AddrPort(ip_address(source), sport), AddrPort(ip_address(destination), dport)
    )


STREAM = stream("192.0.2.1", 40000, "192.0.2.2", 80)
STREAM6 = stream("2001:db8::1", 40000, "2001:db8::2", 80)
ENDS, ENDS6 = {"src": "192.0.2.1", "dst": "192.0.2.2"}, {"src": "2001:db8::1", "dst": "2001:db8::2"}
BACK = {"src": "192.0.2.2", "dst": "192.0.2.1"}


@pytest.mark.parametrize(
    ("packet", "kept"),
    [
        pytest.param(IP(**ENDS) / TCP(sport=1, dport=2), True, id="the protocol"),
        pytest.param(IP(**ENDS) / UDP(sport=1, dport=2), False, id="another protocol"),
        pytest.param(IP(**ENDS) / ICMP(), True, id="ICMP"),
        pytest.param(IP(**ENDS, proto=6, frag=3) / bytes(20), True, id="a later fragment"),
        pytest.param(IPv6(**ENDS6) / TCP(sport=1, dport=2), False, id="the other family"),
        pytest.param(ARP(), False, id="ARP"),
        pytest.param(IP(**ENDS) / TCP(sport=40000, dport=80), False, id="a stream left out"),
        pytest.param(
            IP(**ENDS, options=b"\1\1\1\1") / TCP(sport=40000, dport=80),
            False,
            id="a stream left out, behind options",
        ),
        pytest.param(IP(**BACK) / TCP(sport=80, dport=40000), True, id="its other direction"),
        pytest.param(IP(**ENDS) / TCP(sport=40001, dport=80), True, id="its neighbour"),
    ],
)
def test_a_protocol_is_kept_but_for_the_streams_left_out(packet: Packet, kept: bool):
    others = [stream("192.0.2.1", port, "192.0.2.9", 80) for port in range(1, 32)]
    program = packets_of_protocol(6, 4, SNAP, [*others, STREAM])

    assert is_kept(program, ETHER / packet) is kept


@pytest.mark.parametrize(
    ("packet", "kept"),
    [
        pytest.param(IPv6(**ENDS6) / UDP(sport=1, dport=2), True, id="the protocol"),
        pytest.param(IPv6(**ENDS6) / ICMPv6EchoRequest(), True, id="ICMP"),
        pytest.param(IP(**ENDS) / UDP(sport=1, dport=2), False, id="the other family"),
        pytest.param(IPv6(**ENDS6) / UDP(sport=40000, dport=80), False, id="a stream left out"),
    ],
)
def test_so_it_is_with_ipv6(packet: Packet, kept: bool):
    assert is_kept(packets_of_protocol(17, 6, SNAP, [STREAM6]), ETHER / packet) is kept


@pytest.mark.parametrize(
    ("protocol", "offset", "kept"),
    [(17, 0, True), (17, 176, True), (6, 0, False), (58, 0, False)],
)
def test_fragments_of_ipv6_are_kept_by_the_protocol_of_their_header(
    protocol: int, offset: int, *, kept: bool
):
    header = IPv6ExtHdrFragment(nh=protocol, offset=offset, m=1, id=9)
    packet = ETHER / IPv6(**ENDS6, nh=44) / header / bytes(24)
    assert is_kept(packets_of_protocol(17, 6, SNAP), packet) is kept
