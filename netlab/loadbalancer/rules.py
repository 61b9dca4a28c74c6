"""The rules of the load balancer's host: which packets it forwards."""

from collections.abc import Iterable
from typing import Final

from netlab.loadbalancer.balancer import Balancer
from netlab.model.addresses import Family, Network, host_network
from netlab.model.topology import LoadBalancerClass
from netlab.netfilter.iptables.matches import Comment, Destination, IpProtocol, Ports
from netlab.netfilter.iptables.rules import Chain, Ruleset, Table, rule
from netlab.netfilter.iptables.targets import Jump, Reject, Return
from netlab.netfilter.ruleset_owner import RulesetOwner

CHAIN: Final = "NETLAB-LB"
NO_SERVICE_HAS_PORT: Final = "netlab: no Service has this port"
"""What the rule says that refuses the rest."""
BALANCER: Final = RulesetOwner(chains=(CHAIN,))


def forward_ruleset(balancers: Iterable[Balancer], vips: Network, family: Family) -> Ruleset:
    """Return the rules by which only the ports of Services lead on to nodes.

    A node sends a packet that is for none of its Services on its way, which for an address of a
    load balancer leads back here; so such a packet goes no further than this.

    Args:
        balancers: All; those of the proxy kind take their packets themselves.
        vips: The network of the balancers' addresses.
        family: The address family of the ruleset.
    """
    served = [
        rule(
            CHAIN,
            Comment(f"{balancer.key}{f':{port.name}' if port.name else ''} loadbalancer IP"),
            Destination(host_network(address)),
            IpProtocol(port.protocol.lower()),
            Ports(port.protocol.lower(), port.port),
            target=Return(),
        )
        for balancer in balancers
        if balancer.kind is LoadBalancerClass.PASSTHROUGH
        for address in balancer.addresses
        if family.holds(address)
        for port in balancer.ports
    ]
    hook = rule(
        "FORWARD",
        Comment("netlab: ports of load balancers"),
        Destination(vips),
        target=Jump(CHAIN),
    )
    no_service = Comment(NO_SERVICE_HAS_PORT)
    last = rule(CHAIN, no_service, target=Reject())
    chains = (Chain("FORWARD", (hook,), policy="ACCEPT"), Chain(CHAIN, (*served, last)))
    return Ruleset(family, (Table("filter", chains),))
