"""CNI ``ptp``: a routed veth pair for each pod.

The node's end carries the gateway address, the same on every pair, and a route to the one pod
behind it. Two pods of a node speak to each other through the node's IP stack, so every packet of
theirs meets iptables; that is why this is the default.

Source: containernetworking/plugins, plugins/main/ptp.
"""

from netlab.cni import sysctls
from netlab.cni.attachment import (
    ETH0,
    Attachment,
    default_route,
    gateway,
    host_route,
    interface,
)
from netlab.model.links import Link, NetnsState, Peer
from netlab.model.names import host_netns, mac_address, pod_ifname, pod_netns
from netlab.model.pods import PodPlacement
from netlab.model.topology import Topology, TopologyNode


def node_links(lab: str, topology: Topology, node: TopologyNode) -> tuple[Link, ...]:
    """Return the links a node needs before it has any pod: none."""
    del lab, topology, node
    return ()


def attach(lab: str, topology: Topology, node: TopologyNode, pod: PodPlacement) -> Attachment:
    """Return the wire between ``pod`` and its node."""
    pod_name = pod_netns(lab, pod.namespace, pod.name)
    node_name = host_netns(lab, node.name)
    ifname = pod_ifname(pod.namespace, pod.name)
    gateways = [gateway(pod_cidr) for pod_cidr in node.pod_cidrs]
    node_end = Peer(netns=node_name, ifname=ifname, mac=mac_address(node_name, ifname))
    pod_end = Peer(netns=pod_name, ifname=ETH0, mac=mac_address(pod_name, ETH0))
    return Attachment(
        pod=NetnsState(
            sysctls=sysctls.host(topology),
            links=(
                Link(
                    ifname=ETH0,
                    mac=pod_end.mac,
                    mtu=topology.mtu,
                    addresses=tuple(interface(address) for address in pod.addresses),
                    peer=node_end,
                ),
            ),
            routes=(
                *(host_route(via, ETH0) for via in gateways),
                *(default_route(via) for via in gateways),
            ),
        ),
        node_link=Link(
            ifname=ifname,
            mac=node_end.mac,
            mtu=topology.mtu,
            addresses=tuple(interface(via) for via in gateways),
            peer=pod_end,
        ),
        node_routes=tuple(host_route(address, ifname) for address in pod.addresses),
    )
