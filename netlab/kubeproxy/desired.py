"""The rules that every namespace of a lab must hold, from the topology and the objects."""

from netlab.apiserver.store import Store
from netlab.cni.attachment import gateway
from netlab.cni.cloud import INTERNET0
from netlab.cni.masquerade import external_ip_ruleset, masquerade_ruleset
from netlab.kube.kinds.node_view import node_of
from netlab.kube.kinds.service.view import ProxyNode, endpoint_slice_of, service_of
from netlab.kubeproxy.configuration import ProxyConfiguration
from netlab.kubeproxy.node_proxy import IptablesProxy, NftablesProxy, NodeProxy
from netlab.kubeproxy.service_map import ServiceMap
from netlab.model.addresses import Family, host_network
from netlab.model.names import ROUTER, NetnsFamily, NetnsName, host_netns
from netlab.model.topology import ProxyMode, Topology, TopologyNode
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.ruleset_change import NamespaceRules


def read_services(store: Store) -> ServiceMap:
    """Return the Services and EndpointSlices as they are in the store now."""
    return ServiceMap.of(
        map(service_of, store.list_("services")),
        map(endpoint_slice_of, store.list_("endpointslices")),
    )


def proxy_nodes(lab: str, topology: Topology, store: Store) -> dict[NetnsName, ProxyNode]:
    """Return every node as its kube-proxy sees it, by its namespace."""
    zones = {node.name: node.zone for node in map(node_of, store.list_("nodes"))}
    return {
        host_netns(lab, node.name): _proxy_node(node, zones.get(node.name, ""))
        for node in topology.nodes
    }


def node_proxy(
    topology: Topology, node: ProxyNode, family: Family, services: ServiceMap
) -> NodeProxy:
    """Return what kube-proxy of a node does in one family, in the topology's mode."""
    inputs = node, _configuration(topology, node), family, services
    match topology.proxy.mode:
        case ProxyMode.IPTABLES:
            return IptablesProxy(*inputs)
        case ProxyMode.NFTABLES:
            return NftablesProxy(*inputs, service_cidrs=topology.service_networks)


def _configuration(topology: Topology, node: ProxyNode) -> ProxyConfiguration:
    asked = topology.proxy
    own = node.addresses[: len(topology.families)] if asked.primary_node_ports else ()
    return ProxyConfiguration(
        cluster_cidrs=tuple(networks.pods for networks in topology.networks),
        detect_local_mode=asked.detect_local_mode,
        bridge_interface=asked.bridge_interface,
        interface_name_prefix=asked.interface_name_prefix,
        masquerade_all=asked.masquerade_all,
        masquerade_bit=asked.masquerade_bit,
        localhost_node_ports=asked.localhost_node_ports,
        node_port_addresses=tuple(map(host_network, own)) or asked.node_port_addresses,
    )


def own_rules(lab: str, topology: Topology) -> dict[NetnsFamily, Ruleset]:
    """Return the rules that are not kube-proxy's: those of the router, and what every node adds."""
    rules = {}
    for family, networks in zip(topology.families, topology.networks, strict=True):
        rules[NetnsFamily(host_netns(lab, ROUTER), family)] = _router(topology, family)
        inside = (networks.pods, networks.nodes, networks.services)
        masquerade = masquerade_ruleset(inside, family)
        for node in topology.nodes:
            rules[NetnsFamily(host_netns(lab, node.name), family)] = masquerade
    return rules


def wanted_rules(lab: str, topology: Topology, store: Store) -> dict[NetnsFamily, NamespaceRules]:
    """Return the rules that each namespace must hold: the router's, and every node's."""
    services, nodes = read_services(store), proxy_nodes(lab, topology, store)
    return {
        place: node_proxy(topology, nodes[place.netns], place.family, services).rules(own)
        if place.netns in nodes
        else NamespaceRules(iptables=own)
        for place, own in own_rules(lab, topology).items()
    }


def _router(topology: Topology, family: Family) -> Ruleset:
    pairs = [
        pair
        for node in topology.nodes
        for pair in zip(node.external_ips, node.addresses, strict=True)
    ]
    return external_ip_ruleset(pairs, INTERNET0, family)


def _proxy_node(node: TopologyNode, zone: str) -> ProxyNode:
    return ProxyNode(
        name=node.name,
        addresses=(*node.addresses, *map(gateway, node.pod_cidrs)),
        pod_cidrs=node.pod_cidrs,
        zone=zone,
    )
