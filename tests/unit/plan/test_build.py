from dataclasses import replace
from ipaddress import ip_address

from netlab.model.pods import PodPlacement
from netlab.model.topology import Cni, Topology
from netlab.plan.build import build_lab


def test_the_router_comes_first_then_hosts_nodes_and_pods(topology: Topology, pod: PodPlacement):
    assert list(build_lab("default", topology, [pod])) == [
        "netlab-default-router",
        "netlab-default-lb",
        "netlab-default-client",
        "netlab-default-node1",
        "netlab-default-node2",
        "netlab-default-default.web-1",
    ]


def test_a_pod_on_a_node_that_is_not_there_is_left_out(topology: Topology, pod: PodPlacement):
    elsewhere = replace(pod, node="node9")
    assert build_lab("default", topology, [elsewhere]) == build_lab("default", topology, [])


def test_a_pod_adds_its_wire_and_its_route_to_its_node_alone(topology: Topology, pod: PodPlacement):
    empty = build_lab("default", topology, [])
    full = build_lab("default", topology, [pod])
    assert {name for name in empty if empty[name] != full[name]} == {"netlab-default-node1"}
    node = full["netlab-default-node1"]
    assert [link.ifname for link in node.links] == ["eth0", "veth-web-1"]
    assert node.routes[-1].ifname == "veth-web-1"
    assert node.routes[-1].destination.network_address == ip_address("10.244.1.2")


def test_both_ends_of_every_wire_name_each_other(topology: Topology, pod: PodPlacement):
    for cni in Cni:
        lab = build_lab("default", replace(topology, cni=cni), [pod])
        ends = {(name, link.ifname): link for name, state in lab.items() for link in state.links}
        for (name, ifname), link in ends.items():
            if link.peer:
                other = ends[link.peer.netns, link.peer.ifname]
                assert other.mac == link.peer.mac
                assert other.peer
                assert (other.peer.netns, other.peer.ifname, other.peer.mac) == (
                    name,
                    ifname,
                    link.mac,
                )


def test_labs_share_addresses_and_nothing_else(topology: Topology, pod: PodPlacement):
    one, two = (build_lab(lab, topology, [pod]) for lab in ("one", "two"))
    assert not one.keys() & two.keys()
    macs = [{link.mac for state in lab.values() for link in state.links} for lab in (one, two)]
    assert not macs[0] & macs[1]
