"""The deciding rule out of the ways predicted."""

from dataclasses import replace
from fractions import Fraction
from ipaddress import ip_address, ip_network

import pytest

from netlab.model.packets import AddrPort, Nat
from netlab.netfilter.iptables.matches import Comment, Destination, Statistic
from netlab.netfilter.iptables.rules import Rule, rule
from netlab.netfilter.iptables.targets import Dnat, Drop, Jump, Reject
from netlab.netfilter.nftables.parse_rule import parse_rule
from netlab.netfilter.nftables.walk import TableRule
from netlab.netfilter.verdicts import Hit
from netlab.trace.decision import Decision, decision_of
from netlab.trace.predicted_path import End, PredictedPath, PredictedRewrite, PredictedVisit

HALF = Fraction(1, 2)
NODE = AddrPort(ip_address("10.240.0.4"), 30080)
CLIENT = AddrPort(ip_address("198.51.100.79"), 32768)


def pod(number: int) -> AddrPort:
    return AddrPort(ip_address(f"10.244.1.{number}"), 8080)


def picking(number: int) -> Rule:
    return rule(
        "KUBE-SVC-A", Comment(f"default/web -> {pod(number)}"), target=Jump(f"KUBE-SEP-{number}")
    )


def to_pod(number: int, chance: Fraction = Fraction(1)) -> PredictedPath:
    """Return a way through node2's rules to a pod on node1, with both rewrites at node2."""
    endpoint = rule(f"KUBE-SEP-{number}", target=Dnat(*pod(number)))
    begin = rule("PREROUTING", target=Jump("KUBE-SERVICES"))
    node2 = PredictedVisit(
        host="node2",
        hits=tuple(Hit("nat", one) for one in (begin, picking(number), endpoint)),
        rewrites=(
            PredictedRewrite(kind=Nat.DNAT, before=NODE, after=pod(number)),
            PredictedRewrite(kind=Nat.SNAT, before=CLIENT, after=AddrPort(NODE.address, 0)),
        ),
    )
    visits = (PredictedVisit(host="client"), node2, PredictedVisit(host=f"web-{number}"))
    return PredictedPath(chance=chance, visits=visits, end=End.DELIVERED, destination=pod(number))


def ended(end: End, *rules: Rule) -> PredictedPath:
    hits = tuple(Hit("filter", one) for one in rules)
    visits = (PredictedVisit(host="client"), PredictedVisit(host="node2", hits=hits))
    return PredictedPath(chance=Fraction(1), visits=visits, end=end, destination=NODE)


def test_the_rule_that_leads_to_the_only_endpoint_decides():
    found = decision_of([to_pod(2)])

    assert found is not None
    assert (found.host, found.rule) == ("node2", str(picking(2)))
    assert found.chains == ("KUBE-SVC-A", "KUBE-SEP-2")
    assert found.snat_at == "node2"
    assert found.words() == 'KUBE-SVC-A → KUBE-SEP-2 "default/web -> 10.244.1.2:8080"'


def test_of_several_endpoints_the_balancing_chain_decides_and_each_has_its_chance():
    found = decision_of([to_pod(2, Fraction(1, 3)), to_pod(3, Fraction(2, 3))])

    assert found is not None
    assert found.endpoints == ((pod(2), Fraction(1, 3)), (pod(3), Fraction(2, 3)))
    assert (found.chains, found.rule) == (("KUBE-SVC-A",), "")
    assert found.words() == 'KUBE-SVC-A → 2 endpoints by chance "default/web"'


def test_a_rule_that_drops_or_refuses_decides():
    drop = rule("KUBE-EXTERNAL-SERVICES", Comment("web has no local endpoints"), target=Drop())
    reject = rule("KUBE-SERVICES", Comment("web has no endpoints"), target=Reject())
    first = rule("INPUT", target=Jump("KUBE-EXTERNAL-SERVICES"))

    dropped = decision_of([ended(End.DROPPED, first, drop)])
    refused = decision_of([ended(End.REJECTED, first, reject)])

    assert dropped is not None
    assert refused is not None
    assert (dropped.rule, dropped.host) == (str(drop), "node2")
    assert dropped.words() == 'KUBE-EXTERNAL-SERVICES DROP "web has no local endpoints"'
    assert refused.words() == 'KUBE-SERVICES REJECT "web has no endpoints"'


EXTERNAL = TableRule("external-A", parse_rule("goto service-A"), leads_to="service-A")
LOOKS_UP = "ip daddr . meta l4proto . th dport vmap"
NUMGEN = "numgen random mod 2 vmap { 0 : goto endpoint-2, 1 : goto endpoint-3 }"


def by_table(number: int, chance: Fraction) -> PredictedPath:
    """Return a way to a pod through kube-proxy's nftables table on node2."""
    endpoint = f"endpoint-{number}"
    rules = (
        TableRule("services", parse_rule(f"{LOOKS_UP} @service-nodeports"), leads_to="external-A"),
        EXTERNAL,
        TableRule("service-A", parse_rule(NUMGEN), leads_to=endpoint),
        TableRule("mark-for-masquerade", parse_rule("mark set mark or 0x4000")),
        TableRule(endpoint, parse_rule(f"meta l4proto tcp dnat to {pod(number)}")),
    )
    way = to_pod(number, chance)
    node2 = replace(way.visits[1], hits=tuple(Hit("kube-proxy", rule) for rule in rules))
    return replace(way, visits=(way.visits[0], node2, way.visits[2]))


def test_in_nftables_mode_one_rule_leads_to_every_endpoint():
    one = decision_of([by_table(2, Fraction(1))])
    two = decision_of([by_table(2, HALF), by_table(3, HALF)])

    assert one is not None
    assert two is not None
    assert (one.chains, one.rule) == (("service-A", "endpoint-2"), f"service-A {NUMGEN}")
    assert one.words() == "service-A → endpoint-2"
    assert (two.chains, two.rule, two.snat_at) == (("service-A",), "", "node2")
    assert two.words() == "service-A → 2 endpoints by chance"


def test_in_nftables_mode_the_map_decides_that_sends_to_the_chain_of_refusals():
    looked_up = TableRule(
        "service-endpoints-check",
        parse_rule(f"{LOOKS_UP} @no-endpoint-services"),
        comment="default/empty",
        leads_to="reject-chain",
    )
    hits = (
        Hit("kube-proxy", looked_up),
        Hit("kube-proxy", TableRule("reject-chain", parse_rule("reject"))),
    )
    way = ended(End.REJECTED)
    node2 = replace(way.visits[1], hits=hits)

    found = decision_of([replace(way, visits=(way.visits[0], node2))])

    assert found is not None
    assert found.words() == 'service-endpoints-check REJECT "default/empty"'


def test_without_a_rule_the_routes_decide():
    unrouted, lost = (decision_of([ended(end)]) for end in (End.UNROUTED, End.LOST))
    plain = decision_of([ended(End.DELIVERED)])

    assert [d.words() for d in (unrouted, lost, plain) if d] == [
        "no route", "no host has the address", "no rule: the routes lead there"
    ]  # fmt: skip
    assert decision_of([]) is None


def test_a_dnat_without_a_balancing_chain_decides_itself():
    matches = (Destination(ip_network("192.0.2.4/32")), Statistic(0.5))
    own = rule("PREROUTING", *matches, target=Dnat(*pod(2)))
    way = to_pod(2)
    node2 = PredictedVisit(
        host="router", hits=(Hit("nat", own),), rewrites=way.visits[1].rewrites[:1]
    )
    found = decision_of(
        [PredictedPath(chance=Fraction(1), visits=(node2,), end=End.DELIVERED, destination=pod(2))]
    )

    assert found is not None
    assert (found.host, found.chains, found.snat_at) == ("router", ("PREROUTING",), "")


def test_one_way_may_stand_for_all_endpoints_of_its_chain():
    alike = tuple((pod(number), Fraction(1, 9)) for number in range(2, 11))
    found = decision_of([replace(to_pod(2), alike=alike)])

    assert found is not None
    assert found.words() == 'KUBE-SVC-A → 9 endpoints by chance "default/web"'
    assert (found.rule, found.host, found.snat_at) == ("", "node2", "node2")


NODES = {pod(2).address: "node1", pod(3).address: "node2", CLIENT.address: "client"}


@pytest.mark.parametrize(
    ("on_the_way", "snat_at", "bypass"),
    [
        pytest.param({"web-9", "node3"}, "", HALF, id="a pod elsewhere: past node2 from node1"),
        pytest.param({"web-9", "node2"}, "", 0, id="a pod on the node itself"),
        pytest.param({"node2"}, "", 0, id="the node itself"),
        pytest.param({"client"}, "node2", 0, id="the node has made itself the source"),
        pytest.param({"web-9", "node3"}, "node3", HALF, id="another has made itself the source"),
    ],
)
def test_a_reply_goes_astray_that_passes_the_node_by(
    on_the_way: set[str], snat_at: str, bypass: Fraction
):
    found = Decision(
        host="node2",
        end=End.DELIVERED,
        chains=("KUBE-SVC-A",),
        comment="default/web",
        endpoints=((pod(2), HALF), (pod(3), HALF)),
        snat_at=snat_at,
    ).with_bypass(on_the_way, NODES)

    assert found.bypass == bypass
    said = "; 1/2 of the replies will bypass node2, the only host that can undo the DNAT"
    assert found.words().endswith(said) == bool(bypass)
