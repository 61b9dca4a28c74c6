"""Pod statuses, as a node reports them over the life of a container."""

import pytest

from netlab.kube.conditions import is_true
from netlab.kube.kinds.pod.status import (
    container_exited,
    container_not_started,
    containers_started,
    is_finished,
    restart_at,
)
from netlab.kube.objects import Object

NOW = 1_800_000_000.0


def new_pod(policy: str = "Always", containers: tuple[str, ...] = ("web",)):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": "default", "uid": "u-1"},
        "spec": {
            "restartPolicy": policy,
            "containers": [{"name": name, "image": "echo:1"} for name in containers],
        },
        "status": {"phase": "Pending"},
    }


def state(pod: Object, place: int = 0):
    return next(iter(pod["status"]["containerStatuses"][place]["state"]))


def test_a_started_pod_runs_and_is_ready():
    pod = containers_started(new_pod(), NOW)
    assert pod["status"]["phase"] == "Running"
    for type_ in ("PodScheduled", "Initialized", "ContainersReady", "Ready"):
        assert is_true(pod, type_)
    assert pod["status"]["containerStatuses"][0]["started"] is True


def test_a_container_whose_image_is_missing_waits():
    pod = container_not_started(new_pod(), "web", "ErrImagePull", "no such image", NOW)
    assert pod["status"]["phase"] == "Pending"
    waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting == {"reason": "ErrImagePull", "message": "no such image"}
    assert not is_true(pod, "Ready")
    assert restart_at(pod, "web") is None


@pytest.mark.parametrize(
    ("policy", "exit_code", "phase", "restarts"),
    [
        pytest.param("Always", 0, "Running", True, id="Always restarts a success"),
        pytest.param("Always", 1, "Running", True, id="Always restarts a failure"),
        pytest.param("OnFailure", 0, "Succeeded", False, id="OnFailure leaves a success"),
        pytest.param("OnFailure", 1, "Running", True, id="OnFailure restarts a failure"),
        pytest.param("Never", 0, "Succeeded", False, id="Never leaves a success"),
        pytest.param("Never", 137, "Failed", False, id="Never leaves a failure"),
    ],
)
def test_restart_policy(policy: str, exit_code: int, phase: str, restarts: bool):
    pod = container_exited(containers_started(new_pod(policy), NOW), "web", exit_code, None, NOW)
    assert pod["status"]["phase"] == phase
    assert (restart_at(pod, "web") is not None) == restarts
    assert is_finished(pod) == (not restarts)
    assert not is_true(pod, "Ready")


def test_the_wait_before_a_restart_doubles_up_to_five_minutes():
    pod, now, waits = containers_started(new_pod(), NOW), NOW, []
    for _ in range(8):
        now += 1
        pod = container_exited(pod, "web", 1, None, now)
        due = restart_at(pod, "web")
        waits.append(due - now)
        now = due
        pod = containers_started(pod, now)
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 8


def test_ten_minutes_of_running_make_the_next_restart_immediate():
    pod = containers_started(new_pod(), NOW)
    pod = containers_started(container_exited(pod, "web", 1, None, NOW + 1), NOW + 1)
    pod = container_exited(pod, "web", 1, None, NOW + 2)
    assert state(pod) == "waiting"
    pod = container_exited(containers_started(pod, NOW + 12), "web", 1, None, NOW + 700)
    assert restart_at(pod, "web") == NOW + 700


def test_crash_loop_back_off_tells_what_kubelet_tells():
    pod = containers_started(new_pod(), NOW)
    pod = containers_started(container_exited(pod, "web", 1, None, NOW), NOW)
    status = container_exited(pod, "web", 139, 11, NOW)["status"]["containerStatuses"][0]
    assert status["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert status["state"]["waiting"]["message"] == (
        "back-off 10s restarting failed container=web pod=web-1_default(u-1)"
    )
    assert status["lastState"]["terminated"]["signal"] == 11
    assert status["lastState"]["terminated"]["exitCode"] == 139


def test_one_container_that_ends_leaves_the_others_as_they_are():
    pod = containers_started(new_pod(containers=("web", "log")), NOW)
    pod = container_exited(pod, "log", 1, None, NOW + 5)
    assert [state(pod, place) for place in (0, 1)] == ["running", "terminated"]
    ready = next(one for one in pod["status"]["conditions"] if one["type"] == "Ready")
    assert ready["message"] == "containers with unready status: [log]"
    again = containers_started(pod, NOW + 6, ["log"])
    assert again["status"]["containerStatuses"][0] == pod["status"]["containerStatuses"][0]
    assert is_true(again, "Ready")
