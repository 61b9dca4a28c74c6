"""Where a table is not what it was meant to be."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from netlab.netfilter.iptables.differences import Side
from netlab.netfilter.nftables.differences import table_differences
from netlab.netfilter.nftables.parse_rule import parse_rule
from netlab.netfilter.nftables.table import Chain, Element, Table

Lay = Callable[..., Table]
WEB = {"name": "web", "clusterIP": "10.0.0.80"}


def found(want: Table | None, have: Table | None) -> list[tuple[str, Side, str]]:
    return [(one.chain, one.only, one.text) for one in table_differences(want, have)]


def test_order_of_chains_and_members_is_of_no_account(lay: Lay):
    table = lay(WEB, {"name": "idle", "clusterIP": "10.0.0.81"})
    sets = tuple(replace(one, elements=one.elements[::-1]) for one in table.sets[::-1])
    assert found(table, replace(table, chains=table.chains[::-1], sets=sets)) == []


def test_order_of_rules_is(lay: Lay):
    table = lay(WEB)
    turned = [
        replace(chain, rules=chain.rules[::-1]) if chain.name == "services" else chain
        for chain in table.chains
    ]
    both = [only for _, only, _ in found(table, replace(table, chains=tuple(turned)))]
    assert sorted(both) == [Side.KERNEL, Side.WANTED]


def test_a_rule_and_a_member_that_are_too_many_are_the_kernels(lay: Lay):
    table = lay(WEB)
    chains = (*table.chains, Chain(name="mine", rules=(parse_rule("drop", "why"),)))
    cluster_ips = table.sets[0]
    more = replace(cluster_ips, elements=(*cluster_ips.elements, Element(key="10.0.0.99")))
    spoilt = replace(table, chains=chains, sets=(more, *table.sets[1:]))
    assert [one.kind for one in table_differences(table, spoilt)] == ["chain", "chain", "set"]
    assert found(table, spoilt) == [
        ("mine", Side.KERNEL, "chain mine"),
        ("mine", Side.KERNEL, 'drop comment "why"'),
        ("cluster-ips", Side.KERNEL, "10.0.0.99"),
    ]


def test_a_base_chain_that_drops_at_its_end_is_another(lay: Lay):
    table = lay(WEB)
    first = table.chains[0]
    assert first.hook
    strict = replace(first, hook=replace(first.hook, policy="drop"))
    lines = found(table, replace(table, chains=(strict, *table.chains[1:])))
    assert [(only, text.rpartition("policy ")[2]) for _, only, text in lines] == [
        (Side.WANTED, "accept ; }"),
        (Side.KERNEL, "drop ; }"),
    ]


def test_a_table_that_is_not_there_lacks_everything(lay: Lay):
    table = lay(WEB)
    lines = found(table, None)
    assert {only for _, only, _ in lines} == {Side.WANTED}
    assert {name for name, _, _ in lines} == {one.name for one in (*table.chains, *table.sets)}
    assert {only for _, only, _ in found(None, table)} == {Side.KERNEL}
    assert found(None, None) == []


@pytest.mark.parametrize(
    ("words", "normal"),
    [
        pytest.param(
            "ip saddr != { 10.0.0.9/32 } drop", "ip saddr != 10.0.0.9 drop", id="a single address"
        ),
        pytest.param(
            "ip saddr != { 10.0.0.0-10.0.1.127 } drop",
            "ip saddr != { 10.0.0.0/24, 10.0.1.0/25 } drop",
            id="a range, as nft lists neighbours",
        ),
        pytest.param(
            "ip daddr { 10.0.0.0/16 } drop", "ip daddr 10.0.0.0/16 drop", id="the Services' network"
        ),
        pytest.param("ip saddr != @mine drop", "ip saddr != @mine drop", id="somebody's own set"),
    ],
)
def test_addresses_are_spelled_one_way(words: str, normal: str):
    assert parse_rule(words).canonical().words == normal
