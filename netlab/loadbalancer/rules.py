"""The rules of the load balancer's host: which packets it forwards."""

from collections.abc import Iterable

from netlab.loadbalancer.balancer import Balancer
from netlab.model.addresses import Family, Network, host_network
from netlab.model.topology import LoadBalancerClass
from netlab.netfilter.iptables.matches import Comment, Destination, IpProtocol, Ports
from netlab.netfilter.iptables.rules import Chain, Ruleset, Table, rule
from netlab.netfilter.iptables.targets import Jump, Reject, Return

CHAIN = "NETLAB-LB"


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
    no_service = Comment("netlab: no Service has this port")
    last = rule(CHAIN, no_service, target=Reject())
    chains = (Chain("FORWARD", (hook,), policy="ACCEPT"), Chain(CHAIN, (*served, last)))
    return Ruleset(family, (Table("filter", chains),))


def restore_text(ruleset: Ruleset) -> str:
    """Return what ``iptables-restore --noflush`` makes of whatever the host holds.

    The balancer's host has no other rules, so its built-in chains are emptied too.
    """
    lines = []
    for table in ruleset.tables:
        lines.append(f"*{table.name}")
        own = [chain for chain in table.chains if chain.policy is None]
        lines += [f":{chain.name} - [0:0]" for chain in own]
        lines += [f"-F {chain.name}" for chain in table.chains if chain not in own]
        lines += [str(one) for chain in table.chains for one in chain.rules]
        lines.append("COMMIT")
    return "\n".join(lines) + "\n"
