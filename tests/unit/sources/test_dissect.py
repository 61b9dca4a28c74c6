"""Recorded frames of three connections, dissected and joined: the joiner without root.

``handshakes.json`` holds the SYNs and SYN-ACKs of: a client that calls a NodePort on node2 whose
pod is on node1; node2 that calls a ClusterIP; a client whose packets node2 drops.
"""

import json
from ipaddress import ip_address
from pathlib import Path

import pytest

from netlab.linux.frames import Frame
from netlab.model.names import NetnsName
from netlab.model.packets import AddressPair, AddrPort, Direction
from netlab.sources.dissect import dissect
from netlab.sources.observations import Observation
from netlab.trace.paths import Connection, Fate, Flow
from netlab.trace.paths import Path as PacketPath
from netlab.trace.reconstruct import reconstruct

RECORDED = Path(__file__).with_name("handshakes.json")


def recorded() -> list[Frame]:
    return [
        Frame(
            netns=NetnsName(netns),
            host=host,
            ifname=ifname,
            direction=Direction(direction),
            time_ns=time_ns,
            length=length,
            for_another=for_another,
            data=bytes.fromhex(content),
        )
        for netns, host, ifname, direction, time_ns, length, for_another, content in json.loads(
            RECORDED.read_text()
        )
    ]


@pytest.fixture(scope="module")
def seen() -> tuple[Observation, ...]:
    return dissect(recorded())


def address(text: str) -> AddrPort:
    host, _, port = text.rpartition(":")
    return AddrPort(ip_address(host), int(port))


def join(
    seen: tuple[Observation, ...], host: str, source: str, target: str, isn: int | None
) -> Connection:
    pair = AddressPair(address(source), address(target))
    return reconstruct(seen, Flow(host=host, pair=pair, initial_sequence=isn))


def visited(path: PacketPath) -> list[str]:
    return [visit[0].host for visit in path.visits()]


def changes(path: PacketPath) -> list[str]:
    return [f"{r.host}: {r.kind} {r.before} => {r.after}" for r in path.rewrites()]


def test_a_nodeport_call_is_followed_through_both_rewrites_and_back(seen: tuple[Observation, ...]):
    joined = join(seen, "client", "192.168.50.100:59414", "192.168.50.12:30080", None)

    [attempt] = joined.attempts
    assert attempt.fate is Fate.ANSWERED
    there = ["client", "router", "node2", "router", "node1", "pod"]
    assert visited(attempt.request) == there
    assert visited(attempt.reply) == there[::-1]
    assert changes(attempt.request) == [
        "node2: DNAT 192.168.50.12:30080 => 10.244.1.2:8080",
        "node2: SNAT 192.168.50.100:59414 => 192.168.50.12:54181",
    ]
    assert changes(attempt.reply) == [
        "node2: un-SNAT 192.168.50.12:54181 => 192.168.50.100:59414",
        "node2: un-DNAT 10.244.1.2:8080 => 192.168.50.12:30080",
    ]


def test_a_node_that_calls_a_clusterip_is_found_by_the_sequence_of_its_syn(
    seen: tuple[Observation, ...],
):
    joined = join(seen, "node2", "192.168.50.12:44882", "10.0.0.1:80", 3083027664)

    [attempt] = joined.attempts
    assert visited(attempt.request) == ["node2", "router", "node1", "pod"]
    assert changes(attempt.request)[0] == "node2: DNAT 10.0.0.1:80 => 10.244.1.2:8080"
    assert changes(attempt.reply)[-1] == "node2: un-DNAT 10.244.1.2:8080 => 10.0.0.1:80"


def test_dropped_packets_end_at_the_dropping_node_in_each_attempt(seen: tuple[Observation, ...]):
    joined = join(seen, "client", "192.168.50.100:38046", "192.168.50.12:30081", 1585828134)

    ends = [(a.fate, a.request.last().host, a.request.last().ifname) for a in joined.attempts]
    assert ends == [(Fate.REQUEST_LOST, "node2", "eth0")] * 2


def test_every_recorded_packet_belongs_to_one_of_the_three_connections(
    seen: tuple[Observation, ...],
):
    three = [
        join(seen, "client", "192.168.50.100:59414", "192.168.50.12:30080", 612047724),
        join(seen, "node2", "192.168.50.12:44882", "10.0.0.1:80", 3083027664),
        join(seen, "client", "192.168.50.100:38046", "192.168.50.12:30081", 1585828134),
    ]
    assert sum(len(path.hops) for joined in three for path in joined.paths) == len(seen)


def frame(content: str) -> Frame:
    return Frame(
        netns=NetnsName("n"),
        host="node1",
        ifname="eth0",
        direction=Direction.IN,
        time_ns=1,
        data=bytes.fromhex(content),
        length=len(bytes.fromhex(content)),
        for_another=False,
    )


ETHERNET = "020000000001 020000000002"
ARP = f"{ETHERNET} 0806 0001080006040001 0200000000020af00003 000000000000 0af00004"
UDP = f"{ETHERNET} 0800 4500001e0007000040110000 0af400020af00003 d4310035000a0000 6869"
IPV6 = f"{ETHERNET} 86dd 60000000000a1140 20010db8{'00' * 11}01 20010db8{'00' * 11}02"
UDP6 = f"{IPV6} d4310035000a0000 6869"


def test_frames_without_ip_are_left_out():
    assert dissect([frame(ARP)]) == ()


@pytest.mark.parametrize(
    ("content", "source", "destination"),
    [
        pytest.param(UDP, "10.244.0.2:54321", "10.240.0.3:53", id="IPv4"),
        pytest.param(UDP6, "[2001:db8::1]:54321", "[2001:db8::2]:53", id="IPv6"),
    ],
)
def test_udp_is_told_by_its_payload(content: str, source: str, destination: str):
    [packet] = dissect([frame(content)])
    assert packet.key.protocol == "udp"
    assert packet.key.length == 2
    assert [str(end) for end in packet.pair] == [source, destination]
    [other] = dissect([frame(content[:-2] + "00")])
    assert other.key != packet.key
