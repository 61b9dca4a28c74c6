"""Laws of the joiner: order does not matter, and connections do not mix."""

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from netlab.model.packets import AddressPair, AddrPort, Direction
from netlab.sources.observations import Observation
from netlab.sources.packet_key import PacketKey
from netlab.trace.paths import Fate, Flow
from netlab.trace.reconstruct import reconstruct

CLIENT, NODE, POD = (IPv4Address(a) for a in ("198.51.100.79", "10.240.0.4", "10.244.1.2"))
NODE_PORT = 31704

PORTS = st.integers(1024, 65535)


def observations(client_port: int, node_port: int, start: int, step: int) -> list[Observation]:
    """Return the handshake of a client with a pod through a node that rewrites both ends."""
    outside = AddressPair(AddrPort(CLIENT, client_port), AddrPort(NODE, NODE_PORT))
    inside = AddressPair(AddrPort(NODE, node_port), AddrPort(POD, 8080))
    places = [
        ("client", "eth0", Direction.OUT, outside),
        ("router", "p-client", Direction.IN, outside),
        ("router", "p-node2", Direction.OUT, outside),
        ("node2", "eth0", Direction.IN, outside),
        ("node2", "veth-web", Direction.OUT, inside),
        ("web", "eth0", Direction.IN, inside),
    ]
    opposite = {Direction.IN: Direction.OUT, Direction.OUT: Direction.IN}
    back = [(h, i, opposite[d], pair.reversed()) for h, i, d, pair in reversed(places)]
    syn = PacketKey("tcp", client_port, 0, (client_port, 0, 2))
    syn_ack = PacketKey("tcp", 0, 0, (7, client_port + 1, 18))
    return [
        Observation(
            time_ns=start + index * step,
            host=host,
            ifname=ifname,
            direction=direction,
            pair=pair,
            key=key,
            flags="S" if key is syn else "SA",
            sequence=key.detail[0],
            acknowledgement=key.detail[1],
        )
        for index, (key, (host, ifname, direction, pair)) in enumerate(
            [*((syn, place) for place in places), *((syn_ack, place) for place in back)]
        )
    ]


def flow(client_port: int) -> Flow:
    pair = AddressPair(AddrPort(CLIENT, client_port), AddrPort(NODE, NODE_PORT))
    return Flow(host="client", pair=pair)


@given(st.permutations(observations(40000, 5000, 0, 100)))
def test_the_order_of_sightings_does_not_matter(shuffled: list[Observation]):
    assert reconstruct(shuffled, flow(40000)) == reconstruct(
        observations(40000, 5000, 0, 100), flow(40000)
    )


@given(
    shuffled=st.permutations(observations(40000, 5000, 0, 100)),
    jitter=st.lists(st.integers(0, 99), min_size=12, max_size=12),
)
def test_times_may_be_off_by_less_than_the_gap_between_two_hops(
    shuffled: list[Observation], jitter: list[int]
):
    by_time = sorted(shuffled, key=lambda seen: seen.time_ns)
    late = {seen.time_ns: seen.time_ns + off for seen, off in zip(by_time, jitter, strict=True)}
    moved = [_at(seen, late[seen.time_ns]) for seen in shuffled]
    [attempt] = reconstruct(moved, flow(40000)).attempts
    assert [hop.ifname for hop in attempt.request.hops] == [seen.ifname for seen in by_time[:6]]
    assert attempt.fate is Fate.ANSWERED


def _at(seen: Observation, time_ns: int) -> Observation:
    return Observation(
        time_ns=time_ns,
        host=seen.host,
        ifname=seen.ifname,
        direction=seen.direction,
        pair=seen.pair,
        key=seen.key,
        flags=seen.flags,
        sequence=seen.sequence,
        acknowledgement=seen.acknowledgement,
    )


@given(
    ports=st.lists(st.tuples(PORTS, PORTS), min_size=2, max_size=5, unique_by=(lambda p: p[0],
                   lambda p: p[1])),
    draws=st.data(),
)  # fmt: skip
def test_equal_requests_in_parallel_do_not_mix(ports: list[tuple[int, int]], draws: st.DataObject):
    every = [
        seen
        for number, (client_port, node_port) in enumerate(ports)
        for seen in observations(client_port, node_port, number, 100)
    ]
    shuffled = draws.draw(st.permutations(every))
    for number, (client_port, node_port) in enumerate(ports):
        alone = reconstruct(observations(client_port, node_port, number, 100), flow(client_port))
        assert reconstruct(shuffled, flow(client_port)) == alone
