"""A pod's life on the kernel: init containers, probes, restarts, hooks, volumes, logs."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netlab.client.api_client import Client
from netlab.model import rundir
from tests.kernel.conftest import Lab, namespaces, wait_for

pytestmark = pytest.mark.kernel

PODS = """
apiVersion: netlab/v1
kind: Topology
metadata: {name: life}
spec: {nodes: 2}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: live}
data: {word: one}
---
apiVersion: v1
kind: Secret
metadata: {name: sec}
stringData: {pass: s3cret}
---
apiVersion: v1
kind: Pod
metadata: {name: probed, labels: {app: probed}}
spec:
  terminationGracePeriodSeconds: 5
  securityContext: {fsGroup: 2000}
  initContainers:
    - {name: first, image: x, command: [sh, -c, "echo first > /work/first"],
       volumeMounts: [{name: work, mountPath: /work}]}
    - {name: side, image: x, restartPolicy: Always, command: [sh, -c, "sleep 10000"]}
  containers:
    - name: web
      image: echoserver
      ports: [{name: http, containerPort: 8080}]
      env:
        - {name: PASS, valueFrom: {secretKeyRef: {name: sec, key: pass}}}
        - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
      startupProbe: {httpGet: {port: http}, periodSeconds: 1}
      readinessProbe: {exec: {command: [cat, /tmp/ready]}, periodSeconds: 1}
      livenessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
      lifecycle:
        postStart: {exec: {command: [touch, /tmp/post-start]}}
        preStop: {exec: {command: [sh, -c, "echo stopping > /work/stopping"]}}
      volumeMounts:
        - {name: live, mountPath: /live}
        - {name: live, mountPath: /usr/local/etc/app/word, subPath: word}
        - {name: work, mountPath: /work}
    - name: user
      image: x
      command: [sleep, "100000"]
      securityContext:
        {runAsUser: 1000, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
      volumeMounts: [{name: work, mountPath: /work}]
  volumes:
    - {name: live, configMap: {name: live}}
    - {name: work, emptyDir: {}}
---
apiVersion: v1
kind: Pod
metadata: {name: crash}
spec: {containers: [{name: c, image: x, command: [sh, -c, "echo dying; exit 3"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: dead}
spec:
  containers:
    - name: c
      image: echoserver
      livenessProbe: {httpGet: {port: 9999}, periodSeconds: 1, failureThreshold: 2}
---
apiVersion: v1
kind: Pod
metadata: {name: host}
spec:
  hostNetwork: true
  nodeName: node1
  containers: [{name: e, image: echoserver}]
---
apiVersion: v1
kind: Pod
metadata: {name: unknown}
spec: {containers: [{name: e, image: "acme/rocket:1"}]}
"""


@pytest.fixture(scope="module")
def running(make_lab: Callable[[], Lab]) -> Iterator[Lab]:
    lab = make_lab()
    done = lab.run("up", "-", text=PODS)
    assert done.returncode == 0, done.stderr
    yield lab
    lab.down()


def statuses(lab: Lab, pod: str, field: str = "containerStatuses") -> dict[str, dict[str, Any]]:
    found = lab.get("pod", pod)["status"].get(field, [])
    return {one["name"]: one for one in found}


def events(lab: Lab, pod: str) -> list[tuple[str, str]]:
    found = lab.get("events")["items"]
    return [
        (one["reason"], one["message"]) for one in found if one["involvedObject"]["name"] == pod
    ]


def test_init_containers_probes_and_volumes(running: Lab):
    wait_for(lambda: statuses(running, "probed")["web"]["started"])
    init = statuses(running, "probed", "initContainerStatuses")
    assert init["first"]["state"]["terminated"]["reason"] == "Completed"
    assert init["side"]["state"]["running"]
    assert not statuses(running, "probed")["web"]["ready"]

    process = container_pid(running, "probed", "web")
    root = Path(f"/proc/{process}/root")
    (root / "tmp/ready").touch()
    wait_for(lambda: statuses(running, "probed")["web"]["ready"])
    assert (root / "tmp/post-start").exists()
    environment = Path(f"/proc/{process}/environ").read_text().split("\0")
    assert "PASS=s3cret" in environment
    assert f"IP={running.get('pod', 'probed')['status']['podIP']}" in environment
    assert (root / "work/first").read_text() == "first\n"
    assert (root / "work").stat().st_gid == 2000
    assert (root / "usr/local/etc/app/word").read_text() == "one"
    running.run("patch", "configmap", "live", "-p", '{"data":{"word":"two"}}')
    wait_for(lambda: inside_file(process, "/live/word") == "two")
    assert (root / "usr/local/etc/app/word").read_text() == "one"
    (root / "tmp/ready").unlink()
    wait_for(lambda: not statuses(running, "probed")["web"]["ready"])


def inside_file(process: int, path: str) -> str:
    """Return a file of a container's, links followed there."""
    root = Path(f"/proc/{process}/root")
    directory = root / path.strip("/").rpartition("/")[0]
    data = directory / "..data"
    return (directory / data.readlink() / path.rpartition("/")[2]).read_text()


def container_pid(lab: Lab, pod: str, container: str) -> int:
    container_id: str = statuses(lab, pod)[container]["containerID"]
    return int(container_id.removeprefix("netlab://").partition("-")[0])


def test_a_container_runs_as_whom_it_says(running: Lab):
    wait_for(lambda: "running" in statuses(running, "probed")["user"]["state"])
    process = Path(f"/proc/{container_pid(running, 'probed', 'user')}")
    lines = (process / "status").read_text().splitlines()
    fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert fields["Uid"].split()[0] == "1000"
    assert fields["Groups"].split() == ["2000"]
    assert int(fields["CapBnd"], 16) == int(fields["CapEff"], 16) == 0
    mounts = (process / "mountinfo").read_text().splitlines()
    [root] = [line for line in mounts if line.split()[4] == "/"]
    assert root.split()[5].startswith("ro")


def test_what_crashes_waits_before_it_is_started_again(running: Lab):
    def waiting() -> str:
        state = statuses(running, "crash")["c"]["state"].get("waiting", {})
        return str(state.get("reason"))

    wait_for(lambda: waiting() == "CrashLoopBackOff", 20)
    [status] = statuses(running, "crash").values()
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert ("Started", "Started container c") in events(running, "crash")
    assert any(reason == "BackOff" for reason, _ in events(running, "crash"))
    directory = running.log_file("crash").parent
    assert (directory / f"{status['restartCount']}.log").read_text().endswith("stdout F dying\n")


def test_a_liveness_probe_that_fails_has_the_container_started_again(running: Lab):
    wait_for(lambda: statuses(running, "dead")["c"]["restartCount"] > 0, 20)
    found = events(running, "dead")
    assert ("Killing", "Container c failed liveness probe, will be restarted") in found
    assert any("connection refused" in text for reason, text in found if reason == "Unhealthy")


def test_a_pod_in_the_nodes_network_is_the_node(running: Lab):
    address = running.get("pod", "host")["status"]["podIP"]
    assert "CLIENT VALUES" in running.fetch("client", f"http://{address}:8080")
    assert f"netlab-{running.name}-default.host" not in running.netns()


def test_an_unknown_image_is_told_of_and_waited_for(running: Lab):
    def reason() -> str:
        return str(statuses(running, "unknown")["e"]["state"]["waiting"]["reason"])

    wait_for(lambda: reason() == "ImagePullBackOff")
    found = dict(events(running, "unknown"))
    assert found["BackOff"] == 'Back-off pulling image "acme/rocket:1"'
    pulled = [text for why, text in events(running, "unknown") if why == "Failed"]
    assert any("it knows agnhost, alpine" in text and "rocket: {command" in text for text in pulled)


def test_a_pod_that_is_deleted_runs_its_hook_and_leaves_nothing(running: Lab):
    uid = running.get("pod", "probed")["metadata"]["uid"]
    started = time.monotonic()
    done = running.run("delete", "pod", "probed")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 30
    wait_for(lambda: not (running.directory() / "pods" / uid).exists())
    mounts = Path("/proc/self/mountinfo").read_text()
    assert uid not in mounts


# Pods that go while they come.

PODS_PATH = "/api/v1/namespaces/default/pods"


def pod_that(name: str, *, tty: bool = False) -> dict[str, Any]:
    container = {"name": "c", "image": "x", "command": ["sleep", "10000"], "tty": tty}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


@pytest.mark.parametrize("tty", [False, True], ids=["pipes", "terminal"])
def test_pods_that_are_deleted_while_they_start_hurt_nobody(running: Lab, *, tty: bool):
    """The runtime looked for the pipes of a pod whose files were gone, and all ended with it."""
    before = running.processes()["control plane"]
    client = Client(rundir.control_socket(running.name))
    netns = namespaces()
    for number in range(30):
        name = f"short-{number}"
        client.create(PODS_PATH, pod_that(name, tty=tty))
        time.sleep(number * 0.004)  # from before its namespace to after its start
        client.delete(f"{PODS_PATH}/{name}", {"gracePeriodSeconds": 0})
    wait_for(lambda: not any(name.startswith("short-") for name in pod_names(running)))
    wait_for(lambda: namespaces() == netns)
    after = running.processes()["control plane"]
    assert after == before, running.control_plane_log()
    directories = running.directory() / "pods"
    uids = {pod["metadata"]["uid"] for pod in running.get("pods", "-A")["items"]}
    wait_for(lambda: {path.name for path in directories.iterdir()} <= uids)


def test_pods_that_write_without_end_may_go_while_others_come(running: Lab):
    """A stream that waits for its turn was closed, and another container's had its number then."""
    before = running.processes()["control plane"]
    client = Client(rundir.control_socket(running.name))
    for number in range(12):
        pod = pod_that(f"loud-{number}")
        pod["spec"]["containers"] = [
            {"name": name, "image": "x", "command": ["yes", name]} for name in "abc"
        ]
        client.create(PODS_PATH, pod)
        if number:
            client.delete(f"{PODS_PATH}/loud-{number - 1}", {"gracePeriodSeconds": 0})
        name = pod["metadata"]["name"]
        wait_for(lambda name=name: all("running" in one["state"] for one in states(running, name)))
    client.delete(f"{PODS_PATH}/loud-{number}", {"gracePeriodSeconds": 0})
    wait_for(lambda: not any(name.startswith("loud-") for name in pod_names(running)))
    after = running.processes()["control plane"]
    assert after == before, running.control_plane_log()


def states(lab: Lab, pod: str) -> list[dict[str, Any]]:
    return lab.get("pod", pod)["status"].get("containerStatuses") or [{"state": {}}]


def pod_names(lab: Lab) -> list[str]:
    return [pod["metadata"]["name"] for pod in lab.get("pods")["items"]]


LAST_WORDS = """
apiVersion: v1
kind: Pod
metadata: {name: words}
spec:
  restartPolicy: Never
  containers:
    - {name: file, image: busybox, command: [sh, -c, "printf bye >/dev/termination-log; exit 1"]}
    - name: own
      image: busybox
      terminationMessagePath: /tmp/words
      securityContext: {runAsUser: 1000, readOnlyRootFilesystem: true}
      command: [sh, -c, "printf '%09999dend' 0 >/tmp/words"]
    - name: log
      image: busybox
      terminationMessagePolicy: FallbackToLogsOnError
      command: [sh, -c, "echo no such thing >&2; exit 2"]
    - name: well
      image: busybox
      terminationMessagePolicy: FallbackToLogsOnError
      command: [sh, -c, "echo all is well"]
"""


def test_the_status_of_a_container_that_has_ended_has_its_last_words(running: Lab):
    done = running.run("apply", "-f", "-", text=LAST_WORDS)
    assert done.returncode == 0, done.stderr
    wait_for(lambda: running.get("pod", "words")["status"]["phase"] == "Failed", 20)
    said = {
        name: status["state"]["terminated"].get("message", "")
        for name, status in statuses(running, "words").items()
    }
    assert said.pop("own") == "0" * 4093 + "end"
    assert said == {"file": "bye", "log": "no such thing\n", "well": ""}
    running.run("delete", "pod", "words")
    directory = rundir.termination_logs_directory(running.name)
    wait_for(lambda: not any(path.name for path in directory.glob("*/well")))
