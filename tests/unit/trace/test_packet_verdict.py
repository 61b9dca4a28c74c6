"""The end of one packet."""

import pytest

from netlab.model.packets import AddressPair, Direction
from netlab.trace.connection_tuples import ConnectionTuples
from netlab.trace.packet import Point, Result, RuleHit, Visit
from netlab.trace.packet_verdict import packet_verdict, rule_name
from netlab.trace.paths import Hop
from tests.unit.trace_samples import BEHIND, HOSTS, SOCKET, pair


def visit(
    host: str, direction: str, ends: AddressPair = BEHIND, *steps: object, stopped_at: str = ""
) -> Visit:
    hop = Hop(time_ns=1, host=host, ifname="eth0", direction=Direction(direction), pair=ends)
    return Visit(host=host, hops=(hop,), steps=steps, stopped_at=stopped_at)


def point(name: str) -> Point:
    return Point(name=name, ifname_in="", ifname_out="", mark=0)


@pytest.mark.parametrize(
    ("last", "result"),
    [
        pytest.param(visit("web", "in"), Result.DELIVERED, id="its own address, no rule trace"),
        pytest.param(visit("web", "in", SOCKET), Result.LOST, id="another's address"),
        pytest.param(visit("node2", "in", SOCKET), Result.LOST, id="a node without a rule trace"),
        pytest.param(
            visit("node2", "in", SOCKET, point("in_last")), Result.DELIVERED, id="past INPUT"
        ),
        pytest.param(visit("node2", "out"), Result.LOST, id="out and nowhere after"),
        pytest.param(
            visit("node2", "in", SOCKET, point("pre_dnat"), stopped_at="pre_dnat"),
            Result.LOST,
            id="between two points",
        ),
    ],
)
def test_a_packet_ends_where_it_was_seen_last(last: Visit, result: Result):
    assert packet_verdict([last], HOSTS).result is result


def test_a_policy_that_drops_is_called_one():
    policy = RuleHit(table="filter", chain="FORWARD", verdict="DROP")

    verdict = packet_verdict([visit("node2", "in", SOCKET, policy)], HOSTS)

    assert verdict.words == "dropped on node2 by the policy of filter FORWARD"
    assert rule_name(RuleHit(table="nat", chain="A", index=3)) == "nat A #3"


def test_another_connection_is_not_in_the_family():
    family = ConnectionTuples(SOCKET, [[SOCKET, BEHIND]], [])

    assert family.way_of([BEHIND]) == "request"
    assert family.way_of([BEHIND.reversed()]) == "reply"
    assert family.way_of([pair("client:1>web:1")]) is None
