"""A lab of two nodes and a client."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from netlab.model.pods import PodPlacement
from netlab.model.topology import Networks, Topology, TopologyClient, TopologyNode


@pytest.fixture
def topology() -> Topology:
    return Topology(
        name="any",
        networks=(
            Networks(
                nodes=ip_network("10.240.0.0/24"),
                pods=ip_network("10.244.0.0/16"),
                services=ip_network("10.0.0.0/16"),
                clients=ip_network("198.51.100.0/24"),
                external_ips=ip_network("192.0.2.0/24"),
                vips=ip_network("203.0.113.0/24"),
            ),
        ),
        nodes=tuple(
            TopologyNode(
                name=f"node{number}",
                addresses=(ip_address(f"10.240.0.{number + 2}"),),
                external_ips=(ip_address(f"192.0.2.{number + 2}"),),
                pod_cidrs=(ip_network(f"10.244.{number}.0/24"),),
            )
            for number in (1, 2)
        ),
        lb=(ip_address("10.240.0.2"),),
        clients=(TopologyClient(name="client", addresses=(ip_address("198.51.100.79"),)),),
    )


@pytest.fixture
def dual_stack(topology: Topology) -> Topology:
    ipv6 = Networks(
        nodes=ip_network("fd00:10:240::/64"),
        pods=ip_network("fd00:10:244::/48"),
        services=ip_network("fd00:10:96::/112"),
        clients=ip_network("2001:db8:198:51::/64"),
        external_ips=ip_network("2001:db8:192::/64"),
        vips=ip_network("2001:db8:203::/64"),
    )
    nodes = tuple(
        replace(
            node,
            addresses=(*node.addresses, ipv6.nodes[number + 2]),
            external_ips=(*node.external_ips, ipv6.external_ips[number + 2]),
            pod_cidrs=(*node.pod_cidrs, ip_network(f"fd00:10:244:{number}::/64")),
        )
        for number, node in enumerate(topology.nodes, start=1)
    )
    (client,) = topology.clients
    return replace(
        topology,
        networks=(*topology.networks, ipv6),
        nodes=nodes,
        clients=(replace(client, addresses=(*client.addresses, ipv6.clients[0x79])),),
        lb=(*topology.lb, ipv6.nodes[2]),
    )


@pytest.fixture
def pod() -> PodPlacement:
    return PodPlacement(
        namespace="default", name="web-1", node="node1", addresses=(ip_address("10.244.1.2"),)
    )
