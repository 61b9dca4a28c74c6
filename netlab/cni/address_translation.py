"""Which rules of address translation the topology asks for, host by host.

They are the CNI's on nodes, and the cloud's on the router; kube-proxy has nothing to do with them.
"""

from typing import Final

from netlab.cni.cloud import INTERNET0
from netlab.cni.masquerade import MASQ_AGENT, external_ip_ruleset, masquerade_ruleset
from netlab.model.addresses import router_address
from netlab.model.names import ROUTER, NetnsFamily, host_netns
from netlab.model.topology import Topology
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.ruleset_owner import RulesetOwner

IP_MASQ_AGENT: Final = RulesetOwner(chains=(MASQ_AGENT,), appends=True)
"""ip-masq-agent appends its jump, so that kube-proxy's rules come first."""
CLOUD: Final = RulesetOwner(chains=("NETLAB-EXTERNAL-",))


def masquerade_rules(lab: str, topology: Topology) -> dict[NetnsFamily, Ruleset]:
    """Return the rules by which the pods of each node speak to the world."""
    rules = {}
    for family, networks in zip(topology.families, topology.networks, strict=True):
        inside = (networks.pods, networks.nodes, networks.services)
        router = router_address(networks.nodes)
        ruleset = masquerade_ruleset(inside, family, outside=[router])
        for node in topology.nodes:
            rules[NetnsFamily(host_netns(lab, node.name), family)] = ruleset
    return rules


def cloud_rules(lab: str, topology: Topology) -> dict[NetnsFamily, Ruleset]:
    """Return the rules by which the router gives nodes their ExternalIPs."""
    pairs = [
        pair
        for node in topology.nodes
        for pair in zip(node.external_ips, node.addresses, strict=True)
    ]
    router = host_netns(lab, ROUTER)
    return {
        NetnsFamily(router, family): external_ip_ruleset(pairs, INTERNET0, family)
        for family in topology.families
    }
