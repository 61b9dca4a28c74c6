"""The rules that every namespace of a lab must hold, from the topology and the objects."""

from ipaddress import ip_network

from netlab.cni.attachment import gateway
from netlab.cni.cloud import INTERNET0
from netlab.cni.masquerade import external_ip_ruleset, masquerade_ruleset
from netlab.control.store import Store
from netlab.model.addresses import Family
from netlab.model.names import ROUTER, NetnsName, host_netns
from netlab.model.objects import labels_of, name_of
from netlab.model.services import ProxyNode, endpoint_slice_of, service_of
from netlab.model.topology import ProxyMode, Topology, TopologyNode
from netlab.netfilter.rules import Ruleset
from netlab.proxy.configuration import ProxyConfiguration
from netlab.proxy.node_proxy import IptablesProxy, NftablesProxy, NodeProxy
from netlab.proxy.node_rules import NodeRules
from netlab.proxy.service_map import ServiceMap
from netlab.proxy.view import ZONE_LABEL


def read_services(store: Store) -> ServiceMap:
    """Return the Services and EndpointSlices as they are in the store now."""
    return ServiceMap.of(
        map(service_of, store.list_("services")),
        map(endpoint_slice_of, store.list_("endpointslices")),
    )


def proxy_nodes(lab: str, topology: Topology, store: Store) -> dict[NetnsName, ProxyNode]:
    """Return every node as its kube-proxy sees it, by its namespace."""
    zones = {name_of(obj): labels_of(obj).get(ZONE_LABEL, "") for obj in store.list_("nodes")}
    return {
        host_netns(lab, node.name): _proxy_node(node, zones.get(node.name, ""))
        for node in topology.nodes
    }


def node_proxy(topology: Topology, node: ProxyNode, services: ServiceMap) -> NodeProxy:
    """Return kube-proxy of a node, in the topology's mode."""
    inputs = node, _configuration(topology, node), Family.IPV4, services
    match topology.proxy.mode:
        case ProxyMode.IPTABLES:
            return IptablesProxy(*inputs)
        case ProxyMode.NFTABLES:
            return NftablesProxy(*inputs, service_cidrs=topology.service_networks)


def _configuration(topology: Topology, node: ProxyNode) -> ProxyConfiguration:
    asked = topology.proxy
    primary = (ip_network(node.addresses[0]),) if asked.primary_node_ports else ()
    return ProxyConfiguration(
        cluster_cidrs=tuple(networks.pods for networks in topology.networks),
        detect_local_mode=asked.detect_local_mode,
        bridge_interface=asked.bridge_interface,
        interface_name_prefix=asked.interface_name_prefix,
        masquerade_all=asked.masquerade_all,
        masquerade_bit=asked.masquerade_bit,
        localhost_node_ports=asked.localhost_node_ports,
        node_port_addresses=primary or asked.node_port_addresses,
    )


def own_rules(lab: str, topology: Topology) -> dict[NetnsName, Ruleset]:
    """Return the rules that are not kube-proxy's: those of the router, and what every node adds."""
    networks = topology.networks[0]
    masquerade = masquerade_ruleset((networks.pods, networks.nodes, networks.services))
    nodes = {host_netns(lab, node.name): masquerade for node in topology.nodes}
    return {host_netns(lab, ROUTER): _router(topology), **nodes}


def wanted_rules(lab: str, topology: Topology, store: Store) -> dict[NetnsName, NodeRules]:
    """Return the rules that each namespace must hold: the router's, and every node's."""
    services, nodes = read_services(store), proxy_nodes(lab, topology, store)
    return {
        name: node_proxy(topology, nodes[name], services).rules(own)
        if name in nodes
        else NodeRules(iptables=own)
        for name, own in own_rules(lab, topology).items()
    }


def _router(topology: Topology) -> Ruleset:
    pairs = [
        pair
        for node in topology.nodes
        for pair in zip(node.external_ips, node.addresses, strict=True)
    ]
    return external_ip_ruleset(pairs, INTERNET0)


def _proxy_node(node: TopologyNode, zone: str) -> ProxyNode:
    return ProxyNode(
        name=node.name,
        addresses=(*node.addresses, *map(gateway, node.pod_cidrs)),
        pod_cidrs=node.pod_cidrs,
        zone=zone,
    )
