from ipaddress import ip_address, ip_network

from netlab.cni import cloud
from netlab.model.links import NextHop
from netlab.model.topology import Topology
from netlab.model.vips import Vip


def test_the_router_holds_the_first_address_of_both_sides(topology: Topology):
    router = cloud.router("default", topology)
    bridges = {link.ifname: link.addresses for link in router.links if link.peer is None}
    assert {name: [str(one) for one in addresses] for name, addresses in bridges.items()} == {
        "cloud0": ["10.240.0.1/24"],
        "internet0": ["198.51.100.1/24"],
    }


def test_nodes_and_clients_are_on_different_sides(topology: Topology):
    router = cloud.router("default", topology)
    ports = {link.ifname: link.master for link in router.links if link.peer}
    on_cloud = dict.fromkeys(["p-node1", "p-node2", "p-lb"], "cloud0")
    assert ports == {**on_cloud, "p-client": "internet0"}


def test_the_router_knows_no_pod_and_no_service_but_the_load_balancers_addresses(
    topology: Topology,
):
    [route] = cloud.router("default", topology).routes
    assert (str(route.destination), str(route.gateway)) == ("203.0.113.0/24", "10.240.0.2")


def test_the_load_balancer_is_beside_the_nodes(topology: Topology):
    lb = cloud.load_balancer("default", topology)
    assert [str(link.addresses[0]) for link in lb.links] == ["10.240.0.2/24"]
    assert [(str(route.destination), str(route.gateway)) for route in lb.routes] == [
        ("0.0.0.0/0", "10.240.0.1"),
        ("203.0.113.0/24", "None"),
    ]


def test_an_address_of_a_service_leads_to_nodes_or_to_a_proxy(topology: Topology):
    nodes = [ip_address(f"10.240.0.{number}") for number in (3, 4)]
    ways = tuple(NextHop(gateway=node) for node in nodes)
    vips = [ip_address(f"203.0.113.{number}") for number in (1, 2, 3, 4)]
    lb = cloud.load_balancer(
        "default",
        topology,
        [
            Vip(address=vips[0], nexthops=ways),
            Vip(address=vips[1], nexthops=ways[:1]),
            Vip(address=vips[2]),
            Vip(address=vips[3], is_local=True),
        ],
    )
    assert [(str(one.destination), one.nexthops, one.gateway) for one in lb.routes[2:]] == [
        ("203.0.113.1/32", ways, None),
        ("203.0.113.2/32", (), nodes[0]),
    ]
    assert [str(one) for one in lb.links[0].addresses] == ["10.240.0.2/24", "203.0.113.4/32"]


def test_a_node_knows_the_way_to_the_other_nodes_pods(topology: Topology):
    node = cloud.node("default", topology, topology.nodes[0])
    assert {route.destination: str(route.gateway) for route in node.routes} == {
        ip_network("0.0.0.0/0"): "10.240.0.1",
        ip_network("10.244.2.0/24"): "10.240.0.4",
    }


def test_a_client_knows_the_router_only(topology: Topology):
    client = cloud.client("default", topology, topology.clients[0])
    assert [str(link.addresses[0]) for link in client.links] == ["198.51.100.79/24"]
    assert [str(route.gateway) for route in client.routes] == ["198.51.100.1"]


def test_every_link_has_the_labs_packet_size(topology: Topology):
    hosts = [cloud.router("default", topology), cloud.node("default", topology, topology.nodes[0])]
    assert {link.mtu for host in hosts for link in host.links} == {topology.mtu}


def test_every_host_of_a_dual_stack_lab_has_both_families(dual_stack: Topology):
    router = cloud.router("default", dual_stack)
    node = cloud.node("default", dual_stack, dual_stack.nodes[0])
    client = cloud.client("default", dual_stack, dual_stack.clients[0])
    hosts = [router, node, client]
    assert [[str(one) for one in host.links[0].addresses] for host in hosts] == [
        ["10.240.0.1/24", "fd00:10:240::1/64"],
        ["10.240.0.3/24", "fd00:10:240::3/64"],
        ["198.51.100.79/24", "2001:db8:198:51::79/64"],
    ]
    ways = {
        str(route.destination): str(route.gateway) for host in hosts[:2] for route in host.routes
    }
    assert ways == {
        "203.0.113.0/24": "10.240.0.2",
        "2001:db8:203::/64": "fd00:10:240::2",
        "0.0.0.0/0": "10.240.0.1",
        "::/0": "fd00:10:240::1",
        "10.244.2.0/24": "10.240.0.4",
        "fd00:10:244:2::/64": "fd00:10:240::4",
    }
