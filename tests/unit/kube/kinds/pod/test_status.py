"""Pod statuses, as a node reports them over the life of a container."""

import pytest

from netlab.kube.conditions import is_true
from netlab.kube.kinds.pod.status import (
    Exit,
    container_exited,
    container_not_started,
    container_probed,
    containers_started,
    is_finished,
    next_wait,
    restarts,
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


@pytest.mark.parametrize(
    ("policy", "exit_code", "phase", "again"),
    [
        pytest.param("Always", 0, "Running", True, id="Always restarts a success"),
        pytest.param("Always", 1, "Running", True, id="Always restarts a failure"),
        pytest.param("OnFailure", 0, "Succeeded", False, id="OnFailure leaves a success"),
        pytest.param("OnFailure", 1, "Running", True, id="OnFailure restarts a failure"),
        pytest.param("Never", 0, "Succeeded", False, id="Never leaves a success"),
        pytest.param("Never", 137, "Failed", False, id="Never leaves a failure"),
    ],
)
def test_restart_policy(policy: str, exit_code: int, phase: str, again: bool):
    pod = container_exited(
        containers_started(new_pod(policy), NOW), "web", Exit(code=exit_code), NOW
    )
    assert pod["status"]["phase"] == phase
    assert restarts(pod, "web", exit_code) == again
    assert is_finished(pod) == (not again)
    assert not is_true(pod, "Ready")


def test_the_wait_before_a_restart_doubles_up_to_five_minutes():
    pod, now, waits = containers_started(new_pod(), NOW), NOW, []
    for _ in range(8):
        now += 1
        waits.append(next_wait(pod, "web", now))
        pod = container_exited(pod, "web", Exit(code=1), now, wait_s=waits[-1])
        now += waits[-1]
        pod = containers_started(pod, now)
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 8


def test_ten_minutes_of_running_make_the_next_restart_immediate():
    pod = containers_started(new_pod(), NOW)
    pod = containers_started(container_exited(pod, "web", Exit(code=1), NOW + 1), NOW + 1)
    pod = container_exited(pod, "web", Exit(code=1), NOW + 2, wait_s=next_wait(pod, "web", NOW + 2))
    assert state(pod) == "waiting"
    assert next_wait(containers_started(pod, NOW + 12), "web", NOW + 700) == 0


def test_crash_loop_back_off_tells_what_kubelet_tells():
    pod = containers_started(new_pod(), NOW)
    pod = containers_started(container_exited(pod, "web", Exit(code=1), NOW), NOW)
    ended = container_exited(
        pod, "web", Exit(code=139, signal=11), NOW, wait_s=next_wait(pod, "web", NOW)
    )
    status = ended["status"]["containerStatuses"][0]
    assert status["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert status["state"]["waiting"]["message"] == (
        "back-off 10s restarting failed container=web pod=web-1_default(u-1)"
    )
    assert status["lastState"]["terminated"]["signal"] == 11
    assert status["lastState"]["terminated"]["exitCode"] == 139


def test_one_container_that_ends_leaves_the_others_as_they_are():
    pod = containers_started(new_pod(containers=("web", "log")), NOW)
    pod = container_exited(pod, "log", Exit(code=1), NOW + 5)
    assert [state(pod, place) for place in (0, 1)] == ["running", "terminated"]
    ready = next(one for one in pod["status"]["conditions"] if one["type"] == "Ready")
    assert ready["message"] == "containers with unready status: [log]"
    again = containers_started(pod, NOW + 6, ["log"])
    assert again["status"]["containerStatuses"][0] == pod["status"]["containerStatuses"][0]
    assert is_true(again, "Ready")


def with_init(*init: Object, policy: str = "Always") -> Object:
    pod = new_pod(policy)
    return {**pod, "spec": {**pod["spec"], "initContainers": list(init)}}


PROBE: Object = {"tcpSocket": {"port": 1}}
INIT: Object = {"name": "init", "image": "x"}
SIDECAR: Object = {"name": "side", "image": "x", "restartPolicy": "Always"}


def condition_of(pod: Object, type_: str) -> Object:
    return next(one for one in pod["status"]["conditions"] if one["type"] == type_)


def test_a_pod_is_initialized_when_its_init_containers_are_done():
    pod = containers_started(with_init(INIT, SIDECAR), NOW, ["init"])
    assert pod["status"]["phase"] == "Pending"
    assert condition_of(pod, "Initialized")["message"] == (
        "containers with incomplete status: [init side]"
    )
    [web] = pod["status"]["containerStatuses"]
    assert web["state"]["waiting"]["reason"] == "PodInitializing"
    pod = container_exited(pod, "init", Exit(code=0), NOW + 1)
    assert pod["status"]["initContainerStatuses"][0]["ready"]
    assert not is_true(pod, "Initialized")
    pod = containers_started(pod, NOW + 1, ["side"])
    assert is_true(pod, "Initialized")
    pod = containers_started(pod, NOW + 2, ["web"])
    assert pod["status"]["phase"] == "Running"
    assert is_true(pod, "Ready")


@pytest.mark.parametrize(("policy", "phase"), [("Never", "Failed"), ("OnFailure", "Pending")])
def test_an_init_container_that_fails_fails_the_pod_unless_it_is_tried_again(
    policy: str, phase: str
):
    pod = containers_started(with_init(INIT, policy=policy), NOW, ["init"])
    pod = container_exited(pod, "init", Exit(code=1), NOW)
    assert pod["status"]["phase"] == phase


def test_a_sidecar_keeps_no_pod_from_being_done():
    pod = containers_started(with_init(SIDECAR, policy="Never"), NOW, ["side", "web"])
    pod = container_exited(pod, "web", Exit(code=0), NOW + 1)
    assert pod["status"]["phase"] == "Succeeded"


def test_a_container_with_probes_is_ready_when_they_say_so():
    pod = new_pod()
    pod["spec"]["containers"][0] |= {"readinessProbe": PROBE, "startupProbe": PROBE}
    pod = containers_started(pod, NOW)
    [status] = pod["status"]["containerStatuses"]
    assert (status["ready"], status["started"]) == (False, False)
    pod = container_probed(pod, "web", NOW, ready=False, started=True)
    assert not is_true(pod, "Ready")
    pod = container_probed(pod, "web", NOW, ready=True, started=True)
    assert is_true(pod, "Ready")
    assert container_probed(pod, "web", NOW, ready=True, started=True) is pod


def test_a_readiness_gate_is_waited_for():
    pod = new_pod()
    pod["spec"]["readinessGates"] = [{"conditionType": "example.com/ready"}]
    pod = containers_started(pod, NOW)
    assert is_true(pod, "ContainersReady")
    assert condition_of(pod, "Ready")["reason"] == "ReadinessGatesNotReady"


def test_who_was_killed_for_memory_is_told():
    pod = container_exited(
        containers_started(new_pod(), NOW),
        "web",
        Exit(code=137, signal=9, reason="OOMKilled"),
        NOW,
    )
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "OOMKilled"
