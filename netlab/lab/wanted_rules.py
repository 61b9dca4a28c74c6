"""The rules that every namespace of a lab must hold, from the topology and the objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from netlab.cni.cloud import INTERNET0
from netlab.cni.masquerade import external_ip_ruleset, masquerade_ruleset
from netlab.control.store import Store
from netlab.model.names import ROUTER, NetnsName, host_netns
from netlab.model.objects import labels_of, name_of
from netlab.model.packets import Family
from netlab.model.services import (
    EndpointSlice,
    ProxyNode,
    Service,
    endpoint_slice_of,
    service_of,
)
from netlab.model.topology import ProxyMode, Topology, TopologyNode
from netlab.netfilter.normal import merge
from netlab.netfilter.rules import Ruleset
from netlab.proxy.configuration import ProxyConfiguration
from netlab.proxy.iptables import compile_ruleset
from netlab.proxy.nftables import compile_table
from netlab.proxy.node_rules import NodeRules

_ZONE: Final = "topology.kubernetes.io/zone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyObjects:
    """The objects that kube-proxy's rules come from, at one moment."""

    services: tuple[Service, ...] = ()
    slices: tuple[EndpointSlice, ...] = ()
    zones: Mapping[str, str]
    """The zone of each node that says one."""


def read_objects(store: Store) -> ProxyObjects:
    """Return the objects as they are in the store now."""
    return ProxyObjects(
        services=tuple(service_of(obj) for obj in store.list_("services")),
        slices=tuple(endpoint_slice_of(obj) for obj in store.list_("endpointslices")),
        zones={name_of(obj): labels_of(obj).get(_ZONE, "") for obj in store.list_("nodes")},
    )


def proxy_nodes(lab: str, topology: Topology, objects: ProxyObjects) -> dict[NetnsName, ProxyNode]:
    """Return every node as its kube-proxy sees it, by its namespace."""
    return {
        host_netns(lab, node.name): _proxy_node(node, objects.zones.get(node.name, ""))
        for node in topology.nodes
    }


def wanted_rules(lab: str, topology: Topology, objects: ProxyObjects) -> dict[NetnsName, NodeRules]:
    """Return the rules that each namespace must hold: the router's, and every node's."""
    networks = topology.networks
    masquerade = masquerade_ruleset((networks.pods, networks.nodes, networks.services))
    want = {host_netns(lab, ROUTER): NodeRules(iptables=_router(topology))}
    for name, node in proxy_nodes(lab, topology, objects).items():
        want[name] = _node_rules(topology, node, objects, masquerade)
    return want


def _node_rules(
    topology: Topology, node: ProxyNode, objects: ProxyObjects, masquerade: Ruleset
) -> NodeRules:
    networks = topology.networks
    configuration = ProxyConfiguration(cluster_cidrs=(ip_network(networks.pods),))
    inputs = node, objects.services, objects.slices, configuration, Family.IPV4
    match topology.proxy_mode:
        case ProxyMode.IPTABLES:
            return NodeRules(iptables=merge(compile_ruleset(*inputs), masquerade))
        case ProxyMode.NFTABLES:
            table = compile_table(*inputs, service_cidrs=(networks.services,))
            return NodeRules(iptables=masquerade, nftables=table)


def _router(topology: Topology) -> Ruleset:
    pairs = [(node.external_ip, node.address) for node in topology.nodes]
    return external_ip_ruleset(pairs, INTERNET0)


def _proxy_node(node: TopologyNode, zone: str) -> ProxyNode:
    return ProxyNode(
        name=node.name,
        addresses=(node.address, node.pod_cidr[1]),
        pod_cidrs=(node.pod_cidr,),
        zone=zone,
    )
