from dataclasses import replace
from ipaddress import ip_address

import pytest

from netlab.cni.kinds import KINDS
from netlab.model.names import IFNAME_BYTES
from netlab.model.pods import PodPlacement
from netlab.model.topology import Cni, Topology


@pytest.mark.parametrize("kind", Cni)
def test_every_kind_wires_a_pod_to_its_node(kind: Cni, topology: Topology, pod: PodPlacement):
    long = replace(pod, name="source-ip-app-5d8b4f7d9c-x2x7p")
    wire = KINDS[kind].attach("default", topology, topology.nodes[0], long)
    (eth0,) = wire.pod.links
    assert eth0.peer
    assert wire.node_link.peer
    assert (eth0.peer.netns, eth0.peer.ifname) == ("netlab-default-node1", wire.node_link.ifname)
    assert wire.node_link.peer.netns == "netlab-default-default.source-ip-app-5d8b4f7d9c-x2x7p"
    assert len(wire.node_link.ifname) <= IFNAME_BYTES
    assert tuple(address.ip for address in eth0.addresses) == pod.addresses
    assert str(wire.pod.routes[-1].destination) == "0.0.0.0/0"


@pytest.mark.parametrize("kind", Cni)
def test_a_pod_of_both_families_has_two_addresses_and_two_ways_out(kind: Cni, dual_stack: Topology):
    both = PodPlacement(
        namespace="default",
        name="web-1",
        node="node1",
        addresses=(ip_address("10.244.1.2"), ip_address("fd00:10:244:1::2")),
    )
    wire = KINDS[kind].attach("default", dual_stack, dual_stack.nodes[0], both)
    assert tuple(address.ip for address in wire.pod.links[0].addresses) == both.addresses
    ways = {str(way.destination): str(way.gateway) for way in wire.pod.routes if way.gateway}
    assert ways == {"0.0.0.0/0": "10.244.1.1", "::/0": "fd00:10:244:1::1"}
