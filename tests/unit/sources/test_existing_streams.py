"""Streams that a trace has nothing to do with."""

from ipaddress import ip_address

from netlab.model.packets import AddressPair, AddrPort, Direction
from netlab.sources.existing_streams import MOST, SYN, streams_under_way
from netlab.sources.observations import Observation
from netlab.sources.packet_key import PacketKey

ACK = 0x010


def seen(sport: int, flags: int = ACK, protocol: str = "tcp") -> Observation:
    detail = {"tcp": (1, 2, flags, 0), "udp": (3,), "icmp": (8, 0, 1)}[protocol]
    source = AddrPort(ip_address("192.0.2.1"), sport)
    return Observation(
        time_ns=1,
        host="a",
        ifname="eth0",
        direction=Direction.IN,
        pair=AddressPair(source, AddrPort(ip_address("192.0.2.2"), 80)),
        key=PacketKey(protocol, 1, 0, detail),
    )


def test_the_busiest_come_first_and_not_all_come():
    heard = [seen(1000 + i % (MOST + 1)) for i in range(3 * MOST)] + [seen(7)] * 9

    found = [pair.source.port for pair in streams_under_way(heard)]

    assert found[0] == 7
    assert len(found) == MOST


def test_what_has_just_begun_stays_in():
    assert streams_under_way([seen(1, SYN), seen(1, SYN | ACK)]) == ()


def test_datagrams_are_streams_and_pings_are_not():
    found = streams_under_way([seen(1, protocol="udp"), seen(0, protocol="icmp")])

    assert [pair.source.port for pair in found] == [1]
