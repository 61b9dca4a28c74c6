"""Which pods a scale-down takes, and how far a rollout may go at once."""

import pytest

from netlab.controllers.deployment.rolling import limits, next_sizes
from netlab.controllers.replicaset import is_available, to_delete
from netlab.kube.objects import Object, name_of
from netlab.kube.timestamps import timestamp

NOW = 1_800_000_000.0


def pod(name: str, *, ready: bool = True, node: str = "node1", age_s: float = 100) -> Object:
    since = timestamp(NOW - age_s)
    conditions = [{"type": "Ready", "status": str(ready), "lastTransitionTime": since}]
    return {
        "metadata": {"name": name, "creationTimestamp": since},
        "spec": {"nodeName": node} if node else {},
        "status": {"phase": "Running" if node else "Pending", "conditions": conditions},
    }


@pytest.mark.parametrize(
    ("pods", "first"),
    [
        pytest.param([pod("a"), pod("b", node="")], "b", id="one without a node"),
        pytest.param([pod("a"), pod("b", ready=False), pod("c")], "b", id="one that is not ready"),
        pytest.param([pod("a", age_s=9), pod("b", age_s=5)], "b", id="the newest"),
        pytest.param([pod("a"), pod("b")], "b", id="the later one of the same age"),
        pytest.param(
            [pod("a", node="node2", age_s=1), pod("b"), pod("c", age_s=50)],
            "c",
            id="one of the crowded node",
        ),
    ],
)
def test_a_scale_down_takes_first(pods: list[Object], first: str):
    assert name_of(to_delete(pods, 1)[0]) == first
    assert to_delete(pods, 0) == []


def test_a_pod_is_available_when_it_was_ready_for_long_enough():
    assert is_available(pod("a", age_s=10), 10, NOW)
    assert not is_available(pod("a", age_s=9), 10, NOW)
    assert not is_available(pod("a", ready=False), 0, NOW)


def deployment(replicas: int, **rolling: object) -> Object:
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    return {"spec": {"replicas": replicas, "strategy": strategy}}


@pytest.mark.parametrize(
    ("replicas", "rolling", "expected"),
    [
        pytest.param(4, {}, (1, 1), id="a quarter by default"),
        pytest.param(3, {}, (1, 0), id="the surge rounded up, the rest down"),
        pytest.param(10, {"maxSurge": 0, "maxUnavailable": 0}, (0, 1), id="never both zero"),
        pytest.param(2, {"maxSurge": "100%", "maxUnavailable": 5}, (2, 2), id="at most all"),
    ],
)
def test_limits(replicas: int, rolling: Object, expected: tuple[int, int]):
    assert limits(deployment(replicas, **rolling)) == expected


def replicaset(name: str, size: int, available: int) -> Object:
    return {
        "metadata": {"name": name, "uid": name},
        "spec": {"replicas": size},
        "status": {"availableReplicas": available},
    }


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        pytest.param((1, 0), (4, 4), (1, 4), id="the new one waits for room"),
        pytest.param((1, 1), (4, 4), (1, 3), id="an old pod goes when a new one is available"),
        pytest.param((1, 1), (3, 3), (2, 3), id="the new one grows into the room"),
        pytest.param((1, 0), (4, 2), (1, 4), id="pods that fail are no room of their own"),
        pytest.param((4, 4), (1, 1), (4, 0), id="the last old one goes"),
    ],
)
def test_a_rollout_without_unavailable_pods(
    new: tuple[int, int], old: tuple[int, int], expected: tuple[int, int]
):
    web = deployment(4, maxSurge=1, maxUnavailable=0)
    sizes = next_sizes(web, replicaset("new", *new), [replicaset("old", *old)], [])
    assert (sizes["new"], sizes["old"]) == expected
