"""Which containers are started, after what has happened to the others."""

import pytest

from netlab.kube.kinds.pod.status import Exit, container_exited, containers_started
from netlab.kube.objects import Object
from netlab.kubelet.lifecycle import due_containers, left_over

NOW = 1_800_000_000.0
SIDECAR: Object = {"name": "side", "image": "x", "restartPolicy": "Always"}


def pod(*init: Object, policy: str = "Always") -> Object:
    return {
        "metadata": {"name": "p", "namespace": "default", "uid": "u"},
        "spec": {
            "restartPolicy": policy,
            "initContainers": list(init),
            "containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "x"}],
        },
        "status": {},
    }


def names(obj: Object, *active: str, now: float = NOW, **at: float) -> list[tuple[str, float]]:
    return [(one.spec["name"], one.at - now) for one in due_containers(obj, active, at, now)]


def init(name: str) -> Object:
    return {"name": name, "image": "x"}


def test_containers_start_together():
    assert names(pod()) == [("a", 0), ("b", 0)]
    assert names(pod(), "a", b=NOW + 5) == [("b", 5)]


def test_init_containers_come_first_and_one_after_the_other():
    obj = pod(init("one"), init("two"))
    assert names(obj) == [("one", 0)]
    obj = containers_started(obj, NOW, ["one"])
    assert names(obj, "one") == []
    obj = container_exited(obj, "one", Exit(code=0), NOW)
    assert names(obj) == [("two", 0)]
    obj = container_exited(containers_started(obj, NOW, ["two"]), "two", Exit(code=0), NOW)
    assert names(obj) == [("a", 0), ("b", 0)]


def test_an_init_container_that_fails_is_tried_again():
    obj = container_exited(
        containers_started(pod(init("one")), NOW, ["one"]), "one", Exit(code=1), NOW
    )
    assert names(obj, one=NOW + 10) == [("one", 10)]


def test_an_init_container_that_fails_for_good_is_the_end():
    obj = containers_started(pod(init("one"), policy="Never"), NOW, ["one"])
    assert names(container_exited(obj, "one", Exit(code=1), NOW)) == []


def test_a_sidecar_starts_in_its_turn_and_goes_on():
    obj = pod(SIDECAR, init("one"))
    assert names(obj) == [("side", 0)]
    obj = containers_started(obj, NOW, ["side"])
    assert names(obj, "side") == [("one", 0)]
    obj = container_exited(containers_started(obj, NOW, ["one"]), "one", Exit(code=0), NOW)
    assert names(obj, "side") == [("a", 0), ("b", 0)]
    obj = containers_started(obj, NOW)
    assert names(obj, "side", "a", "b") == []
    obj = container_exited(obj, "side", Exit(code=1), NOW)
    assert ("side", 0) in names(obj, "a", "b")


def test_a_sidecar_ends_with_the_others():
    obj = containers_started(pod(SIDECAR, policy="Never"), NOW, ["side", "a", "b"])
    assert left_over(obj, ["side", "a", "b"]) == []
    for name in ("a", "b"):
        obj = container_exited(obj, name, Exit(code=0), NOW)
    assert left_over(obj, ["side"]) == ["side"]
    assert names(obj, "side") == []


@pytest.mark.parametrize(("exit_code", "again"), [(0, []), (1, [("a", 0)])])
def test_what_has_ended_starts_again_as_its_policy_says(exit_code: int, again: list[object]):
    obj = containers_started(pod(policy="OnFailure"), NOW)
    obj = container_exited(obj, "a", Exit(code=exit_code), NOW)
    assert names(obj, "b") == again


def test_an_ephemeral_container_starts_once():
    obj = containers_started(pod(), NOW)
    obj["spec"]["ephemeralContainers"] = [{"name": "debug", "image": "x"}]
    assert names(obj, "a", "b") == [("debug", 0)]
    obj = containers_started(obj, NOW, ["debug"])
    obj = container_exited(obj, "debug", Exit(code=1), NOW)
    assert names(obj, "a", "b") == []


def test_a_pod_that_ends_starts_nothing():
    obj = pod()
    obj["metadata"]["deletionTimestamp"] = "2027-01-15T08:00:00Z"
    assert names(obj) == []
