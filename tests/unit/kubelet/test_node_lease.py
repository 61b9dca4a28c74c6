"""The nodes' signs of life."""

from netlab.apiserver.store import Store
from netlab.kube.objects import Key, Object, spec_of, status_of
from netlab.kube.unreadable import UnreadableObjects
from netlab.kubelet.node_lease import renew_leases
from netlab.kubelet.node_status import store_nodes
from netlab.model.topology import Topology

NOW = 1_800_000_000.0
NODE1 = Key("nodes", "", "node1")
LEASE1 = Key("leases", "kube-node-lease", "node1")


def ready(store: Store) -> Object:
    conditions = status_of(store.require(NODE1))["conditions"]
    return next(one for one in conditions if one["type"] == "Ready")


def test_each_node_holds_a_lease_that_is_renewed_every_ten_seconds(
    store: Store, topology: Topology
):
    store_nodes(store, topology, NOW)
    assert renew_leases(store, NOW, UnreadableObjects()) == NOW + 10
    assert spec_of(store.require(LEASE1)) == {
        "holderIdentity": "node1",
        "leaseDurationSeconds": 40,
        "renewTime": "2027-01-15T08:00:00.000000Z",
    }
    renew_leases(store, NOW + 10.5, UnreadableObjects())
    assert spec_of(store.require(LEASE1))["renewTime"] == "2027-01-15T08:00:10.500000Z"


def test_a_lease_goes_with_its_node(store: Store, topology: Topology):
    store_nodes(store, topology, NOW)
    renew_leases(store, NOW, UnreadableObjects())
    [owner] = store.require(LEASE1)["metadata"]["ownerReferences"]
    assert owner["uid"] == store.require(NODE1)["metadata"]["uid"]


def test_heartbeats_follow_every_five_minutes_and_transitions_do_not(
    store: Store, topology: Topology
):
    store_nodes(store, topology, NOW)
    before = ready(store)
    renew_leases(store, NOW + 299, UnreadableObjects())
    assert ready(store) == before
    renew_leases(store, NOW + 300, UnreadableObjects())
    assert ready(store) == {**before, "lastHeartbeatTime": "2027-01-15T08:05:00Z"}
