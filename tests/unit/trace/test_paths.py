"""What a path says of itself."""

from ipaddress import ip_address

from netlab.model.packets import AddressPair, AddrPort, Direction, Nat
from netlab.trace.paths import Hop, Path, Way

CLIENT, SERVICE, NODE, POD = (
    AddrPort(ip_address(address), port)
    for address, port in (
        ("10.240.0.4", 40000),
        ("10.0.0.9", 80),
        ("10.240.0.4", 5),
        ("10.244.1.2", 8080),
    )
)


def hop(host: str, ifname: str, direction: Direction, source: AddrPort, to: AddrPort) -> Hop:
    pair = AddressPair(source, to)
    return Hop(time_ns=0, host=host, ifname=ifname, direction=direction, pair=pair)


REQUEST = Path(
    way=Way.REQUEST,
    flags="S",
    hops=(
        hop("node2", "eth0", Direction.OUT, NODE, POD),
        hop("node1", "eth0", Direction.IN, NODE, POD),
        hop("node1", "veth", Direction.OUT, NODE, POD),
    ),
    sent_as=AddressPair(CLIENT, SERVICE),
    taken_as=AddressPair(NODE, POD),
)

REPLY = Path(
    way=Way.REPLY,
    flags="SA",
    hops=(hop("node2", "eth0", Direction.IN, POD, NODE),),
    sent_as=AddressPair(POD, NODE),
    taken_as=AddressPair(SERVICE, CLIENT),
)


def test_a_rewrite_before_the_first_wire_is_the_sending_hosts():
    rewrites = REQUEST.rewrites_before(0)
    assert [(r.kind, r.host, r.before, r.after) for r in rewrites] == [
        (Nat.DNAT, "node2", SERVICE, POD),
        (Nat.SNAT, "node2", CLIENT, NODE),
    ]
    assert REQUEST.rewrites() == rewrites


def test_a_rewrite_after_the_last_wire_is_the_receiving_hosts():
    rewrites = REPLY.rewrites_before(1)
    assert [(r.kind, r.host, r.before, r.after) for r in rewrites] == [
        (Nat.UN_SNAT, "node2", NODE, CLIENT),
        (Nat.UN_DNAT, "node2", POD, SERVICE),
    ]


def test_visits_group_the_hops_of_one_stay():
    assert [len(visit) for visit in REQUEST.visits()] == [1, 2]
    assert REQUEST.last().ifname == "veth"
