"""A connection's first packet, predicted through every namespace."""

from dataclasses import replace
from fractions import Fraction

import pytest

from netlab.errors import SpecError
from netlab.model.packets import Nat
from netlab.sources.routes import RouteAnswer, RouteQuestion
from netlab.trace.predict_path import MAX_VISITS, predict_path
from netlab.trace.predicted_path import End, PredictedPath
from tests.unit.predicted_samples import NODE_RULES, call, make_surroundings

CLIENT = "198.51.100.79:40000"


def ways(caller: str, source: str, destination: str, protocol: str = "tcp") -> list[PredictedPath]:
    return list(predict_path(make_surroundings(), caller, call(source, destination), protocol))


def hosts(way: PredictedPath) -> list[str]:
    return [visit.host for visit in way.visits]


def changes(way: PredictedPath) -> list[tuple[str, Nat, str, str]]:
    return [
        (visit.host, one.kind, str(one.before), str(one.after))
        for visit in way.visits
        for one in visit.rewrites
    ]


def test_a_die_makes_two_ways_and_each_is_followed_to_its_pod():
    far, near = sorted(ways("client", CLIENT, "10.240.0.4:30080"), key=lambda way: way.host)

    assert (far.chance, near.chance) == (Fraction(1, 2), Fraction(1, 2))
    assert hosts(far) == ["client", "router", "node2", "router", "node1", "web-1"]
    assert hosts(near) == ["client", "router", "node2", "web-2"]
    assert changes(far) == [
        ("node2", Nat.DNAT, "10.240.0.4:30080", "10.244.1.2:8080"),
        ("node2", Nat.SNAT, CLIENT, "10.240.0.4:0"),
    ]
    # SNAT takes the address of the interface that the packet leaves by.
    assert changes(near)[1] == ("node2", Nat.SNAT, CLIENT, "10.244.2.1:0")
    assert far.words() == "delivered to web-1"


def test_rules_are_told_by_chain_and_number_in_the_order_of_the_packet():
    [_, _, node, *_] = ways("client", CLIENT, "10.240.0.4:30080")[0].visits

    assert [(hit.rule.chain, hit.index) for hit in node.hits][:3] == [
        ("PREROUTING", 1),
        ("KUBE-NODEPORTS", 1),
        ("KUBE-MARK-MASQ", 1),
    ]
    assert node.hits[-1].rule.chain == "POSTROUTING"


def test_the_router_is_passed_below_its_rules_between_two_nodes():
    visits = ways("client", CLIENT, "10.240.0.4:30080")[0].visits

    bridged = [visit.is_bridged for visit in visits if visit.host == "router"]
    assert bridged == [False, True]


def test_a_router_that_translates_is_walked_with_its_interfaces():
    way = ways("client", CLIENT, "192.0.2.4:30080")[0]

    assert changes(way)[:2] == [
        ("router", Nat.DNAT, "192.0.2.4:30080", "10.240.0.4:30080"),
        ("node2", Nat.DNAT, "10.240.0.4:30080", changes(way)[1][3]),
    ]
    [out] = ways("node2", "10.240.0.4:40000", "198.51.100.79:80")
    assert changes(out) == [("router", Nat.SNAT, "10.240.0.4:40000", "192.0.2.4:40000")]
    assert hosts(out) == ["node2", "router", "client"]


@pytest.mark.parametrize(
    ("destination", "end", "words"),
    [
        pytest.param(
            "10.240.0.4:30081", End.DROPPED, "dropped on node2 by filter INPUT #1", id="dropped"
        ),
        pytest.param(
            "10.240.0.4:30082", End.REJECTED, "rejected on node2 by filter INPUT #2", id="rejected"
        ),
        pytest.param("10.240.0.4:9", End.DELIVERED, "delivered to node2", id="its own"),
        pytest.param(
            "10.0.0.80:80", End.UNROUTED, "dropped on router: no route to 10.0.0.80", id="no route"
        ),
        pytest.param(
            "10.240.0.77:80", End.LOST, "lost behind router: no host has 10.240.0.77", id="nobody"
        ),
    ],
)
def test_each_end_is_predicted_and_said(destination: str, end: End, words: str):
    [way] = ways("client", CLIENT, destination)

    assert (way.end, way.words()) == (end, words)


def test_a_caller_without_a_route_sends_nothing():
    [way] = ways("router", "10.240.0.1:40000", "10.0.0.80:80")

    assert (way.end, way.words()) == (End.UNSENT, "router sends nothing: no route to 10.0.0.80")
    assert hosts(way) == ["router"]


def test_a_node_that_calls_itself_goes_through_output_and_straight_out():
    way = next(
        w for w in ways("node2", "10.240.0.4:40000", "10.240.0.4:30080") if w.host == "web-1"
    )

    assert hosts(way) == ["node2", "router", "node1", "web-1"]
    assert way.visits[0].hits[0].rule.chain == "OUTPUT"


def test_a_ping_meets_no_rule_of_a_port():
    [way] = ways("client", "198.51.100.79:0", "10.240.0.4:0", "icmp")

    assert (way.end, changes(way)) == (End.DELIVERED, [])


def test_routes_that_lead_in_a_circle_come_to_an_end():
    context = make_surroundings()

    def back_to_node2(question: RouteQuestion) -> RouteAnswer:
        if question.host == "router":
            return RouteAnswer(route="default", via="10.240.0.4", ifname="cloud0")
        return context.ask(question)

    pair = call("10.240.0.3:40000", "10.244.2.9:80")
    [way] = predict_path(replace(context, ask=back_to_node2), "node1", pair, "tcp")

    assert way.end is End.LOST
    assert len(way.visits) >= MAX_VISITS


def test_a_rule_that_cannot_be_predicted_is_refused():
    rules = NODE_RULES.replace("-p tcp -m tcp --dport 30081", "-m time --timestart 12:00")

    with pytest.raises(SpecError, match="time"):
        list(predict_path(make_surroundings(rules), "client", call(CLIENT, "10.240.0.4:9"), "tcp"))
