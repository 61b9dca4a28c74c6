"""What one Service adds to the ruleset of one node, in iptables mode.

Rules for its addresses and ports lie in chains that all Services share; its endpoints have chains
of their own. Nothing here depends on another Service: that makes a change of one a small change.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.kubeproxy.iptables import dispatch
from netlab.kubeproxy.iptables.chains import NodeContext, port_chains
from netlab.kubeproxy.service_ports import ProxiedPort
from netlab.netfilter.iptables.rules import Chain, Rule


@dataclass(frozen=True, slots=True)
class SharedChain:
    """A chain that every Service may have rules in."""

    table: str
    name: str
    rules_of: Callable[[ProxiedPort], Iterator[Rule]]


SHARED_CHAINS: Final = (
    SharedChain("filter", "KUBE-SERVICES", dispatch.filter_services),
    SharedChain("filter", "KUBE-EXTERNAL-SERVICES", dispatch.filter_external),
    SharedChain("filter", "KUBE-NODEPORTS", dispatch.filter_node_ports),
    SharedChain("filter", "KUBE-PROXY-FIREWALL", dispatch.filter_firewall),
    SharedChain("nat", "KUBE-SERVICES", dispatch.nat_services),
    SharedChain("nat", "KUBE-NODEPORTS", dispatch.nat_node_ports),
)


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """The rules of one Service."""

    shared: tuple[tuple[Rule, ...], ...] = ((),) * len(SHARED_CHAINS)
    """In each of ``SHARED_CHAINS``."""
    chains: tuple[Chain, ...] = ()
    """The chains of its own, in table nat."""


NO_RULES: Final = ServiceRules()


def service_rules(ports: Sequence[ProxiedPort], context: NodeContext) -> ServiceRules:
    """Return the rules of the Service that has these ports."""
    return ServiceRules(
        shared=tuple(
            tuple(rule for port in ports for rule in chain.rules_of(port))
            for chain in SHARED_CHAINS
        ),
        chains=tuple(chain for port in ports for chain in port_chains(port, context)),
    )
