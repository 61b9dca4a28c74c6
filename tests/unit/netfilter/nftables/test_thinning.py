"""Choices among many endpoints, made small."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from ipaddress import ip_address

from netlab.netfilter.iptables.targets import Dnat
from netlab.netfilter.nftables.table import Rule, Table
from netlab.netfilter.nftables.thinning import thin_table

Lay = Callable[..., Table]

PODS = [(f"10.244.2.{number}", "node2") for number in range(2, 9)]


def test_the_first_endpoint_stands_for_many(lay: Lay):
    table = lay({}, pods=PODS)

    thinned = thin_table(table, 6)

    [(name, found)] = thinned.endpoints.items()
    assert name.startswith("service-")
    assert found == tuple((Dnat(ip_address(pod), 8080), Fraction(1, 7)) for pod, _ in PODS)
    [last] = [chain.rules[-1].words for chain in thinned.table.chains if chain.name == name]
    assert last.startswith("numgen random mod 1 vmap { 0 : goto endpoint-")
    assert "10.244.2.2/8080 }" in last


def test_few_endpoints_stay_as_they_are(lay: Lay):
    table = lay({}, pods=PODS)

    assert thin_table(table, 7).table == table
    assert thin_table(table, 7).endpoints == {}


def test_a_chain_that_somebody_else_has_changed_stays_as_it_is(lay: Lay):
    table = lay({}, pods=PODS)
    by_hand = Rule(words="meta length > 9")
    endpoints = [chain for chain in table.chains if chain.name.startswith("endpoint-")]
    others = [chain for chain in table.chains if chain not in endpoints]
    changed = [replace(chain, rules=(*chain.rules, by_hand)) for chain in endpoints]
    table = replace(table, chains=(*others, *changed))

    assert thin_table(table, 2).table == table
