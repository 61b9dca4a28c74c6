"""Which pods a budget lets go: by how many are ready, and whether the one that is to go is."""

import pytest

from netlab.apiserver.registry.eviction import evict
from netlab.kube.conditions import with_condition
from netlab.kube.objects import Object, is_terminating, with_status
from netlab.kube.status import StatusError
from tests.unit.controllers.cluster import Cluster, deployment


def lab(spec: Object, unready: int) -> Cluster:
    """Return three pods, so many of them not ready, and a budget."""
    cluster = Cluster()
    cluster.create(deployment(3))
    cluster.start_pods()
    for pod in cluster.pods[:unready]:
        conditions = with_condition(pod["status"]["conditions"], "Ready", "False", cluster.now)
        cluster.store.update(with_status(pod, conditions=conditions))
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
    }
    cluster.create(budget)
    return cluster


@pytest.mark.parametrize(
    ("spec", "unready", "of_unready", "may_go"),
    [
        pytest.param({"minAvailable": 2}, 0, False, True, id="one may go"),
        pytest.param({"minAvailable": 3}, 0, False, False, id="all are needed"),
        pytest.param({"maxUnavailable": 1}, 1, False, False, id="one is missing already"),
        pytest.param({"minAvailable": 2}, 1, True, True, id="not ready, of enough"),
        pytest.param({"minAvailable": 3}, 1, True, False, id="not ready, of too few"),
        pytest.param(
            {"minAvailable": 3, "unhealthyPodEvictionPolicy": "IfHealthyBudget"},
            1,
            True,
            False,
            id="not ready, of too few, by name",
        ),
        pytest.param(
            {"minAvailable": 3, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
            1,
            True,
            True,
            id="not ready, always allowed",
        ),
    ],
)
def test_a_pod_may_be_evicted(spec: Object, unready: int, *, of_unready: bool, may_go: bool):
    cluster = lab(spec, unready)
    pod = cluster.pods[0 if of_unready else -1]
    if may_go:
        evict(cluster.store, pod, cluster.now, {}, is_dry_run=False)
        assert sum(map(is_terminating, cluster.pods)) == 1
    else:
        with pytest.raises(StatusError, match="violate the pod's disruption budget"):
            evict(cluster.store, pod, cluster.now, {}, is_dry_run=False)
