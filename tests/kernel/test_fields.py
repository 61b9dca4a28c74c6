"""Fields of pods, Services and what they refer to, each with what becomes of it in a running lab.

Which test shows which field is listed in ``tests/unit/kube/field_proofs.py``.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kernel.conftest import NEEDS_LOOPBACK, Lab, wait_for

pytestmark = pytest.mark.kernel

OBJECTS = """
apiVersion: netlab/v1
kind: Topology
metadata: {name: fields}
spec: {nodes: 2}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {level: debug, long: text}
binaryData: {raw: /wA=}
---
apiVersion: v1
kind: Secret
metadata: {name: sec}
type: Opaque
data: {pass: czNjcmV0}
stringData: {user: alice}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: quiet}
automountServiceAccountToken: false
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: early}
spec:
  publishNotReadyAddresses: true
  selector: {app: gated}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Pod
metadata: {name: all, labels: {app: all}}
spec:
  hostname: front
  subdomain: web
  hostAliases: [{ip: 198.51.100.7, hostnames: [db, db.example.org]}]
  dnsPolicy: None
  dnsConfig:
    nameservers: [198.51.100.9]
    searches: [example.org]
    options: [{name: ndots, value: "2"}, {name: rotate}]
  enableServiceLinks: false
  securityContext: {runAsUser: 1001, runAsGroup: 1002, supplementalGroups: [1003], fsGroup: 1004}
  containers:
    - name: main
      image: x
      command: [sh, -c]
      args: ["echo '$(A) and $$(A)'; exec sleep 10000"]
      workingDir: /tmp
      resources: {limits: {cpu: 500m, memory: 64Mi}, requests: {cpu: 100m}}
      envFrom:
        - {prefix: C_, configMapRef: {name: conf}}
        - {secretRef: {name: sec}}
        - {configMapRef: {name: gone, optional: true}}
        - {secretRef: {name: gone, optional: true}}
      env:
        - {name: A, value: plain}
        - {name: B, valueFrom: {configMapKeyRef: {name: conf, key: level}}}
        - {name: GONE, valueFrom: {configMapKeyRef: {name: conf, key: gone, optional: true}}}
        - {name: LOST, valueFrom: {secretKeyRef: {name: gone, key: gone, optional: true}}}
        - {name: NODE, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: spec.nodeName}}}
        - name: MEMORY
          valueFrom:
            resourceFieldRef: {containerName: main, resource: limits.memory, divisor: 1Mi}
      volumeMounts:
        - {name: conf, mountPath: /conf}
        - {name: sec, mountPath: /sec}
        - {name: down, mountPath: /down}
        - {name: joined, mountPath: /joined}
        - {name: gone, mountPath: /gone}
        - {name: lost, mountPath: /lost}
        - {name: work, mountPath: /work}
        - {name: work, mountPath: /same, readOnly: true, subPath: sub}
  initContainers:
    - {name: first, image: x, command: [mkdir, /work/sub],
       volumeMounts: [{name: work, mountPath: /work}]}
  volumes:
    - {name: conf, configMap: {name: conf, defaultMode: 0444}}
    - name: sec
      secret:
        secretName: sec
        defaultMode: 0440
        items: [{key: pass, path: a/b, mode: 0400}, {key: user, path: c}]
    - name: down
      downwardAPI:
        defaultMode: 0444
        items:
          - {path: labels, mode: 0400, fieldRef: {fieldPath: metadata.labels}}
          - {path: cpu, resourceFieldRef: {containerName: main, resource: requests.cpu,
             divisor: 1m}}
    - name: joined
      projected:
        defaultMode: 0440
        sources:
          - {configMap: {name: conf, items: [{key: level, path: level}]}}
          - {configMap: {name: gone, optional: true}}
          - {secret: {name: sec, items: [{key: user, path: user}]}}
          - {secret: {name: gone, optional: true}}
          - {downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}}
          - {serviceAccountToken: {path: token, expirationSeconds: 1200}}
    - {name: gone, configMap: {name: gone, optional: true}}
    - {name: lost, secret: {secretName: gone, optional: true}}
    - {name: work, emptyDir: {sizeLimit: 2Mi}}
---
apiVersion: v1
kind: Pod
metadata: {name: quiet}
spec:
  serviceAccountName: quiet
  containers: [{name: c, image: x, command: [sleep, "10000"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: silent}
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 4
  containers:
    - {name: c, image: x, command: [sleep, "10000"],
       lifecycle: {preStop: {sleep: {seconds: 2}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: rootless}
spec:
  securityContext: {runAsNonRoot: true}
  containers: [{name: c, image: x, command: [sleep, "10000"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: mighty}
spec:
  containers: [{name: c, image: x, command: [sleep, "10000"], securityContext: {privileged: true}}]
---
apiVersion: v1
kind: Pod
metadata: {name: admin}
spec:
  containers:
    - {name: c, image: x, command: [sleep, "10000"],
       securityContext: {runAsUser: 0, runAsGroup: 7, capabilities: {add: [NET_ADMIN]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: short}
spec:
  activeDeadlineSeconds: 1
  containers: [{name: c, image: x, command: [sleep, "10000"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: elsewhere}
spec:
  schedulerName: other
  containers: [{name: c, image: x, command: [sleep, "10000"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: held}
spec:
  schedulingGates: [{name: example.org/wait}]
  containers: [{name: c, image: x, command: [sleep, "10000"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: gated, labels: {app: gated}}
spec:
  readinessGates: [{conditionType: example.org/ready}]
  containers: [{name: c, image: echoserver}]
---
apiVersion: v1
kind: Pod
metadata: {name: once}
spec:
  restartPolicy: Never
  containers:
    - {name: c, image: x, command: [sh, -c, "cat; echo end"], stdin: true, stdinOnce: true}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
    - name: web
      image: echoserver
      ports: [{name: http, containerPort: 8080}]
---
apiVersion: v1
kind: Pod
metadata: {name: asked}
spec:
  containers:
    - name: c
      image: busybox
      command: [sh, -c, "while :; do printf 'HTTP/1.1 200 OK\\r\\n\\r\\n' | nc -l -p 8090; done"]
      ports: [{name: odd, containerPort: 8090}]
      readinessProbe:
        httpGet: {port: odd, path: /ready?x, httpHeaders: [{name: X-Probe, value: "yes"}]}
        initialDelaySeconds: 1
        periodSeconds: 1
        successThreshold: 2
---
apiVersion: v1
kind: Pod
metadata: {name: unreached}
spec:
  containers:
    - name: c
      image: x
      command: [sleep, "10000"]
      readinessProbe: {tcpSocket: {host: 127.0.0.1, port: 9}, periodSeconds: 1}
      livenessProbe:
        httpGet: {host: 127.0.0.1, port: 9, scheme: HTTPS}
        periodSeconds: 1
        failureThreshold: 1000
---
apiVersion: v1
kind: Pod
metadata: {name: unhooked}
spec:
  containers:
    - {name: h, image: x, command: [sleep, "10000"],
       lifecycle: {postStart: {httpGet: {port: 9, path: /hook}}}}
    - {name: t, image: x, command: [sleep, "10000"],
       lifecycle: {postStart: {tcpSocket: {port: 7}}}}
"""


@pytest.fixture(scope="module")
def running(make_lab: Callable[[], Lab]) -> Iterator[Lab]:
    lab = make_lab()
    done = lab.run("up", "-", text=OBJECTS)
    assert done.returncode == 0, done.stdout + done.stderr
    yield lab
    lab.down()


def status(lab: Lab, pod: str) -> dict[str, Any]:
    found: dict[str, Any] = lab.get("pod", pod)["status"]
    return found


def only(lab: Lab, pod: str) -> dict[str, Any]:
    """Return the status of a pod's only container."""
    found = status(lab, pod).get("containerStatuses") or [{"state": {}}]
    return found[0]


def process(lab: Lab, pod: str) -> Path:
    """Return /proc of a pod's first container, which must come to run."""
    wait_for(lambda: "running" in only(lab, pod)["state"], 20)
    container_id: str = only(lab, pod)["containerID"]
    return Path("/proc") / container_id.removeprefix("netlab://").partition("-")[0]


def shell(lab: Lab, pod: str, command: str) -> str:
    done = lab.inside(pod, "sh", "-c", command)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def environment(lab: Lab, pod: str) -> dict[str, str]:
    lines = (process(lab, pod) / "environ").read_text().rstrip("\0").split("\0")
    return dict(line.split("=", 1) for line in lines)


def mode(lab: Lab, pod: str, path: str) -> int:
    return int(shell(lab, pod, f"stat -Lc %a {path}"), 8)


def test_the_environment_is_what_env_and_envFrom_say(running: Lab):  # noqa: N802
    found = environment(running, "all")
    wanted = {
        "A": "plain",
        "B": "debug",
        "C_level": "debug",
        "C_long": "text",
        "pass": "s3cret",
        "user": "alice",
        "NODE": running.get("pod", "all")["spec"]["nodeName"],
        "MEMORY": "64",
    }
    assert wanted.items() <= found.items()
    assert not {"GONE", "LOST", "WEB_SERVICE_HOST"} & set(found)
    assert "KUBERNETES_SERVICE_HOST" in found
    assert running.log("all") == "plain and $(A)\n"


def test_files_of_volumes_are_those_that_are_chosen_with_their_modes(running: Lab):
    process(running, "all")
    assert shell(running, "all", "cat /conf/level; od -An -tx1 /conf/raw").split() == [
        "debug",
        "ff",
        "00",
    ]
    assert mode(running, "all", "/conf/level") == 0o444
    assert shell(running, "all", "cd /sec; ls . a").split() == [".:", "a", "c", "a:", "b"]
    assert mode(running, "all", "/sec/a/b") & 0o222 == 0
    assert mode(running, "all", "/sec/c") & 0o007 == mode(running, "all", "/joined/user") & 0o007
    assert mode(running, "all", "/sec/c") & 0o007 == 0
    assert shell(running, "all", "cat /down/labels /down/cpu") == 'app="all"100'
    assert mode(running, "all", "/down/labels") & 0o007 == 0
    assert mode(running, "all", "/down/cpu") & 0o007 == 0o004
    joined = shell(running, "all", "cd /joined; cat level user name; ls /joined /gone /lost")
    assert joined.split() == [
        "debugaliceall/gone:",
        "/joined:",
        *("level", "name", "token", "user"),
        "/lost:",
    ]
    token = shell(running, "all", "cut -d. -f2 /joined/token")
    assert len(token) > 100


def test_an_empty_directory_has_its_size_and_a_mount_may_be_read_only(running: Lab):
    process(running, "all")
    size = shell(running, "all", "df -k /work | tail -1").split()[1]
    assert int(size) == 2048
    assert shell(running, "all", "echo x > /work/sub/f; cat /same/f") == "x"
    assert running.inside("all", "touch", "/same/g").returncode != 0


def test_names_and_resolvers_are_those_of_the_pod(running: Lab):
    process(running, "all")
    assert shell(running, "all", "hostname") == "front"
    hosts = shell(running, "all", "cat /etc/hosts")
    assert "\tfront.web.default.svc.cluster.local\tfront" in hosts
    assert "198.51.100.7\tdb\tdb.example.org" in hosts
    assert shell(running, "all", "cat /etc/resolv.conf").splitlines() == [
        "search example.org",
        "nameserver 198.51.100.9",
        "options ndots:2 rotate",
    ]


def test_a_container_runs_where_and_as_whom_it_says(running: Lab):
    directory = process(running, "all")
    lines = (directory / "status").read_text().splitlines()
    fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert (fields["Uid"].split()[0], fields["Gid"].split()[0]) == ("1001", "1002")
    assert {"1003", "1004"} <= set(fields["Groups"].split())
    assert str((directory / "cwd").readlink()) == "/tmp"  # noqa: S108
    shell(running, "admin", "ip link set lo mtu 60000")
    assert shell(running, "admin", "id -u; id -g").split() == ["0", "7"]
    assert only(running, "rootless")["state"]["waiting"]["message"].startswith(
        "container has runAsNonRoot and image will run as root"
    )
    assert "privileged containers" in only(running, "mighty")["state"]["waiting"]["message"]


def test_a_token_is_mounted_unless_pod_or_account_forbid_it(running: Lab):
    directory = "/var/run/secrets/kubernetes.io/serviceaccount"
    process(running, "web")
    assert "token" in shell(running, "admin", f"ls {directory}")
    for pod in ("quiet", "silent"):
        process(running, pod)
        assert running.inside(pod, "ls", directory).returncode != 0


def test_a_pod_whose_time_is_over_fails(running: Lab):
    wait_for(lambda: status(running, "short").get("reason") == "DeadlineExceeded")
    assert status(running, "short")["phase"] == "Failed"


def test_a_pod_of_another_scheduler_or_behind_a_gate_has_no_node(running: Lab):
    for pod in ("elsewhere", "held"):
        assert "nodeName" not in running.get("pod", pod)["spec"]
    conditions = status(running, "held")["conditions"]
    assert [one["reason"] for one in conditions if one["type"] == "PodScheduled"] == [
        "SchedulingGated"
    ]
    done = running.run("patch", "pod", "held", "-p", '{"spec":{"schedulingGates":null}}')
    assert done.returncode == 0, done.stderr
    process(running, "held")


def is_ready(lab: Lab, pod: str) -> bool:
    conditions = status(lab, pod).get("conditions", [])
    return [one["status"] for one in conditions if one["type"] == "Ready"] == ["True"]


def test_a_pod_behind_a_readiness_gate_is_not_ready_and_serves_where_that_is_asked_for(
    running: Lab,
):
    process(running, "gated")
    assert not is_ready(running, "gated")
    wait_for(lambda: "CLIENT VALUES" in running.fetch("all", service_url(running, "early")))
    conditions = [{"type": "example.org/ready", "status": "True"}]
    patch = f'{{"status":{{"conditions":{str(conditions).replace(chr(39), chr(34))}}}}}'
    done = running.run("patch", "pod", "gated", "--subresource", "status", "-p", patch)
    assert done.returncode == 0, done.stderr
    wait_for(lambda: is_ready(running, "gated"))


def service_url(lab: Lab, name: str) -> str:
    return f"http://{lab.get('service', name)['spec']['clusterIP']}"


def test_probes_and_hooks_ask_what_they_say(running: Lab):
    wait_for(lambda: is_ready(running, "asked"), 20)
    asked = running.log("asked")
    assert asked.count("GET /ready?x HTTP/1.1\n") >= 2
    assert "X-Probe: yes\n" in asked
    process(running, "unreached")
    assert not is_ready(running, "unreached")
    wait_for(lambda: "failed: dial tcp 127.0.0.1:9:" in events(running, "unreached"))
    wait_for(lambda: 'Get "https://127.0.0.1:9/": dial tcp' in events(running, "unreached"))
    assert only(running, "unreached")["restartCount"] == 0
    wait_for(lambda: ":9/hook" in events(running, "unhooked"))
    wait_for(lambda: ":7: connect: connection refused" in events(running, "unhooked"))


def events(lab: Lab, pod: str) -> str:
    found = lab.get("events")["items"]
    return "\n".join(one["message"] for one in found if one["involvedObject"]["name"] == pod)


def test_a_pod_ends_after_its_hook_and_within_its_time(running: Lab):
    process(running, "silent")
    begun = time.monotonic()
    assert running.run("delete", "pod", "silent").returncode == 0
    wait_for(lambda: running.run("get", "pod", "silent").returncode)
    assert 2 < time.monotonic() - begun < 10


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl: apt-get install kubectl")
@NEEDS_LOOPBACK
def test_an_input_that_is_read_once_ends_with_its_first_writer(running: Lab):
    process(running, "once")
    running.run("kubectl", "attach", "-i", "once", text="hello\n")
    wait_for(lambda: status(running, "once")["phase"] == "Succeeded")
    assert running.log("once") == "hello\nend\n"
