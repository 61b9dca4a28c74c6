"""Packets through a table: what flows.json does not ask."""

from collections.abc import Callable
from fractions import Fraction
from ipaddress import ip_address

import pytest

from netlab.model.packets import Protocol
from netlab.netfilter.nftables.table import Table
from netlab.netfilter.nftables.walk import Walker
from netlab.netfilter.verdicts import Packet, Verdict

Lay = Callable[..., Table]

LOCAL = {ip_address("10.240.0.3"), ip_address("10.244.1.1")}
NODE, POD, CLIENT = "10.240.0.3", "10.244.1.9", "198.51.100.79"
VIP = "203.0.113.10"
BALANCED = {
    "type": "LoadBalancer",
    "ingress": [{"ip": VIP}],
    "externalTrafficPolicy": "Local",
    "ports": [{"port": 80, "targetPort": 8080, "nodePort": 31704}],
}
REMOTE = [("10.244.2.2", "node2")]


def packet(source: str, destination: str, port: int = 80, state: str = "NEW"):
    return Packet(
        source=ip_address(source),
        destination=ip_address(destination),
        protocol=Protocol.TCP,
        destination_port=port,
        is_made_here=ip_address(source) in LOCAL,
        states=frozenset({state}),
    )


def test_chances_are_even(lay: Lay):
    pods = [(f"10.244.2.{number}", "node2") for number in range(2, 9)]
    outcomes = Walker(lay({}, pods=pods), LOCAL).walk(packet(POD, "10.0.0.80"))
    assert {one.endpoint for one in outcomes} == {f"{ip}:8080" for ip, _ in pods}
    assert {one.chance for one in outcomes} == {Fraction(1, 7)}


@pytest.mark.parametrize(
    ("source", "verdict"),
    [(CLIENT, Verdict.DROP), (POD, Verdict.ENDPOINTS), (NODE, Verdict.ENDPOINTS)],
    ids=["outsider is dropped", "pod reaches other nodes", "node reaches other nodes"],
)
def test_local_policy_without_a_local_endpoint(lay: Lay, source: str, verdict: Verdict):
    walker = Walker(lay(BALANCED, pods=REMOTE), LOCAL)
    (outcome,) = walker.walk(packet(source, VIP))
    assert outcome.verdict is verdict
    assert outcome.is_masqueraded == (source == NODE)


@pytest.mark.parametrize("pods", [REMOTE, []], ids=["with an endpoint", "without endpoints"])
def test_source_ranges_drop_before_anything_else_is_asked(lay: Lay, pods: list[tuple[str, str]]):
    ranged = {**BALANCED, "loadBalancerSourceRanges": ["192.0.2.0/24"]}
    walker = Walker(lay(ranged, pods=pods), LOCAL)
    for source in (CLIENT, POD, NODE):
        (outcome,) = walker.walk(packet(source, VIP))
        assert outcome.verdict is Verdict.DROP
        assert outcome.hits[-1].rule.chain.startswith("firewall-")


def test_node_ports_know_no_source_ranges(lay: Lay):
    ranged = {**BALANCED, "loadBalancerSourceRanges": ["192.0.2.0/24"]}
    (outcome,) = Walker(lay(ranged), LOCAL).walk(packet(CLIENT, NODE, 31704))
    assert outcome.endpoint == "10.244.1.2:8080"


def test_unallocated_cluster_ips_are_dropped_where_their_network_is_known(lay: Lay):
    unknown = packet(POD, "10.0.7.7")
    (routed,) = Walker(lay({}), LOCAL).walk(unknown)
    (dropped,) = Walker(lay({}, service_cidrs=["10.0.0.0/16"]), LOCAL).walk(unknown)
    assert (routed.verdict, dropped.verdict) == (Verdict.NONE, Verdict.DROP)


def test_the_nodes_own_packet_to_a_node_port_without_endpoints_is_rejected(lay: Lay):
    walker = Walker(lay({**BALANCED, "externalTrafficPolicy": "Cluster"}, pods=[]), LOCAL)
    (outcome,) = walker.walk(packet(NODE, NODE, 31704))
    assert outcome.verdict is Verdict.REJECT


def test_later_packets_of_a_connection_are_not_asked_again(lay: Lay):
    later = packet(CLIENT, VIP, state="ESTABLISHED")
    (outcome,) = Walker(lay(BALANCED, pods=REMOTE), LOCAL).walk(later)
    assert outcome.verdict is Verdict.NONE
    assert outcome.hits == ()


def test_rules_hit_are_told_in_order(lay: Lay):
    (outcome,) = Walker(lay({}, pods=REMOTE), LOCAL).walk(packet(CLIENT, "10.0.0.80"))
    chains = [hit.rule.chain.split("-")[0] for hit in outcome.hits]
    assert chains == [
        "filter", "nat", "services", "service", "mark", "service", "endpoint",
        "filter", "filter", "nat", "masquerading", "masquerading",
    ]  # fmt: skip
    assert str(outcome.hits[1]) == "kube-proxy: nat-prerouting jump services"
