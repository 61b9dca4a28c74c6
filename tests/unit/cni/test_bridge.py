from netlab.cni import bridge
from netlab.model.pods import PodPlacement
from netlab.model.topology import Topology


def test_the_bridge_has_the_gateway_of_the_nodes_pods(topology: Topology):
    (cni0,) = bridge.node_links("default", topology, topology.nodes[1])
    assert (cni0.ifname, cni0.peer) == ("cni0", None)
    assert [str(address) for address in cni0.addresses] == ["10.244.2.1/24"]


def test_a_pod_sees_its_neighbours_on_the_link(topology: Topology, pod: PodPlacement):
    wire = bridge.attach("default", topology, topology.nodes[0], pod)
    (eth0,) = wire.pod.links
    assert [str(address) for address in eth0.addresses] == ["10.244.1.2/24"]
    assert [str(route.gateway) for route in wire.pod.routes] == ["10.244.1.1"]


def test_a_pod_can_call_itself_through_its_service(topology: Topology, pod: PodPlacement):
    wire = bridge.attach("default", topology, topology.nodes[0], pod)
    assert (wire.node_link.master, wire.node_link.hairpin) == ("cni0", True)
    assert wire.node_link.addresses == ()
    assert wire.node_routes == ()
