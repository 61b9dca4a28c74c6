from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from netlab.loadbalancer.nexthops import spread
from netlab.model.addresses import Address

NODES = [ip_address(f"10.240.0.{number}") for number in range(3, 23)]


def shares(nodes: list[Address], healthy: set[Address]) -> list[Address]:
    """Return who gets each of 27,720 equal parts of all hashes, as the kernel gives them out."""
    ways = spread(nodes, healthy)
    whole = sum(way.weight for way in ways) or 1
    assert 27_720 % whole == 0
    return [way.gateway for way in ways for _ in range(27_720 // whole * way.weight)]


def test_healthy_nodes_have_equal_shares():
    assert [(way.gateway, way.weight) for way in spread(NODES[:3], NODES[:3])] == [
        (node, 1) for node in NODES[:3]
    ]
    one, two, three, four = NODES[:4]
    ways = spread([one, two, three, four], [one, two, four])
    weights = {node: sum(w.weight for w in ways if w.gateway == node) for node in NODES[:4]}
    assert weights == {one: 8, two: 8, three: 0, four: 8}


def test_without_a_healthy_node_there_is_no_way():
    assert spread(NODES[:3], ()) == ()
    assert spread((), ()) == ()


@given(count=st.integers(1, 6), data=st.data())
def test_a_node_that_leaves_or_comes_moves_no_connection_between_others(
    count: int, data: st.DataObject
):
    nodes = NODES[:count]
    healthy = set(data.draw(st.sets(st.sampled_from(nodes))))
    other = data.draw(st.sampled_from(nodes))
    before, after = shares(nodes, healthy), shares(nodes, healthy ^ {other})
    if not before or not after:
        return
    untouched = healthy - {other}
    # Who is dealt the slots of unhealthy nodes may change; who owns a slot and is well keeps it.
    each = 27_720 // count
    for place, node in enumerate(nodes):
        if node in untouched:
            own = slice(place * each, (place + 1) * each)
            assert set(before[own]) == set(after[own]) == {node}


def test_ipv6_names_each_gateway_once():
    nodes = [ip_address(f"fd00:10:240::{number}") for number in (3, 4, 5)]
    ways = spread(nodes, [nodes[0], nodes[2]])
    assert [(way.gateway, way.weight) for way in ways] == [(nodes[0], 1), (nodes[2], 1)]


def test_a_large_lab_has_no_more_ways_than_a_message_holds():
    nodes = [ip_address(int(NODES[0]) + number) for number in range(100)]
    ways = spread(nodes, nodes[::2])
    assert len(ways) <= 256
    assert all(1 <= way.weight <= 256 for way in ways)
