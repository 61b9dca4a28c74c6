"""What kube-proxy of every node is to do, from the topology and the objects."""

from netlab.apiserver.store import Store
from netlab.cni.attachment import gateway
from netlab.kube.kinds.node_view import node_of
from netlab.kube.kinds.service.view import ProxyNode, endpoint_slice_of, service_of
from netlab.kubeproxy.configuration import ProxyConfiguration
from netlab.kubeproxy.node_proxy import IptablesProxy, NftablesProxy, NodeProxy
from netlab.kubeproxy.service_map import ServiceMap
from netlab.model.addresses import Family, host_network
from netlab.model.names import NetnsFamily, NetnsName, host_netns
from netlab.model.topology import ProxyMode, Topology, TopologyNode
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


def desired_rules(lab: str, topology: Topology, store: Store) -> dict[NetnsFamily, NamespaceRules]:
    """Return the rules of kube-proxy's that each node must hold."""
    services, nodes = read_services(store), proxy_nodes(lab, topology, store)
    return {
        NetnsFamily(netns, family): node_proxy(topology, node, family, services).rules()
        for family in topology.families
        for netns, node in nodes.items()
    }


def _proxy_node(node: TopologyNode, zone: str) -> ProxyNode:
    return ProxyNode(
        name=node.name,
        addresses=(*node.addresses, *map(gateway, node.pod_cidrs)),
        pod_cidrs=node.pod_cidrs,
        zone=zone,
    )
