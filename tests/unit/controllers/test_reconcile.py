"""The controllers together: what a change in the store comes to."""

from collections.abc import Callable
from ipaddress import ip_address
from time import thread_time

import pytest

from netlab.apiserver.registry.deletion import delete
from netlab.controllers.pod_control import MAX_UNSCHEDULED
from netlab.controllers.reconcile import Reconciler
from netlab.errors import LabError
from netlab.kube.defaults import with_defaults
from netlab.kube.kinds.pod.status import Exit, container_exited
from netlab.kube.objects import (
    Key,
    Object,
    is_terminating,
    labels_of,
    name_of,
    with_metadata,
    with_spec,
    with_status,
)
from netlab.kube.resources import key_of
from tests.unit.controllers.cluster import NOW, Cluster, deployment, node, pod, service


@pytest.fixture
def cluster():
    return Cluster()


def test_a_deployment_becomes_pods_on_all_nodes_with_addresses(cluster: Cluster):
    cluster.create(deployment(4))
    assert sorted(one["spec"]["nodeName"] for one in cluster.pods) == ["node1"] * 2 + ["node2"] * 2
    assert sorted(one["status"]["podIP"] for one in cluster.pods) == [
        "10.244.1.2",
        "10.244.1.3",
        "10.244.2.2",
        "10.244.2.3",
    ]
    (replicaset,) = cluster.list("replicasets")
    digest = labels_of(replicaset)["pod-template-hash"]
    assert name_of(replicaset) == f"web-{digest}"
    assert all(name_of(one).startswith(f"web-{digest}-") for one in cluster.pods)


def test_what_is_settled_stays_as_it_is(cluster: Cluster):
    cluster.create(deployment())
    cluster.create(service())
    cluster.start_pods()
    version = cluster.store.version
    cluster.run()
    Reconciler(cluster.store).reconcile(cluster.now)
    assert cluster.store.version == version


def test_endpoints_follow_the_pods(cluster: Cluster):
    cluster.create(service())
    cluster.create(deployment())
    first, second = (name_of(one) for one in cluster.pods)
    assert cluster.endpoints()[first] == {"ready": False, "serving": False, "terminating": False}
    cluster.start_pods()
    assert all(conditions["ready"] for conditions in cluster.endpoints().values())
    (one,) = cluster.list("endpointslices")
    assert one["ports"] == [{"name": "", "protocol": "TCP", "port": 8080}]
    assert {endpoint["zone"] for endpoint in one["endpoints"]} == {"z1", "z2"}
    cluster.change("pods", first, lambda p: container_exited(p, "c", Exit(code=1), cluster.now))
    assert not cluster.endpoints()[first]["ready"]
    cluster.change("pods", second, lambda p: with_metadata(p, labels={"app": "else"}))
    assert second not in cluster.endpoints()


def test_a_deleted_pod_serves_until_it_is_gone_and_keeps_its_address(cluster: Cluster):
    cluster.create(service())
    cluster.create(deployment())
    cluster.start_pods()
    gone = cluster.pods[0]
    delete(cluster.store, key_of(gone), cluster.now)
    cluster.run()
    expected = {"ready": False, "serving": True, "terminating": True}
    assert cluster.endpoints()[name_of(gone)] == expected
    addresses = [one["status"]["podIP"] for one in cluster.pods]
    assert len(addresses) == len(set(addresses)) == 3
    (endpoints,) = cluster.list("endpoints")
    listed = [entry["ip"] for subset in endpoints["subsets"] for entry in subset["addresses"]]
    assert gone["status"]["podIP"] not in listed
    cluster.store.remove(key_of(gone))
    cluster.run()
    assert name_of(gone) not in cluster.endpoints()
    cluster.create(pod("late", nodeName=gone["spec"]["nodeName"]))
    late = cluster.store.require(Key("pods", "default", "late"))
    assert late["status"]["podIP"] == gone["status"]["podIP"]


def test_scaling_down_takes_the_pods_that_are_not_ready_first(cluster: Cluster):
    cluster.create(deployment(3))
    cluster.start_pods()
    broken = name_of(cluster.pods[1])
    cluster.change("pods", broken, lambda p: container_exited(p, "c", Exit(code=1), cluster.now))
    cluster.change("deployments", "web", lambda d: with_spec(d, replicas=2))
    assert [name_of(one) for one in cluster.pods if is_terminating(one)] == [broken]


def rolled_out(cluster: Cluster, check: Callable[[], None]):
    for _ in range(30):
        check()
        before = cluster.store.version
        cluster.start_pods()
        if cluster.store.version == before:
            return
    pytest.fail("the rollout has no end")


def new_image(obj: Object):
    template = deployment(image="echo:2")["spec"]["template"]
    return with_defaults(with_spec(obj, template=template))


def test_a_rolling_update_keeps_enough_pods_and_not_too_many():
    cluster = Cluster(nodes=5)
    cluster.create(deployment(4))
    cluster.start_pods()
    cluster.change("deployments", "web", new_image)

    def check():
        living = [one for one in cluster.pods if not is_terminating(one)]
        assert len(living) <= 5
        assert sum(one["status"]["phase"] == "Running" for one in living) >= 3

    rolled_out(cluster, check)
    assert {one["spec"]["containers"][0]["image"] for one in cluster.pods} == {"echo:2"}
    (web,) = cluster.list("deployments")
    assert web["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    assert web["status"]["observedGeneration"] == web["metadata"]["generation"]
    assert web["status"]["updatedReplicas"] == web["status"]["availableReplicas"] == 4
    reasons = {one["type"]: one["reason"] for one in web["status"]["conditions"]}
    assert reasons == {
        "Available": "MinimumReplicasAvailable",
        "Progressing": "NewReplicaSetAvailable",
    }


def test_recreate_starts_new_pods_when_the_old_ones_are_gone(cluster: Cluster):
    cluster.create(deployment(2, strategy={"type": "Recreate"}))
    cluster.start_pods()
    cluster.change("deployments", "web", new_image)

    def check():
        assert len({one["spec"]["containers"][0]["image"] for one in cluster.pods}) <= 1

    rolled_out(cluster, check)
    assert {one["spec"]["containers"][0]["image"] for one in cluster.pods} == {"echo:2"}


def test_going_back_to_an_old_template_takes_its_replicaset_again(cluster: Cluster):
    cluster.create(deployment())
    cluster.start_pods()
    (first,) = cluster.list("replicasets")
    cluster.change("deployments", "web", new_image)
    rolled_out(cluster, lambda: None)
    back = deployment()["spec"]["template"]
    cluster.change("deployments", "web", lambda d: with_defaults(with_spec(d, template=back)))
    rolled_out(cluster, lambda: None)
    sizes = {name_of(one): one["spec"]["replicas"] for one in cluster.list("replicasets")}
    assert len(sizes) == 2
    assert sizes[name_of(first)] == 2
    (web,) = cluster.list("deployments")
    assert web["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


def test_a_rollout_that_stands_still_exceeds_its_deadline(cluster: Cluster):
    cluster.create(deployment(progressDeadlineSeconds=60))
    assert cluster.run() == NOW + 60
    cluster.run(61)
    (web,) = cluster.list("deployments")
    reasons = [one["reason"] for one in web["status"]["conditions"]]
    assert "ProgressDeadlineExceeded" in reasons


@pytest.mark.parametrize(
    ("nodes", "spec", "expected"),
    [
        pytest.param([node(1), node(2)], {}, "node1", id="the first of equal nodes"),
        pytest.param(
            [node(1), node(2)],
            {"nodeSelector": {"kubernetes.io/hostname": "node2"}},
            "node2",
            id="the one that the selector allows",
        ),
        pytest.param([node(1, unschedulable=True), node(2)], {}, "node2", id="none that is closed"),
        pytest.param([node(1)], {"nodeName": "node7"}, "node7", id="the one asked for by name"),
        pytest.param([], {}, None, id="none without nodes"),
        pytest.param([node(1)], {"nodeSelector": {"disk": "ssd"}}, None, id="none that fits"),
    ],
)
def test_a_pod_goes_to(nodes: list[Object], spec: Object, expected: str | None):
    cluster = Cluster(nodes=0)
    for one in nodes:
        cluster.store.create(one)
    cluster.create(pod("web", **spec))
    (web,) = cluster.pods
    assert web["spec"].get("nodeName") == expected
    if expected is None:
        (scheduled,) = web["status"]["conditions"]
        assert (scheduled["status"], scheduled["reason"]) == ("False", "Unschedulable")


def test_a_node_without_a_free_address_says_so_and_uses_the_next_one():
    cluster = Cluster(nodes=1)
    for place in range(6):
        cluster.create(pod(f"web-{place}", nodeName="node1"))
    left_out = cluster.pods[5]
    assert left_out["status"]["reason"] == "NoFreeAddress"
    cluster.store.remove(key_of(cluster.pods[0]))
    cluster.run()
    after = cluster.store.require(key_of(left_out))["status"]
    assert after["podIP"] == "10.244.1.2"
    assert "reason" not in after
    held = {ip_address(one["status"]["podIP"]) for one in cluster.pods}
    assert len(held) == 5


def test_endpoints_written_by_hand_are_mirrored(cluster: Cluster):
    cluster.create(service(selector=None))
    assert cluster.list("endpointslices") == []
    more = {"hostname": "db", "nodeName": "node1", "targetRef": {"kind": "Pod", "name": "db-0"}}
    port = {"name": "sql", "port": 9000, "protocol": "TCP", "appProtocol": "mysql"}
    addresses, unready = [{"ip": "192.0.2.9", **more}], [{"ip": "192.0.2.8"}]
    subsets = [{"addresses": addresses, "notReadyAddresses": unready, "ports": [port]}]
    metadata = {"name": "web", "namespace": "default"}
    cluster.create(
        {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": subsets}
    )
    (mirror,) = cluster.list("endpointslices")
    assert labels_of(mirror)["kubernetes.io/service-name"] == "web"
    assert mirror["ports"] == [port]
    assert mirror["endpoints"] == [
        {"addresses": ["192.0.2.9"], "conditions": {"ready": True}, **more},
        {"addresses": ["192.0.2.8"], "conditions": {"ready": False}},
    ]
    cluster.store.remove(Key("endpoints", "default", "web"))
    cluster.run()
    assert cluster.list("endpointslices") == []


def test_more_than_a_hundred_endpoints_fill_several_slices():
    cluster = Cluster(nodes=0)
    cluster.store.create({**node(1), "spec": {"podCIDR": "10.244.0.0/16"}})
    cluster.create(deployment(250))
    cluster.create(service())
    sizes = sorted(len(one["endpoints"]) for one in cluster.list("endpointslices"))
    assert sizes == [50, 100, 100]
    cluster.start_pods()
    versions = {
        name_of(s): s["metadata"]["resourceVersion"] for s in cluster.list("endpointslices")
    }
    cluster.store.remove(key_of(cluster.pods[0]))
    cluster.run()
    after = {name_of(s): s["metadata"]["resourceVersion"] for s in cluster.list("endpointslices")}
    assert after.keys() == versions.keys()
    assert sum(after[name] != versions[name] for name in after) <= 2


def test_deleting_a_deployment_takes_all_it_owns(cluster: Cluster):
    cluster.create(service())
    cluster.create(deployment())
    cluster.start_pods()
    delete(cluster.store, Key("deployments", "default", "web"), cluster.now)
    delete(cluster.store, Key("services", "default", "web"), cluster.now)
    cluster.run()
    assert all(is_terminating(one) for one in cluster.pods)
    cluster.start_pods()
    for kind in ("pods", "replicasets", "endpointslices", "endpoints"):
        assert cluster.list(kind) == []


def test_a_namespace_goes_when_the_last_thing_in_it_is_gone(cluster: Cluster):
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}})
    web = with_metadata(deployment(1), namespace="prod")
    cluster.create(web)
    cluster.start_pods()
    delete(cluster.store, Key("namespaces", "", "prod"), cluster.now)
    cluster.run()
    prod = cluster.store.require(Key("namespaces", "", "prod"))
    assert prod["status"]["phase"] == "Terminating"
    assert [one["metadata"]["namespace"] for one in cluster.pods] == ["prod"]
    cluster.start_pods()
    assert cluster.store.get(Key("namespaces", "", "prod")) is None


def test_a_pod_that_is_relabelled_is_released_and_replaced(cluster: Cluster):
    cluster.create(deployment(1))
    cluster.start_pods()
    (released,) = cluster.pods
    cluster.change(
        "pods", name_of(released), lambda p: with_metadata(p, labels={"app": "looked-at"})
    )
    assert len(cluster.pods) == 2
    assert cluster.store.require(key_of(released))["metadata"]["ownerReferences"] == []


def test_a_store_that_cannot_be_written_loses_no_work(cluster: Cluster):
    cluster.create(deployment(1))
    cluster.store.create(service())

    def full(*_: object):
        raise LabError("cannot write the lab's store: database or disk is full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster.store, "_commit", full)
        with pytest.raises(LabError):
            cluster.run()
        assert cluster.list("endpointslices") == []
    cluster.run()
    assert len(cluster.list("endpointslices")) == 1


def test_an_object_that_cannot_be_read_stops_no_other():
    cluster = Cluster()
    bad = with_metadata(deployment(1), name="bad")
    cluster.store.create(with_defaults(with_spec(bad, selector=None)))
    cluster.create(deployment(1))
    cluster.create(service())
    assert [name_of(one) for one in cluster.list("replicasets")] != []
    assert len(cluster.endpoints()) == 1
    ((where, why),) = cluster.reconciler.problems.items()
    assert where == "deployment: deployments default/bad"
    assert why.startswith("AttributeError: ")
    wake = cluster.run()
    assert wake == pytest.approx(cluster.now + 1)
    assert cluster.run(1) == pytest.approx(cluster.now + 2)
    assert cluster.run(2) == pytest.approx(cluster.now + 4)
    cluster.change("deployments", "bad", lambda _: with_defaults(bad))
    assert cluster.reconciler.problems == {}


@pytest.mark.parametrize(
    "status",
    [
        {"podIPs": [{"ip": "x"}]},
        {"podIPs": [{}], "podIP": "x"},
        {"podIP": "10.244.1.2", "podIPs": [{"ip": "fe80::1%eth0"}]},
    ],
)
def test_a_pod_whose_address_is_none_is_left_out_of_endpoints(cluster: Cluster, status: Object):
    cluster.create(deployment(2))
    cluster.create(service())
    cluster.start_pods()
    first, second = cluster.pods
    cluster.store.update({**first, "status": {**first["status"], **status}})
    cluster.run()
    assert list(cluster.endpoints()) == [name_of(second)]
    assert cluster.reconciler.problems == {}


def test_a_million_replicas_come_in_steps_and_stop_where_nodes_are_full():
    cluster = Cluster()
    for one in cluster.store.list_("nodes"):
        cluster.store.update(with_status(one, allocatable={"pods": "5"}))
    cluster.store.create(with_defaults(deployment(1_000_000)))
    counts, holds = [0], []
    began = thread_time()
    while (wake := cluster.reconciler.reconcile(cluster.now)) is not None and wake <= cluster.now:
        holds.append(thread_time() - began)
        counts.append(len(cluster.store.list_("pods")))
        assert counts[-1] - counts[-2] <= 150
        assert len(counts) < 1000
        began = thread_time()
    # The API waits for one of them: some 20 ms of processor time, more on a slow machine.
    assert sorted(holds)[len(holds) // 2] < 0.1
    pods = cluster.store.list_("pods")
    assert len(pods) == MAX_UNSCHEDULED + 2 * 5
    (replicaset,) = cluster.list("replicasets")
    assert replicaset["status"]["replicas"] == len(pods)
    (failure,) = replicaset["status"]["conditions"]
    assert (failure["type"], failure["reason"]) == ("ReplicaFailure", "FailedCreate")
    cluster.change("deployments", "web", lambda one: with_spec(one, replicas=2))
    assert len([one for one in cluster.pods if not is_terminating(one)]) == 2
    (replicaset,) = cluster.list("replicasets")
    assert "conditions" not in replicaset["status"]


@pytest.mark.parametrize("finalizer", ["foregroundDeletion", "orphan"])
def test_an_owner_waits_for_what_it_owns_or_lets_it_go(cluster: Cluster, finalizer: str):
    cluster.create(deployment(1))
    cluster.start_pods()
    cluster.change(
        "deployments",
        "web",
        lambda one: with_metadata(
            one, finalizers=[finalizer], deletionTimestamp="2027-01-15T08:00:00Z"
        ),
    )
    if finalizer == "orphan":
        assert len(cluster.pods) == 1
        assert [one["metadata"]["ownerReferences"] for one in cluster.list("replicasets")] == [[]]
    else:
        assert cluster.list("replicasets") == []
        assert all(is_terminating(one) for one in cluster.pods)
    assert cluster.list("deployments") == []
