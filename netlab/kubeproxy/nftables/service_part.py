"""What one Service adds to the table of one node, in nftables mode.

Entries for its addresses and ports lie in maps that all Services share; its endpoints have chains
of their own. Nothing here depends on another Service: that makes a change of one a small change.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from netlab.kubeproxy.nftables import dispatch, static
from netlab.kubeproxy.nftables.chains import NodeContext, port_chains, port_sets
from netlab.kubeproxy.service_ports import ProxiedPort
from netlab.model.addresses import Family
from netlab.netfilter.nftables.table import Chain, Element, NamedSet


@dataclass(frozen=True, slots=True)
class SharedSet:
    """A set or map that every Service may have entries in."""

    empty: Callable[[Family], NamedSet]
    entries_of: Callable[[ProxiedPort], Iterator[Element]]

    def holding(self, elements: Iterable[Element], family: Family) -> NamedSet:
        """Return it with these entries."""
        return replace(self.empty(family), elements=tuple(elements))


CLUSTER_IPS: Final = SharedSet(lambda family: static.cluster_ips((), family), dispatch.cluster_ips)
MAPS: Final = (
    SharedSet(
        lambda family: static.address_map(
            "service-ips", "ClusterIP, ExternalIP and LoadBalancer IP traffic", (), family
        ),
        dispatch.service_ips,
    ),
    SharedSet(
        lambda _: static.port_map("service-nodeports", "NodePort traffic", ()),
        dispatch.service_node_ports,
    ),
    SharedSet(
        lambda family: static.address_map(
            "no-endpoint-services",
            "vmap to drop or reject packets to services with no endpoints",
            (),
            family,
        ),
        dispatch.no_endpoint_services,
    ),
    SharedSet(
        lambda _: static.port_map(
            "no-endpoint-nodeports",
            "vmap to drop or reject packets to service nodeports with no endpoints",
            (),
        ),
        dispatch.no_endpoint_node_ports,
    ),
    SharedSet(
        lambda family: static.address_map(
            "firewall-ips",
            "destinations that are subject to LoadBalancerSourceRanges",
            (),
            family,
        ),
        dispatch.firewall_ips,
    ),
)
SHARED_SETS: Final = (CLUSTER_IPS, *MAPS)


@dataclass(frozen=True, slots=True)
class ServicePart:
    """What one Service adds to the table."""

    entries: tuple[tuple[Element, ...], ...] = ((),) * len(SHARED_SETS)
    """In each of ``SHARED_SETS``."""
    chains: tuple[Chain, ...] = ()
    sets: tuple[NamedSet, ...] = ()


NOTHING: Final = ServicePart()


def service_part(ports: Sequence[ProxiedPort], context: NodeContext) -> ServicePart:
    """Return what the Service that has these ports adds to the table."""
    return ServicePart(
        entries=tuple(
            tuple(element for port in ports for element in shared.entries_of(port))
            for shared in SHARED_SETS
        ),
        chains=tuple(chain for port in ports for chain in port_chains(port, context)),
        sets=tuple(one for port in ports for one in port_sets(port, context.family)),
    )
