"""The cloud network: one router, with the nodes on one bridge and the internet's hosts on another.

::

    client -- p-client  internet0  |router|  cloud0  p-node1 -- node1
                                                     p-node2 -- node2
                                                     p-lb ----- lb

The router knows the nodes' network and the internet, and no pod or Service address: packets for
those from outside end here with "network is unreachable", as in a cloud. The addresses set aside
for LoadBalancer Services are routed to the load balancer, which stands on the nodes' network. It
forwards the packets for an address to nodes, as they are, or holds the address itself and has a
proxy on it; what no Service has is unreachable there. Nodes know the way to each other's pods (a
route through the other node's InternalIP, as a cloud's route table or flannel's host-gw gives them)
and send the rest to the router. A default route is needed even for ClusterIPs: a node looks up a
route before its OUTPUT chain rewrites the destination.
"""

from collections.abc import Iterable
from dataclasses import replace

from netlab.cni import sysctls
from netlab.cni.attachment import ETH0, default_route, interface
from netlab.model.addresses import Address, Network, host_network, router_address
from netlab.model.links import Link, NetnsState, Peer, Route
from netlab.model.names import LB, ROUTER, host_netns, mac_address, port_ifname
from netlab.model.topology import Topology, TopologyClient, TopologyNode
from netlab.model.vips import Vip

CLOUD0 = "cloud0"
INTERNET0 = "internet0"


def router(lab: str, topology: Topology) -> NetnsState:
    """Return the router: both bridges, and a port for each host beside it."""
    clients = [client.name for client in topology.clients]
    nodes = [node.name for node in topology.nodes]
    return NetnsState(
        sysctls=sysctls.router(topology),
        links=(
            _bridge(lab, topology, CLOUD0, _node_networks(topology)),
            _bridge(lab, topology, INTERNET0, _client_networks(topology)),
            *(_port(lab, topology, name, CLOUD0) for name in (*nodes, LB)),
            *(_port(lab, topology, name, INTERNET0) for name in clients),
        ),
        routes=tuple(
            Route(destination=networks.vips, gateway=lb)
            for networks, lb in zip(topology.networks, topology.lb, strict=True)
        ),
    )


def client(lab: str, topology: Topology, which: TopologyClient) -> NetnsState:
    """Return a host on the internet."""
    networks = _client_networks(topology)
    return NetnsState(
        sysctls=sysctls.host(topology),
        links=(_eth0(lab, topology, which.name, which.addresses, networks),),
        routes=_default_routes(networks),
    )


def load_balancer(lab: str, topology: Topology, vips: Iterable[Vip] = ()) -> NetnsState:
    """Return the cloud's load balancer.

    Args:
        lab: Name.
        topology: Of the lab.
        vips: The addresses of LoadBalancer Services.
    """
    networks = _node_networks(topology)
    own, local, routes = _eth0(lab, topology, LB, topology.lb, networks), [], []
    for vip in vips:
        if vip.is_local:
            local.append(interface(vip.address))
        elif vip.nexthops:
            routes.append(_spread(vip))
    return NetnsState(
        sysctls=sysctls.load_balancer(topology),
        links=(replace(own, addresses=(*own.addresses, *local)),),
        routes=(
            *_default_routes(networks),
            # The way back to the router would be a circle.
            *(Route(destination=one.vips, is_unreachable=True) for one in topology.networks),
            *routes,
        ),
    )


def _spread(vip: Vip) -> Route:
    destination = host_network(vip.address)
    if len(vip.nexthops) == 1:
        return Route(destination=destination, gateway=vip.nexthops[0].gateway)
    return Route(destination=destination, nexthops=vip.nexthops)


def node(lab: str, topology: Topology, which: TopologyNode) -> NetnsState:
    """Return a node without its pods."""
    networks = _node_networks(topology)
    others = (other for other in topology.nodes if other.name != which.name)
    return NetnsState(
        sysctls=sysctls.node(topology),
        links=(_eth0(lab, topology, which.name, which.addresses, networks),),
        routes=(
            *_default_routes(networks),
            *(
                Route(destination=pods, gateway=address)
                for other in others
                for pods, address in zip(other.pod_cidrs, other.addresses, strict=True)
            ),
        ),
    )


def _node_networks(topology: Topology) -> list[Network]:
    return [networks.nodes for networks in topology.networks]


def _client_networks(topology: Topology) -> list[Network]:
    return [networks.clients for networks in topology.networks]


def _default_routes(networks: Iterable[Network]) -> tuple[Route, ...]:
    return tuple(default_route(router_address(network)) for network in networks)


def _bridge(lab: str, topology: Topology, ifname: str, networks: Iterable[Network]) -> Link:
    return Link(
        ifname=ifname,
        mac=mac_address(host_netns(lab, ROUTER), ifname),
        mtu=topology.mtu,
        addresses=tuple(
            interface(router_address(network), network.prefixlen) for network in networks
        ),
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


def _eth0(
    lab: str,
    topology: Topology,
    host: str,
    addresses: Iterable[Address],
    networks: Iterable[Network],
) -> Link:
    return Link(
        ifname=ETH0,
        mac=mac_address(host_netns(lab, host), ETH0),
        mtu=topology.mtu,
        addresses=tuple(
            interface(address, network.prefixlen)
            for address, network in zip(addresses, networks, strict=True)
        ),
        peer=_end(lab, ROUTER, port_ifname(host)),
    )


def _end(lab: str, host: str, ifname: str) -> Peer:
    netns = host_netns(lab, host)
    return Peer(netns=netns, ifname=ifname, mac=mac_address(netns, ifname))
