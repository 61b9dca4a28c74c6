"""The same packet at several places, and others like it."""

import struct
from ipaddress import ip_address

import pytest

from netlab.sources.packet_identity import REMEMBERED_NS, PacketNumbers, identify, pair_of

MACS = b"\2\0\0\0\0\1\2\0\0\0\0\2"
CLIENT, NODE, POD = "198.51.100.79", "10.240.0.4", "10.244.1.2"
CLIENT_OUT, NODE_IN, NODE_OUT, POD_IN = 0, 2, 3, 4


def ipv4(
    source: str, destination: str, protocol: int, segment: bytes, *, ip_id: int = 7, ttl: int = 64,
    fragment: int = 0, options: bytes = b"",
) -> bytes:  # fmt: skip
    size = 20 + len(options)
    head = struct.pack(
        "!BBHHHBBH", 0x40 + size // 4, 0, size + len(segment), ip_id, fragment, ttl, protocol, 0
    )
    ends = ip_address(source).packed + ip_address(destination).packed
    return MACS + b"\x08\x00" + head + ends + options + segment


def tcp(sport: int, dport: int, *, seq: int = 1, flags: int = 0x02, stamp: int = 5) -> bytes:
    options = b"\x01\x01\x08\x0a" + struct.pack("!II", stamp, 0)
    return struct.pack("!HHIIBBHHH", sport, dport, seq, 0, 0x80, flags, 100, 0, 0) + options


def udp(sport: int, dport: int, content: bytes = b"question") -> bytes:
    return struct.pack("!HHHH", sport, dport, 8 + len(content), sport) + content


def icmp(identifier: int, sequence: int) -> bytes:
    return struct.pack("!BBHHH", 8, 0, identifier, identifier, sequence) + bytes(48)


def ipv6(source: str, destination: str, protocol: int, segment: bytes, hops: int) -> bytes:
    head = struct.pack("!IHBB", 0x6000_0000, len(segment), protocol, hops)
    return (
        MACS
        + b"\x86\xdd"
        + head
        + ip_address(source).packed
        + ip_address(destination).packed
        + segment
    )


def numbers_of(*observations: tuple[bytes, int]) -> list[int]:
    numbers = PacketNumbers()
    return [numbers.see(frame, place, i)[0] for i, (frame, place) in enumerate(observations)]


@pytest.mark.parametrize(
    ("protocol", "before", "after"),
    [
        pytest.param(6, tcp(40000, 30080), tcp(7777, 8080), id="TCP"),
        pytest.param(17, udp(40000, 30080), udp(7777, 8080), id="UDP"),
        pytest.param(1, icmp(2452, 3), icmp(17130, 3), id="ICMP, whose id NAT rewrites"),
    ],
)
def test_a_packet_keeps_its_number_through_nat(protocol: int, before: bytes, after: bytes):
    numbers = PacketNumbers()
    outside = ipv4(CLIENT, NODE, protocol, before)
    inside = ipv4(NODE, POD, protocol, after, ttl=63)

    assert numbers.see(outside, CLIENT_OUT, 1) == (1, 1, None)
    assert numbers.see(outside, NODE_IN, 2) == (1, 2, None)
    number, hop, change = numbers.see(inside, NODE_OUT, 3)
    assert (number, hop) == (1, 3)
    assert change is not None
    assert change.since == NODE_IN
    assert str(pair_of(change.before).destination.address) == NODE
    assert str(pair_of(change.after).destination.address) == POD
    assert numbers.see(inside, POD_IN, 4) == (1, 4, None)


def test_ports_are_read_where_there_are_any():
    _, ends, _ = identify(ipv4(CLIENT, NODE, 6, tcp(40000, 30080)))
    assert str(pair_of(ends).source) == f"{CLIENT}:40000"
    _, ends, _ = identify(ipv4(CLIENT, NODE, 1, icmp(1, 1)))
    assert pair_of(ends).destination.port == 0


def test_ipv6_keeps_its_number_while_the_hop_limit_counts_down():
    first = ipv6("fd00::1", "fd00::2", 17, udp(1, 2), 64)
    second = ipv6("fd00::1", "fd00::3", 17, udp(1, 9), 63)
    assert numbers_of((first, 0), (second, 2)) == [1, 1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            ipv4(CLIENT, NODE, 6, tcp(1, 2), ip_id=0),
            ipv4(CLIENT, NODE, 6, tcp(1, 2, stamp=6), ip_id=0),
            id="a SYN-ACK sent again, without an IP id",
        ),
        pytest.param(
            ipv4(CLIENT, NODE, 6, tcp(1, 2), ip_id=1),
            ipv4(CLIENT, NODE, 6, tcp(1, 2), ip_id=2),
            id="a retransmission",
        ),
        pytest.param(
            ipv4(CLIENT, NODE, 17, bytes(32), fragment=0x2000),
            ipv4(CLIENT, NODE, 17, bytes(32), fragment=0x2004),
            id="fragments of equal content",
        ),
        pytest.param(
            ipv4(CLIENT, NODE, 17, udp(1, 2, b"a")),
            ipv4(CLIENT, NODE, 17, udp(1, 2, b"b")),
            id="datagrams of other content",
        ),
    ],
)
def test_others_have_a_number_of_their_own(one: bytes, other: bytes):
    assert numbers_of((one, 0), (other, 0), (one, 2), (other, 2)) == [1, 2, 1, 2]


def test_an_equal_packet_at_the_same_place_is_the_next_one():
    reset = ipv4(NODE, CLIENT, 6, tcp(30080, 40000, flags=4)[:20], ip_id=0)
    assert numbers_of((reset, 0), (reset, 2), (reset, 0), (reset, 2)) == [1, 1, 2, 2]


def test_a_packet_that_is_long_gone_is_another():
    numbers = PacketNumbers()
    datagram = ipv4(CLIENT, NODE, 17, udp(1, 2))
    other = ipv4(CLIENT, NODE, 17, udp(3, 4, b"other"))
    assert numbers.see(datagram, 0, 0)[0] == 1
    assert numbers.see(other, 0, REMEMBERED_NS + 1)[0] == 2
    assert numbers.see(datagram, 2, REMEMBERED_NS + 2)[0] == 1
    assert numbers.see(ipv4(CLIENT, NODE, 17, udp(5, 6, b"x")), 0, 2 * REMEMBERED_NS + 3)[0] == 3
    assert numbers.see(datagram, 4, 2 * REMEMBERED_NS + 4)[0] == 4


def test_ip_options_do_not_hide_the_ports():
    frame = ipv4(CLIENT, NODE, 6, tcp(40000, 30080), options=b"\x94\x04\0\0")
    assert pair_of(identify(frame)[1]).source.port == 40000


def test_other_frames_have_no_number():
    assert numbers_of((MACS + b"\x08\x06" + bytes(28), 0), (b"", 0), (MACS, 0)) == [0, 0, 0]
