"""Paths out of observations written by hand, for what a recording seldom holds."""

from ipaddress import ip_address

import pytest

from netlab.model.packets import AddressPair, AddrPort, Direction
from netlab.sources.observations import Observation
from netlab.sources.packet_key import PacketKey
from netlab.trace.paths import Fate, Flow, Way
from netlab.trace.reconstruct import reconstruct

NAMES = {"client": "198.51.100.79", "node1": "10.240.0.3", "pod": "10.244.1.2", "svc": "10.0.0.9"}


def end(text: str) -> AddrPort:
    """Return ``client:40000`` as an end of a connection."""
    name, _, port = text.partition(":")
    return AddrPort(ip_address(NAMES[name]), int(port))


def pair(text: str) -> AddressPair:
    """Return ``client:40000>node1:80`` as a pair."""
    source, _, destination = text.partition(">")
    return AddressPair(end(source), end(destination))


def packet(
    number: int, flags: str, *observations: str, seq: int = 0, ack: int = 0
) -> list[Observation]:
    """Return a packet's observations, each ``host ifname in|out source>destination [flooded]``."""
    key = PacketKey("tcp", number, 0, (seq, ack))
    return [
        Observation(
            time_ns=number * 1000 + offset,
            host=host,
            ifname=ifname,
            direction=Direction(direction),
            pair=pair(ends),
            key=key,
            flags=flags,
            sequence=seq,
            acknowledgement=ack,
            for_another=bool(rest),
        )
        for offset, (host, ifname, direction, ends, *rest) in enumerate(
            observation.split() for observation in observations
        )
    ]


FLOW = Flow(host="client", pair=pair("client:40000>node1:30080"), initial_sequence=7)

SYN = packet(
    1,
    "S",
    "client eth0 out client:40000>node1:30080",
    "node1 eth0 in client:40000>node1:30080",
    "node1 veth out node1:5>pod:8080",
    "pod eth0 in node1:5>pod:8080",
    seq=7,
)
SYN_ACK = packet(
    2,
    "SA",
    "pod eth0 out pod:8080>node1:5",
    "node1 veth in pod:8080>node1:5",
    "node1 eth0 out node1:30080>client:40000",
    "client eth0 in node1:30080>client:40000",
    seq=90,
    ack=8,
)


def test_replies_are_found_through_the_rewrites_of_the_request():
    joined = reconstruct([*SYN_ACK, *SYN], FLOW)
    assert [path.way for path in joined.paths] == [Way.REQUEST, Way.REPLY]
    assert joined.attempts[0].fate is Fate.ANSWERED
    assert joined.symmetric()


@pytest.mark.parametrize(
    ("answer", "fate"),
    [
        pytest.param(SYN_ACK[:2], Fate.REPLY_LOST, id="an answer that never arrives is lost"),
        pytest.param([], Fate.REQUEST_LOST, id="no answer means that the request was lost"),
        pytest.param(
            packet(
                2,
                "RA",
                "node1 eth0 out node1:30080>client:40000",
                "client eth0 in node1:30080>client:40000",
                ack=8,
            ),
            Fate.REFUSED,
            id="a RST is a refusal",
        ),
        pytest.param(
            packet(
                2,
                "SA",
                "pod eth0 out pod:8080>node1:5",
                "client eth0 in pod:8080>client:40000",
                ack=8,
            ),
            Fate.REPLY_STRANGE,
            id="an answer by a short cut comes from a stranger",
        ),
    ],
)
def test_the_fate_of_an_attempt(answer: list[Observation], fate: Fate):
    joined = reconstruct([*SYN, *answer], FLOW)
    assert [attempt.fate for attempt in joined.attempts] == [fate]
    assert not joined.symmetric()


def test_a_second_syn_is_an_attempt_of_its_own_and_takes_the_answer():
    lost = SYN[:2]
    again = packet(5, "S", *(f"{s.host} {s.ifname} {s.direction} {_text(s)}" for s in SYN), seq=7)
    answer = packet(
        6, "SA", *(f"{s.host} {s.ifname} {s.direction} {_text(s)}" for s in SYN_ACK), ack=8
    )
    joined = reconstruct([*lost, *again, *answer], FLOW)
    fates = [attempt.fate for attempt in joined.attempts]
    assert fates == [Fate.REQUEST_LOST, Fate.ANSWERED]


def _text(seen: Observation) -> str:
    by_address = {address: name for name, address in NAMES.items()}
    ends = (f"{by_address[str(one.address)]}:{one.port}" for one in seen.pair)
    return ">".join(ends)


def test_a_host_that_only_heard_a_flooded_frame_is_not_on_the_way():
    flooded = packet(
        1,
        "S",
        "client eth0 out client:40000>node1:30080",
        "node2 eth0 in client:40000>node1:30080 flooded",
        "router p-client in client:40000>node1:30080 port",
        "router p-node1 out client:40000>node1:30080",
        "node1 eth0 in client:40000>node1:30080",
    )
    [path] = reconstruct(flooded, FLOW).paths
    assert [visit[0].host for visit in path.visits()] == ["client", "router", "node1"]


def test_a_frame_that_a_bridge_dropped_ends_at_the_bridge():
    dropped = packet(
        1,
        "S",
        "client eth0 out client:40000>node1:30080",
        "router p-client in client:40000>node1:30080 port",
    )
    [path] = reconstruct(dropped, FLOW).paths
    assert (path.last().host, path.last().ifname) == ("router", "p-client")


def test_a_frame_for_a_host_that_is_gone_ends_where_it_was_flooded_to():
    stale = packet(
        1,
        "S",
        "client eth0 out client:40000>node1:30080",
        "node1 eth0 in client:40000>node1:30080 flooded",
    )
    [path] = reconstruct(stale, FLOW).paths
    assert path.last().host == "node1"
    assert path.last().for_another


def test_a_host_visited_twice_has_two_stays():
    hairpin = packet(
        1,
        "S",
        "pod eth0 out pod:40000>svc:80",
        "node1 veth in pod:40000>svc:80",
        "node1 veth out node1:5>pod:8080",
        "pod eth0 in node1:5>pod:8080",
        seq=7,
    )
    flow = Flow(host="pod", pair=pair("pod:40000>svc:80"), initial_sequence=7)
    [path] = reconstruct(hairpin, flow).paths
    assert [visit[0].host for visit in path.visits()] == ["pod", "node1", "pod"]
    assert [(r.kind, r.host) for r in path.rewrites()] == [("DNAT", "node1"), ("SNAT", "node1")]


def test_the_same_sequence_number_elsewhere_is_another_connection():
    other = packet(3, "S", "node1 eth0 out node1:40001>pod:8080", seq=7)
    assert reconstruct(other, FLOW).paths == ()


def test_nothing_seen_gives_a_connection_without_attempts():
    joined = reconstruct([], FLOW)
    assert (joined.attempts, joined.paths, joined.symmetric()) == ((), (), False)
