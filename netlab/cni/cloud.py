"""The cloud network: one router, with the nodes on one bridge and the internet's hosts on another.

::

    client -- p-client  internet0  |router|  cloud0  p-node1 -- node1
                                                     p-node2 -- node2
                                                     p-lb ----- lb

The router knows the nodes' network and the internet, and no pod or Service address: packets for
those from outside end here with "network is unreachable", as in a cloud. The addresses set aside
for LoadBalancer Services are routed to the load balancer, which stands on the nodes' network and
takes those that it holds. Nodes know the way to each other's pods (a route through the other node's
InternalIP, as a cloud's route table or flannel's host-gw gives them) and send the rest to the
router. A default route is needed even for ClusterIPs: a node looks up a route before its OUTPUT
chain rewrites the destination.
"""

from netlab.cni import sysctls
from netlab.cni.attachment import ETH0, default_route, interface
from netlab.model.links import Link, NetnsState, Peer, Route
from netlab.model.names import LB, ROUTER, host_netns, mac_address, port_ifname
from netlab.model.topology import Address, Network, Topology, TopologyNode

CLOUD0 = "cloud0"
INTERNET0 = "internet0"


def router_address(network: Network) -> Address:
    """Return the router's address in ``network``: the first host address."""
    return network[1]


def router(lab: str, topology: Topology) -> NetnsState:
    """Return the router: both bridges, and a port for each host beside it."""
    networks = topology.networks
    clients = [client.name for client in topology.clients]
    nodes = [node.name for node in topology.nodes]
    return NetnsState(
        sysctls=sysctls.ROUTER,
        links=(
            _bridge(lab, topology, CLOUD0, networks.nodes),
            _bridge(lab, topology, INTERNET0, networks.clients),
            *(_port(lab, topology, name, CLOUD0) for name in (*nodes, LB)),
            *(_port(lab, topology, name, INTERNET0) for name in clients),
        ),
        routes=(Route(destination=networks.vips, gateway=topology.lb),),
    )


def client(lab: str, topology: Topology, name: str, address: Address) -> NetnsState:
    """Return a host on the internet."""
    network = topology.networks.clients
    return NetnsState(
        sysctls=sysctls.HOST,
        links=(_eth0(lab, topology, name, address, network),),
        routes=(default_route(router_address(network)),),
    )


def load_balancer(lab: str, topology: Topology) -> NetnsState:
    """Return the cloud's load balancer."""
    network = topology.networks.nodes
    return NetnsState(
        sysctls=sysctls.HOST,
        links=(_eth0(lab, topology, LB, topology.lb, network),),
        routes=(default_route(router_address(network)),),
    )


def node(lab: str, topology: Topology, which: TopologyNode) -> NetnsState:
    """Return a node without its pods."""
    network = topology.networks.nodes
    others = (other for other in topology.nodes if other.name != which.name)
    return NetnsState(
        sysctls=sysctls.NODES[topology.proxy.has_localhost_node_ports()],
        links=(_eth0(lab, topology, which.name, which.address, network),),
        routes=(
            default_route(router_address(network)),
            *(Route(destination=other.pod_cidr, gateway=other.address) for other in others),
        ),
    )


def _bridge(lab: str, topology: Topology, ifname: str, network: Network) -> Link:
    return Link(
        ifname=ifname,
        mac=mac_address(host_netns(lab, ROUTER), ifname),
        mtu=topology.mtu,
        addresses=(interface(router_address(network), network.prefixlen),),
    )


def _port(lab: str, topology: Topology, host: str, bridge: str) -> Link:
    ifname = port_ifname(host)
    return Link(
        ifname=ifname,
        mac=mac_address(host_netns(lab, ROUTER), ifname),
        mtu=topology.mtu,
        master=bridge,
        peer=_end(lab, host, ETH0),
    )


def _eth0(lab: str, topology: Topology, host: str, address: Address, network: Network) -> Link:
    return Link(
        ifname=ETH0,
        mac=mac_address(host_netns(lab, host), ETH0),
        mtu=topology.mtu,
        addresses=(interface(address, network.prefixlen),),
        peer=_end(lab, ROUTER, port_ifname(host)),
    )


def _end(lab: str, host: str, ifname: str) -> Peer:
    netns = host_netns(lab, host)
    return Peer(netns=netns, ifname=ifname, mac=mac_address(netns, ifname))
