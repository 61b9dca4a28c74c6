"""Pods leave a node that has a taint NoExecute, at once or when their time is over."""

import pytest

from netlab.apiserver.changes import Delete, Update
from netlab.controllers.taint_eviction import step
from netlab.kube.events import Record
from netlab.kube.objects import Object, name_of, spec_of

NOW = 1_800_000_000.0
ADDED = "2027-01-15T08:00:00Z"
"""NOW."""


def node(*taints: Object) -> Object:
    return {"kind": "Node", "metadata": {"name": "node1"}, "spec": {"taints": list(taints)}}


def taint(effect: str = "NoExecute", **more: object) -> Object:
    return {"key": "k", "value": "v", "effect": effect, "timeAdded": ADDED, **more}


def pod(*tolerations: Object, **metadata: object) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default", "uid": "1", **metadata},
        "spec": {"nodeName": "node1", "tolerations": list(tolerations)},
    }


FOR_EVER: Object = {"key": "k", "operator": "Exists", "effect": "NoExecute"}
TEN_S: Object = {**FOR_EVER, "tolerationSeconds": 10}


@pytest.mark.parametrize(
    ("one", "now", "is_evicted", "wake_at"),
    [
        pytest.param(pod(), NOW, True, None, id="no toleration"),
        pytest.param(pod(FOR_EVER), NOW + 99, False, None, id="tolerated for ever"),
        pytest.param(pod(TEN_S), NOW + 9, False, NOW + 10, id="tolerated for a while"),
        pytest.param(pod(TEN_S), NOW + 10, True, None, id="the while is over"),
        pytest.param(pod(TEN_S, FOR_EVER), NOW + 5, False, NOW + 10, id="the shortest counts"),
        pytest.param(pod({**FOR_EVER, "key": "other"}), NOW, True, None, id="another taint's"),
        pytest.param(pod(deletionTimestamp=ADDED), NOW, False, None, id="it goes already"),
    ],
)
def test_a_pod_stays_as_long_as_it_tolerates(
    one: Object, now: float, is_evicted: bool, wake_at: float | None
):
    outcome = step(node(taint()), [one], now)
    kinds = [type(change) for change in outcome.changes]
    assert kinds == ([Record, Delete] if is_evicted else [])
    assert outcome.wake_at == wake_at


def test_other_effects_evict_nobody():
    assert step(node(taint("NoSchedule")), [pod()], NOW).changes == ()


def test_when_a_taint_was_added_is_written_down_first():
    bare = {"key": "k", "effect": "NoExecute"}
    [change] = step(node(bare), [pod()], NOW).changes
    assert isinstance(change, Update)
    assert name_of(change.object) == "node1"
    assert spec_of(change.object)["taints"] == [{**bare, "timeAdded": ADDED}]
