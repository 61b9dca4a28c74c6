"""Walks through choices among many endpoints, of which the first stands for all."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from ipaddress import ip_address

from netlab.model.packets import AddrPort
from netlab.netfilter.hooks import HookWalker
from netlab.netfilter.nftables.parse_rule import parse_rule
from netlab.netfilter.nftables.table import Table
from netlab.netfilter.nftables.walk import table_base_chains
from netlab.netfilter.verdicts import Outcome, Packet

Lay = Callable[..., Table]

PODS = [(f"10.244.2.{number}", "node2") for number in range(2, 9)]


def walked(table: Table, most_ways: int) -> tuple[Outcome, ...]:
    packet = Packet(
        source=ip_address("10.244.1.9"),
        destination=ip_address("10.0.0.80"),
        protocol="TCP",
        destination_port=80,
    )
    return HookWalker(table_base_chains(table, [], most_ways), []).walk(packet)


def test_the_first_endpoint_stands_for_many(lay: Lay):
    [way] = walked(lay({}, pods=PODS), 6)

    assert way.alike == tuple((AddrPort(ip_address(pod), 8080), Fraction(1, 7)) for pod, _ in PODS)
    assert (way.endpoint, way.chance) == ("10.244.2.2:8080", 1)
    last = next(hit.rule for hit in reversed(way.hits) if hit.rule.chain.startswith("service-"))
    assert last.leads_to.startswith("endpoint-")
    assert last.leads_to.endswith("10.244.2.2/8080")


def test_each_of_few_endpoints_is_a_way_of_its_own(lay: Lay):
    ways = walked(lay({}, pods=PODS), 7)

    assert [way.endpoint for way in ways] == [f"{pod}:8080" for pod, _ in PODS]
    assert {way.alike for way in ways} == {()}


def test_a_choice_that_leads_to_more_than_endpoints_is_walked_way_by_way(lay: Lay):
    table = lay({}, pods=PODS)
    by_hand = parse_rule("meta l4proto udp drop")
    endpoints = [chain for chain in table.chains if chain.name.startswith("endpoint-")]
    others = [chain for chain in table.chains if chain not in endpoints]
    changed = [replace(chain, rules=(*chain.rules, by_hand)) for chain in endpoints]
    table = replace(table, chains=(*others, *changed))

    assert len(walked(table, 2)) == 7
