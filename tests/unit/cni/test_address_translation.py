"""Rules of address translation, host by host."""

from netlab.cni.address_translation import (
    CLOUD,
    IP_MASQ_AGENT,
    cloud_rules,
    masquerade_rules,
)
from netlab.model.addresses import Family
from netlab.model.names import NetnsFamily, NetnsName
from netlab.netfilter.iptables.render import render
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.ruleset_owner import RulesetOwner
from tests.unit.topology_samples import topology_of

TOPOLOGY = topology_of("{nodes: 2, ipFamilies: [IPv4, IPv6]}")


def key(host: str, family: Family) -> NetnsFamily:
    return NetnsFamily(NetnsName(f"netlab-x-{host}"), family)


def test_each_node_masquerades_what_leaves_the_cluster():
    rules = masquerade_rules("x", TOPOLOGY)
    assert rules.keys() == {key(host, one) for host in ("node1", "node2") for one in Family}
    text = render(rules[key("node1", Family.IPV6)])
    assert "-d fd00:10:244::/48" in text
    assert "-s 10." not in text


def test_the_router_gives_nodes_their_external_addresses():
    rules = cloud_rules("x", TOPOLOGY)
    assert rules.keys() == {key("router", one) for one in Family}
    text = render(rules[key("router", Family.IPV4)])
    assert "-d 192.0.2.3/32 -j DNAT --to-destination 10.240.0.3" in text


def own_chains(rules: dict[NetnsFamily, Ruleset]) -> set[str]:
    return {
        chain.name
        for ruleset in rules.values()
        for table in ruleset.tables
        for chain in table.chains
        if chain.policy is None
    }


def test_owners_are_known_by_the_names_of_their_chains():
    def owns(owner: RulesetOwner, chain: str) -> bool:
        return chain.startswith(owner.chains)

    masquerade, cloud = masquerade_rules("x", TOPOLOGY), cloud_rules("x", TOPOLOGY)
    assert all(owns(IP_MASQ_AGENT, chain) for chain in own_chains(masquerade))
    assert all(owns(CLOUD, chain) for chain in own_chains(cloud))
    assert not any(owns(CLOUD, chain) for chain in own_chains(masquerade))
