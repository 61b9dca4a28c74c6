"""Address translation outside kube-proxy: pods to the world, and nodes' ExternalIPs.

Source: kubernetes-sigs/ip-masq-agent, ``cmd/ip-masq-agent/ip-masq-agent.go``, for the chain and
comments of a node's masquerading; Kubernetes' "IP Masquerade Agent User Guide" for what it means.
"""

from collections.abc import Sequence
from ipaddress import ip_network

from netlab.model.addresses import Address, Family, Network, host_network
from netlab.netfilter.iptables.matches import (
    AddrType,
    Comment,
    Destination,
    OutInterface,
    Side,
    Source,
)
from netlab.netfilter.iptables.rules import Chain, Ruleset, Table, rule
from netlab.netfilter.iptables.targets import Dnat, Jump, Masquerade, Return, Snat

MASQ_AGENT = "IP-MASQ-AGENT"
"""A chain that is there on every node."""
_DNAT_CHAIN = "NETLAB-EXTERNAL-DNAT"
_SNAT_CHAIN = "NETLAB-EXTERNAL-SNAT"


def masquerade_ruleset(
    non_masquerade: Sequence[Network],
    family: Family = Family.IPV4,
    *,
    outside: Sequence[Address] = (),
) -> Ruleset:
    """Return the rules by which a node's pods speak to the world with the node's address.

    A packet of the node's own has that address already, so the rules change nothing for it.

    Args:
        non_masquerade: Destinations that see the pod's own address, in order; networks of the
            other family are left out.
        family: The address family of the ruleset.
        outside: Addresses within those that are outside all the same: the router's, which knows the
            way to nodes and to no pod.
    """
    hook = rule(
        "POSTROUTING",
        Comment(
            "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic"
            f" to our custom {MASQ_AGENT} chain"
        ),
        AddrType(Side.DESTINATION, inverted=True),
        target=Jump(MASQ_AGENT),
    )
    to_router = [
        rule(
            MASQ_AGENT,
            Comment("netlab: the cloud's router is outside of the cluster"),
            Destination(host_network(address)),
            target=Masquerade(),
        )
        for address in outside
        if family.holds(address)
    ]
    local = Comment("ip-masq-agent: local traffic is not subject to MASQUERADE")
    kept = [
        rule(MASQ_AGENT, local, Destination(network), target=Return())
        for network in non_masquerade
        if family.holds(network)
    ]
    outbound = rule(
        MASQ_AGENT,
        Comment("ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)"),
        target=Masquerade(),
    )
    chains = (
        Chain("POSTROUTING", (hook,), policy="ACCEPT"),
        Chain(MASQ_AGENT, (*to_router, *kept, outbound)),
    )
    return Ruleset(family, (Table("nat", chains),))


def external_ip_ruleset(
    pairs: Sequence[tuple[Address, Address]], internet: str, family: Family = Family.IPV4
) -> Ruleset:
    """Return the rules by which the router gives nodes an ExternalIP, 1:1.

    Packets for the ExternalIP go to the node, from wherever they come; what the node sends to the
    internet has the ExternalIP as its source.

    Args:
        pairs: ExternalIP and InternalIP of each node; pairs of the other family are left out.
        internet: The router's interface towards the clients.
        family: The address family of the ruleset.
    """
    own = [pair for pair in pairs if family.holds(pair[0])]
    dnat = [
        rule(_DNAT_CHAIN, Destination(ip_network(external)), target=Dnat(internal))
        for external, internal in own
    ]
    snat = [
        rule(
            _SNAT_CHAIN,
            Source(ip_network(internal)),
            OutInterface(internet),
            target=Snat(external),
        )
        for external, internal in own
    ]
    comment = Comment("netlab: ExternalIPs of nodes")
    chains = (
        Chain("PREROUTING", (rule("PREROUTING", comment, target=Jump(_DNAT_CHAIN)),), "ACCEPT"),
        Chain("POSTROUTING", (rule("POSTROUTING", comment, target=Jump(_SNAT_CHAIN)),), "ACCEPT"),
        Chain(_DNAT_CHAIN, tuple(dnat)),
        Chain(_SNAT_CHAIN, tuple(snat)),
    )
    return Ruleset(family, (Table("nat", chains),))
