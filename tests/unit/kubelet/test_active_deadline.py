"""A pod that is active for too long has failed."""

from netlab.apiserver.store import Store
from netlab.kube.kinds.pod.status import Exit, container_exited, containers_started
from netlab.kube.objects import Key, Object, status_of
from netlab.kube.unreadable import UnreadableObjects
from netlab.kubelet.active_deadline import enforce_deadlines
from netlab.kubelet.lifecycle import due_containers, left_over

NOW = 1_800_000_000.0
WEB = Key("pods", "default", "web")


def started(store: Store, **spec: object) -> Object:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"nodeName": "node1", "containers": [{"name": "c"}], **spec},
    }
    return store.update(containers_started(store.create(pod), NOW))


def test_its_time_begins_when_it_starts(store: Store):
    started(store, activeDeadlineSeconds=5)
    assert enforce_deadlines(store, NOW + 4, UnreadableObjects()) == ([], NOW + 5)
    assert status_of(store.require(WEB))["phase"] == "Running"


def test_it_fails_and_ends_and_is_not_started_again(store: Store):
    started(store, activeDeadlineSeconds=5)
    [told], later = enforce_deadlines(store, NOW + 5, UnreadableObjects())
    pod = store.require(WEB)
    assert (told.reason, later) == ("DeadlineExceeded", None)
    assert (status_of(pod)["phase"], status_of(pod)["reason"]) == ("Failed", "DeadlineExceeded")
    assert left_over(pod, ["c"]) == ["c"]
    ended = container_exited(pod, "c", Exit(code=143, signal=15), NOW + 6)
    assert status_of(ended)["phase"] == "Failed"
    assert due_containers(ended, [], {}, NOW + 6) == []
    assert enforce_deadlines(store, NOW + 7, UnreadableObjects()) == ([], None)


def test_a_pod_without_a_limit_goes_on(store: Store):
    started(store)
    assert enforce_deadlines(store, NOW + 9999, UnreadableObjects()) == ([], None)
