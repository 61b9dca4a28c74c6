"""Headers read by hand, held against scapy's reading."""

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6TimeExceeded,
    IPv6,
    IPv6ExtHdrFragment,
    fragment6,
)
from scapy.layers.l2 import ARP, Ether

from netlab.linux.frames import Frame
from netlab.model.names import NetnsName
from netlab.model.packets import Direction
from netlab.sources.headers import header_of
from netlab.sources.observations import observations
from netlab.sources.packet_key import datagram_key, rule_trace_key
from tests.unit.sources.scapy_reader import dissect

ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
ENDS = {"src": "192.0.2.1", "dst": "192.0.2.2"}
ENDS6 = {"src": "2001:db8::1", "dst": "2001:db8::2"}
OPTIONS = [("MSS", 1460), ("NOP", None), ("Timestamp", (77, 0)), ("EOL", None)]


def frame(packet: Ether) -> Frame:
    content = bytes(packet)
    return Frame(
        netns=NetnsName("netlab-x-a"),
        host="a",
        ifname="eth0",
        direction=Direction.IN,
        time_ns=1,
        data=content,
        length=len(content),
        for_another=False,
    )


PACKETS = [
    pytest.param(ETHER / IP(id=7, **ENDS) / TCP(sport=1, dport=2, seq=3, flags="S"), id="a SYN"),
    pytest.param(
        ETHER / IP(**ENDS) / TCP(sport=1, dport=2, flags="SA", options=OPTIONS), id="a time stamp"
    ),
    pytest.param(ETHER / IP(**ENDS) / TCP(flags="PA") / b"payload", id="data"),
    pytest.param(ETHER / IP(id=9, **ENDS) / UDP(sport=5, dport=53) / b"query", id="a datagram"),
    pytest.param(ETHER / IP(id=3, **ENDS) / ICMP(type=8, id=5, seq=6) / b"x", id="a ping"),
    pytest.param(ETHER / IPv6(fl=9, **ENDS6) / TCP(sport=1, dport=2), id="a SYN over IPv6"),
    pytest.param(ETHER / IPv6(fl=8, **ENDS6) / UDP(sport=1, dport=2) / b"x", id="and a datagram"),
]


@pytest.mark.parametrize("packet", PACKETS)
def test_a_packet_has_the_key_and_addresses_that_scapy_finds(packet: Ether):
    [ours], [theirs] = observations([frame(packet)]), dissect([frame(packet)])

    assert (ours.key, ours.pair) == (theirs.key, theirs.pair)


@pytest.mark.parametrize("packet", PACKETS)
def test_a_rule_traces_headers_find_the_captured_packet(packet: Ether):
    network = bytes(packet[1])
    length = 40 if packet[1].version == 6 else 20

    header = header_of(network[:length], network[length : length + 20])

    assert header.key == rule_trace_key(observations([frame(packet)])[0].key)


def test_a_later_fragment_has_the_ports_of_the_first_and_a_key_of_its_own():
    datagram = IP(id=9, **ENDS) / UDP(sport=5, dport=53) / (bytes(range(200)) * 8)
    frames = [frame(ETHER / piece) for piece in fragment(datagram, fragsize=800)]

    first, second, *_ = observations(frames[::-1])[::-1]

    assert (first.key.fragment, second.key.fragment) == (0, 800)
    assert first.pair == second.pair
    assert second.pair.destination.port == 53
    assert len({one.key for one in observations(frames)}) == len(frames) > 1


def test_a_fragment_whose_first_was_not_seen_has_no_ports():
    alone = ETHER / IP(frag=9, **ENDS) / UDP(sport=1, dport=2)

    [seen] = observations([frame(alone)])

    assert (seen.key.fragment, seen.pair.source.port) == (72, 0)


def test_what_is_no_packet_of_a_connection_is_left_out():
    assert observations([frame(ETHER / ARP()), frame(ETHER / IP(proto=47, **ENDS))]) == ()


def test_a_syn_that_is_sent_again_over_ipv6_has_another_flow_label():
    first, again = (
        ETHER / IPv6(fl=label, **ENDS6) / TCP(sport=1, dport=2, seq=3, flags="S")
        for label in (0x12345, 0x54321)
    )
    seen = observations([frame(first), frame(first), frame(again)])

    assert [one.key for one in seen[:2]] == [seen[0].key] * 2
    assert rule_trace_key(seen[2].key) != rule_trace_key(seen[0].key)


def test_fragments_of_ipv6_have_their_place_and_their_datagrams_ports():
    whole = IPv6(fl=5, **ENDS6) / IPv6ExtHdrFragment(id=9) / UDP(sport=1, dport=53) / bytes(3000)
    found = observations([frame(ETHER / piece) for piece in fragment6(whole, 1460)])

    assert [one.key.fragment for one in found] == [0, 1408, 2816]
    assert {str(one.pair.destination) for one in found} == {"[2001:db8::2]:53"}
    whole_key = observations([frame(ETHER / IPv6(fl=5, **ENDS6) / UDP(sport=1, dport=53))])[0].key
    assert rule_trace_key(found[0].key) == datagram_key(whole_key)


def test_icmpv6_is_told_from_icmp():
    ping = ETHER / IPv6(**ENDS6) / ICMPv6EchoRequest(id=5, seq=6, data=b"x")
    late = ETHER / IPv6(**ENDS6) / ICMPv6TimeExceeded()

    keys = [one.key for one in observations([frame(ping), frame(late)])]

    assert [(key.protocol, key.detail[0]) for key in keys] == [("icmpv6", 128), ("icmpv6", 3)]


def test_neighbour_discovery_is_left_out_as_arp_is():
    talk = [ICMPv6ND_NS(tgt=ENDS6["dst"]), ICMPv6ND_NA(tgt=ENDS6["src"])]
    assert observations([frame(ETHER / IPv6(**ENDS6) / one) for one in talk]) == ()
