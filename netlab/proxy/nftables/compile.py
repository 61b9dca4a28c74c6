"""kube-proxy's nftables mode: Services and endpoints to the table of one node.

Theory of operation
-------------------
A packet's address, protocol and port are looked up in maps, whose size costs nothing, and lead to
the Service's own chains; those choose an endpoint, mark what must come back by this node, and
rewrite the destination. What is still for a Service's address after that has no endpoint and is
rejected or dropped. The table is kube-proxy's alone, so nothing else's rules are touched.

What each Service adds to the table is compiled apart and kept, as in iptables mode.

Against iptables mode: NodePorts answer on the node IP alone unless nodePortAddresses says more, and
never on loopback; ports that a ClusterIP does not define are rejected; source ranges are checked
before DNAT; invalid packets are not dropped, and nothing is accepted on behalf of a host firewall,
neither forwarded Service packets nor health checks.

Source: kube-proxy, ``pkg/proxy/nftables/proxier.go``; Kubernetes documentation, Virtual IPs and
Service Proxies, "Migrating from iptables mode to nftables"; KEP-3866.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.model.packets import Family
from netlab.model.services import EndpointSlice, ProxyNode, Service
from netlab.model.topology import Address, Network
from netlab.proxy.configuration import ProxyConfiguration
from netlab.proxy.nftables import dispatch, fixed
from netlab.proxy.nftables.chains import Surroundings, port_chains, port_sets
from netlab.proxy.nftables.render import render
from netlab.proxy.nftables.table import Chain, Element, NamedSet, Table
from netlab.proxy.service_map import Name, ServiceMap
from netlab.proxy.service_ports import ProxiedPort, ports_of


def compile_text(
    node: ProxyNode,
    services: Sequence[Service],
    slices: Sequence[EndpointSlice],
    configuration: ProxyConfiguration,
    family: Family,
    service_cidrs: Sequence[Network] = (),
) -> str:
    """Return text for ``nft -f`` that brings one node's table about, whole and at once.

    Loading it twice is the same as loading it once; clients keep the endpoint they stay with. The
    same objects give the same bytes, in whatever order they come.

    Args:
        node: The node.
        services: All Services.
        slices: All EndpointSlices.
        configuration: ``localhost_node_ports`` and ``random_fully`` mean nothing in this mode.
        family: The address family.
        service_cidrs: Where ClusterIPs come from; packets for one that no Service has are dropped.
    """
    return render(compile_table(node, services, slices, configuration, family, service_cidrs))


def compile_table(
    node: ProxyNode,
    services: Sequence[Service],
    slices: Sequence[EndpointSlice],
    configuration: ProxyConfiguration,
    family: Family,
    service_cidrs: Sequence[Network] = (),
) -> Table:
    """Return what kube-proxy lays on ``node`` for one address family, as a value.

    Args:
        node: The node.
        services: All Services.
        slices: All EndpointSlices.
        configuration: As for ``compile_text``.
        family: The address family.
        service_cidrs: As for ``compile_text``.
    """
    served = ServiceMap.of(services, slices)
    around = Surroundings(node=node, configuration=configuration, family=family)
    compilation = TableCompilation(around, service_cidrs)
    compilation.update({name: ports_of(served.get(name), node, family) for name in served.names()})
    return compilation.table()


class TableCompilation:
    """The table of one node, kept Service by Service.

    What it holds depends on what the Services are now, and not on what they were.
    """

    def __init__(self, around: Surroundings, service_cidrs: Sequence[Network] = ()) -> None:
        self._around = around
        self._service_cidrs = service_cidrs
        self._parts: dict[Name, ServicePart] = {}
        self._names: list[Name] = []
        """Of ``_parts``, in order."""

    def update(self, services: Mapping[Name, Sequence[ProxiedPort]]) -> None:
        """Compile these Services anew.

        Args:
            services: All ports of each Service that is not what it was; none if it is gone.
        """
        for name, ports in services.items():
            if ports and name not in self._parts:
                insort(self._names, name)
            elif not ports and name in self._parts:
                del self._parts[name]
                del self._names[bisect_left(self._names, name)]
            if ports:
                self._parts[name] = service_part(ports, self._around)

    def table(self) -> Table:
        """Return the whole table; what did not change is the very value it was before."""
        around, parts = self._around, [self._parts[name] for name in self._names]
        shared = fixed.shared_chains(around.configuration, around.family, self._service_cidrs)
        return Table(
            family=around.family,
            chains=(
                *fixed.base_chains(),
                *shared,
                *(chain for part in parts for chain in part.chains),
            ),
            sets=tuple(_sets(parts, around)),
        )


@dataclass(frozen=True, slots=True)
class SharedMap:
    """A map that every Service may have entries in."""

    name: str
    comment: str
    entries_of: Callable[[ProxiedPort], Iterator[Element]]
    has_address: bool
    """Whether its keys begin with an address; else they are of a protocol and a NodePort."""


MAPS: Final = (
    SharedMap(
        "service-ips",
        "ClusterIP, ExternalIP and LoadBalancer IP traffic",
        dispatch.service_ips,
        has_address=True,
    ),
    SharedMap(
        "service-nodeports",
        "NodePort traffic",
        dispatch.service_node_ports,
        has_address=False,
    ),
    SharedMap(
        "no-endpoint-services",
        "vmap to drop or reject packets to services with no endpoints",
        dispatch.no_endpoint_services,
        has_address=True,
    ),
    SharedMap(
        "no-endpoint-nodeports",
        "vmap to drop or reject packets to service nodeports with no endpoints",
        dispatch.no_endpoint_node_ports,
        has_address=False,
    ),
    SharedMap(
        "firewall-ips",
        "destinations that are subject to LoadBalancerSourceRanges",
        dispatch.firewall_ips,
        has_address=True,
    ),
)


@dataclass(frozen=True, slots=True)
class ServicePart:
    """What one Service adds to the table."""

    cluster_ips: tuple[Address, ...]
    entries: tuple[tuple[Element, ...], ...]
    """In each of ``MAPS``."""
    chains: tuple[Chain, ...]
    sets: tuple[NamedSet, ...]


def service_part(ports: Sequence[ProxiedPort], around: Surroundings) -> ServicePart:
    """Return what the Service that has these ports adds to the table."""
    return ServicePart(
        cluster_ips=tuple(port.cluster_ip for port in ports),
        entries=tuple(
            tuple(element for port in ports for element in shared.entries_of(port))
            for shared in MAPS
        ),
        chains=tuple(chain for port in ports for chain in port_chains(port, around)),
        sets=tuple(one for port in ports for one in port_sets(port, around.family)),
    )


def _sets(parts: Sequence[ServicePart], around: Surroundings) -> Iterator[NamedSet]:
    family = around.family
    yield fixed.cluster_ips((ip for part in parts for ip in part.cluster_ips), family)
    node_port_ips = fixed.node_port_ips(around.node, around.configuration, family)
    if node_port_ips is not None:
        yield node_port_ips
    for place, shared in enumerate(MAPS):
        elements = _entries(parts, place)
        if shared.has_address:
            yield fixed.address_map(shared.name, shared.comment, elements, family)
        else:
            yield fixed.port_map(shared.name, shared.comment, elements)
    for part in parts:
        yield from part.sets


def _entries(parts: Iterable[ServicePart], place: int) -> list[Element]:
    """Return the entries of all Services; of two with one key the first counts.

    A map has one verdict for a key, and the kernel refuses a second one.
    """
    found: dict[str, Element] = {}
    for part in parts:
        for element in part.entries[place]:
            found.setdefault(element.key, element)
    return list(found.values())
