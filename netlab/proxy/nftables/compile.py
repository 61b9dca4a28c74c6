"""kube-proxy's nftables mode: Services and endpoints to the table of one node.

Theory of operation
-------------------
A packet's address, protocol and port are looked up in maps, whose size costs nothing, and lead to
the Service's own chains; those choose an endpoint, mark what must come back by this node, and
rewrite the destination. What is still for a Service's address after that has no endpoint and is
rejected or dropped. The table is kube-proxy's alone, so nothing else's rules are touched.

Against iptables mode: NodePorts answer on the node IP alone unless nodePortAddresses says more, and
never on loopback; ports that a ClusterIP does not define are rejected; source ranges are checked
before DNAT; invalid packets are not dropped, and nothing is accepted on behalf of a host firewall,
neither forwarded Service packets nor health checks.

Source: kube-proxy, ``pkg/proxy/nftables/proxier.go``; Kubernetes documentation, Virtual IPs and
Service Proxies, "Migrating from iptables mode to nftables"; KEP-3866.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from netlab.model.packets import Family
from netlab.model.services import EndpointSlice, ProxyNode, Service
from netlab.model.topology import Network
from netlab.proxy.configuration import ProxyConfiguration
from netlab.proxy.nftables import dispatch, fixed
from netlab.proxy.nftables.chains import Surroundings, port_chains, port_sets
from netlab.proxy.nftables.render import render
from netlab.proxy.nftables.table import Chain, Element, NamedSet, Table
from netlab.proxy.service_ports import ProxiedPort, proxied_ports


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
    ports = proxied_ports(node, services, slices, family)
    around = Surroundings(node=node, configuration=configuration, family=family)
    shared = fixed.shared_chains(configuration, family, service_cidrs)
    return Table(
        family=family,
        chains=(*fixed.base_chains(), *shared, *_port_chains(ports, around)),
        sets=tuple(_sets(ports, around)),
    )


def _port_chains(ports: Iterable[ProxiedPort], around: Surroundings) -> Iterator[Chain]:
    for port in ports:
        yield from port_chains(port, around)


def _sets(ports: Sequence[ProxiedPort], around: Surroundings) -> Iterator[NamedSet]:
    family = around.family
    yield fixed.cluster_ips((port.cluster_ip for port in ports), family)
    node_port_ips = fixed.node_port_ips(around.node, around.configuration, family)
    if node_port_ips is not None:
        yield node_port_ips
    yield fixed.address_map(
        "service-ips",
        "ClusterIP, ExternalIP and LoadBalancer IP traffic",
        _entries(ports, dispatch.service_ips),
        family,
    )
    yield fixed.port_map(
        "service-nodeports", "NodePort traffic", _entries(ports, dispatch.service_node_ports)
    )
    yield fixed.address_map(
        "no-endpoint-services",
        "vmap to drop or reject packets to services with no endpoints",
        _entries(ports, dispatch.no_endpoint_services),
        family,
    )
    yield fixed.port_map(
        "no-endpoint-nodeports",
        "vmap to drop or reject packets to service nodeports with no endpoints",
        _entries(ports, dispatch.no_endpoint_node_ports),
    )
    yield fixed.address_map(
        "firewall-ips",
        "destinations that are subject to LoadBalancerSourceRanges",
        _entries(ports, dispatch.firewall_ips),
        family,
    )
    for port in ports:
        yield from port_sets(port, family)


def _entries(
    ports: Iterable[ProxiedPort], entries_of: Callable[[ProxiedPort], Iterable[Element]]
) -> list[Element]:
    """Return the entries of all ports; of two with one key the first counts.

    A map has one verdict for a key, and the kernel refuses a second one.
    """
    found: dict[str, Element] = {}
    for port in ports:
        for element in entries_of(port):
            found.setdefault(element.key, element)
    return list(found.values())
