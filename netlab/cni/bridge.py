"""CNI ``bridge``: all pods of a node on one bridge, ``cni0``, as kubenet and flannel have it.

Two pods of a node speak over the bridge, past the node's IP stack. A Service's reply would then
skip the un-DNAT, so br_netfilter must hand bridged packets to iptables. Ports are in hairpin mode:
a pod that calls its own Service gets its packet back out of the port it came in by.

Source: containernetworking/plugins, plugins/main/bridge.
"""

from netlab.cni import sysctls
from netlab.cni.attachment import ETH0, Attachment, default_route, gateway, interface
from netlab.model.links import Link, NetnsState, Peer
from netlab.model.names import host_netns, mac_address, pod_ifname, pod_netns
from netlab.model.pods import PodPlacement
from netlab.model.topology import Topology, TopologyNode

CNI0 = "cni0"


def node_links(lab: str, topology: Topology, node: TopologyNode) -> tuple[Link, ...]:
    """Return the bridge, with the gateway addresses of the node's pods."""
    netns = host_netns(lab, node.name)
    addresses = tuple(interface(gateway(cidr), cidr.prefixlen) for cidr in node.pod_cidrs)
    return (Link(ifname=CNI0, mac=mac_address(netns, CNI0), mtu=topology.mtu, addresses=addresses),)


def attach(lab: str, topology: Topology, node: TopologyNode, pod: PodPlacement) -> Attachment:
    """Return the wire between ``pod`` and its node's bridge."""
    pod_name = pod_netns(lab, pod.namespace, pod.name)
    node_name = host_netns(lab, node.name)
    ifname = pod_ifname(pod.namespace, pod.name)
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
                    addresses=tuple(
                        interface(address, cidr.prefixlen)
                        for address, cidr in zip(pod.addresses, node.pod_cidrs, strict=True)
                    ),
                    peer=node_end,
                ),
            ),
            routes=tuple(default_route(gateway(cidr)) for cidr in node.pod_cidrs),
        ),
        node_link=Link(
            ifname=ifname,
            mac=node_end.mac,
            mtu=topology.mtu,
            master=CNI0,
            hairpin=True,
            peer=pod_end,
        ),
    )
