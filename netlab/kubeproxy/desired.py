"""What kube-proxy of every node is to do, from the topology and the objects."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeVar

from netlab.apiserver.store import Store
from netlab.cni.attachment import gateway
from netlab.kube.kinds.service.view import ProxyNode, endpoint_slice_of, service_of
from netlab.kube.objects import Object
from netlab.kube.resources import key_of
from netlab.kube.unreadable import UnreadableObjects
from netlab.kubeproxy.node_proxy import IptablesProxy, NftablesProxy, NodeProxy
from netlab.kubeproxy.service_map import ServiceMap
from netlab.kubeproxy.view import proxy_node_of
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyMode
from netlab.model.names import NetnsFamily, NetnsName, host_netns
from netlab.model.topology import Topology
from netlab.netfilter.ruleset_change import NamespaceRules

T = TypeVar("T")


def read_services(store: Store) -> ServiceMap:
    """Return the Services and EndpointSlices that can be read, as they are in the store now."""
    read = UnreadableObjects().read

    def views(kind: str, view: Callable[[Object], T]) -> Iterator[T]:
        found = (read(key_of(one), partial(view, one)) for one in store.list_(kind))
        return (one for one in found if one is not None)

    return ServiceMap.of(views("services", service_of), views("endpointslices", endpoint_slice_of))


def proxy_nodes(lab: str, topology: Topology, store: Store) -> dict[NetnsName, ProxyNode]:
    """Return every node as its kube-proxy sees it, by its namespace.

    It knows the Node object; the topology says only which nodes there is a namespace for. NodePorts
    answer on a node's address on its pods' network too, of which the object says nothing.
    """
    nodes = {
        node.name: replace(node, addresses=(*node.addresses, *map(gateway, node.pod_cidrs)))
        for node in map(proxy_node_of, store.list_("nodes"))
    }
    return {
        host_netns(lab, node.name): nodes[node.name]
        for node in topology.nodes
        if node.name in nodes
    }


def node_proxy(
    topology: Topology, node: ProxyNode, family: Family, services: ServiceMap
) -> NodeProxy:
    """Return what kube-proxy of a node does in one family, in the topology's mode."""
    configuration = replace(
        topology.proxy.for_node(node.addresses),
        cluster_cidrs=tuple(networks.pods for networks in topology.networks),
    )
    inputs = node, configuration, family, services
    match configuration.mode:
        case ProxyMode.IPTABLES:
            return IptablesProxy(*inputs)
        case ProxyMode.NFTABLES:
            return NftablesProxy(*inputs, service_cidrs=topology.service_networks)


def desired_rules(lab: str, topology: Topology, store: Store) -> dict[NetnsFamily, NamespaceRules]:
    """Return the rules of kube-proxy's that each node must hold."""
    services, nodes = read_services(store), proxy_nodes(lab, topology, store)
    return {
        NetnsFamily(netns, family): node_proxy(topology, node, family, services).rules()
        for family in topology.families
        for netns, node in nodes.items()
    }
