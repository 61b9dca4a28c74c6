from dataclasses import replace
from ipaddress import ip_network

from netlab.apiserver.store import Store
from netlab.kube.objects import Key, Object, labels_of, name_of, spec_of, status_of
from netlab.kubelet.node_status import remove_unplaced, store_nodes
from netlab.model.topology import Topology

NOW = 1_800_000_000.0
NODE1 = Key("nodes", "", "node1")


def addresses(store: Store) -> dict[str, str]:
    found = status_of(store.require(NODE1))["addresses"]
    return {address["type"]: address["address"] for address in found}


def test_a_node_is_what_the_topology_says(store: Store, topology: Topology):
    store_nodes(store, topology, NOW)
    node = store.require(NODE1)
    assert spec_of(node)["podCIDR"] == "10.244.1.0/24"
    assert addresses(store) == {
        "InternalIP": "10.240.0.3",
        "ExternalIP": "192.0.2.3",
        "Hostname": "node1",
    }
    assert labels_of(node)["topology.kubernetes.io/zone"] == "zone-1"
    assert labels_of(node)["kubernetes.io/hostname"] == "node1"
    ready = [c["status"] for c in status_of(node)["conditions"] if c["type"] == "Ready"]
    assert ready == ["True"]


def test_doing_it_twice_changes_nothing(store: Store, topology: Topology):
    store_nodes(store, topology, NOW)
    before = store.version
    store_nodes(store, topology, NOW + 60)
    assert store.version == before


def test_nodes_come_go_and_change_with_the_topology(store: Store, topology: Topology):
    store_nodes(store, topology, NOW)
    store_nodes(store, replace(topology, nodes=topology.nodes[1:]), NOW)
    assert [key["metadata"]["name"] for key in store.list_("nodes")] == ["node2"]
    moved = replace(topology.nodes[0], addresses=(topology.networks[0].nodes[9],))
    store_nodes(store, replace(topology, nodes=(moved,)), NOW)
    assert addresses(store)["InternalIP"] == "10.240.0.9"


def test_what_a_user_wrote_on_a_node_stays(store: Store, topology: Topology):
    store_nodes(store, topology, NOW)
    node = store.require(NODE1)
    labels = {**labels_of(node), "rack": "7"}
    metadata = {**node["metadata"], "labels": labels}
    spec = {**spec_of(node), "unschedulable": True}
    store.update({**node, "metadata": metadata, "spec": spec})
    store_nodes(store, topology, NOW)
    assert labels_of(store.require(NODE1))["rack"] == "7"
    assert spec_of(store.require(NODE1))["unschedulable"] is True


def pod(name: str, node: str, address: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": node} if node else {},
        "status": {"podIP": address, "podIPs": [{"ip": address}]} if address else {},
    }


def test_pods_that_cannot_be_where_they_are_go(store: Store, topology: Topology):
    for one in (
        pod("stays", "node1", "10.244.1.2"),
        pod("of-the-host", "node1", "10.240.0.3"),
        pod("moved", "node2", "10.244.2.2"),
        pod("lost", "node9", "10.244.9.2"),
        pod("waits", "node9", ""),
        pod("unbound", "", ""),
    ):
        store.create(one)
    first, second = topology.nodes
    second = replace(second, pod_cidrs=(ip_network("10.100.2.0/24"),))
    remove_unplaced(store, replace(topology, nodes=(first, second)))
    assert [name_of(one) for one in store.list_("pods")] == [
        "of-the-host",
        "stays",
        "unbound",
        "waits",
    ]
