from netlab.cni import ptp
from netlab.model.pods import PodPlacement
from netlab.model.topology import Topology


def test_every_packet_of_a_pod_meets_its_node(topology: Topology, pod: PodPlacement):
    wire = ptp.attach("default", topology, topology.nodes[0], pod)
    (eth0,) = wire.pod.links
    assert [str(address) for address in eth0.addresses] == ["10.244.1.2/32"]
    assert [(str(r.destination), r.ifname, str(r.gateway)) for r in wire.pod.routes] == [
        ("10.244.1.1/32", "eth0", "None"),
        ("0.0.0.0/0", None, "10.244.1.1"),
    ]
    assert [str(address) for address in wire.node_link.addresses] == ["10.244.1.1/32"]
    assert [(str(r.destination), r.ifname) for r in wire.node_routes] == [
        ("10.244.1.2/32", "veth-web-1")
    ]
    assert wire.node_link.master is None


def test_a_node_needs_nothing_before_its_first_pod(topology: Topology):
    assert ptp.node_links("default", topology, topology.nodes[0]) == ()
