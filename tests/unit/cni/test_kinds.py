from dataclasses import replace

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
    assert eth0.addresses[0].ip == pod.address
    assert str(wire.pod.routes[-1].destination) == "0.0.0.0/0"
