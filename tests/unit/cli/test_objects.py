"""get, apply, delete, scale and patch against a control plane that runs."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from netlab.apiserver.store import Store
from netlab.cli import objects
from netlab.cli.get import get
from netlab.errors import LabError, SpecError
from netlab.kube.objects import Key
from netlab.kube.status import StatusError
from netlab.model import rundir

MANIFESTS = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "registry.k8s.io/echoserver:1.4"}]}
"""

GENERATED = """
apiVersion: v1
kind: Pod
metadata: {generateName: web-}
spec: {containers: [{name: c, image: nginx}]}
"""

Run = Callable[..., Result]


@pytest.fixture
def run(socket_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(rundir, "RUN", socket_path.parent.parent)

    def invoke(command: str, *arguments: str, text: str | None = None) -> Result:
        result = CliRunner().invoke(
            get if command == "get" else getattr(objects, command), arguments, input=text
        )
        if isinstance(result.exception, SpecError | LabError):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def applied(run: Run) -> Run:
    assert run("apply", "-f", "-", text=MANIFESTS).exit_code == 0
    return run


def test_apply_says_what_it_did(run: Run):
    first = run("apply", "-f", "-", text=MANIFESTS)
    assert first.stdout == "service/web created\ndeployment.apps/web created\n"
    again = run("apply", "-f", "-", text=MANIFESTS)
    assert again.stdout == "service/web unchanged\ndeployment.apps/web unchanged\n"
    changed = run("apply", "-f", "-", text=MANIFESTS.replace("replicas: 2", "replicas: 3"))
    assert changed.stdout == "service/web unchanged\ndeployment.apps/web configured\n"


def test_get_shows_a_table(applied: Run):
    lines = applied("get", "svc").stdout.splitlines()
    assert lines[0].split() == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
    assert [line.split()[0] for line in lines[1:]] == ["kubernetes", "web"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["svc", "-l", "component", "-o", "name"], "service/kubernetes", id="labels"),
        pytest.param(["deploy/web", "-o", "name"], "deployment.apps/web", id="kind and name"),
        pytest.param(
            ["svc,deploy", "-o", "name"],
            "service/kubernetes\nservice/web\ndeployment.apps/web",
            id="two kinds",
        ),
    ],
)
def test_get_by(applied: Run, arguments: list[str], expected: str):
    assert applied("get", *arguments).stdout.strip() == expected


def test_get_one_as_json_is_the_plain_object(applied: Run, store: Store):
    shown = json.loads(applied("get", "service", "web", "-o", "json").stdout)
    stored = store.require(Key("services", "default", "web"))
    assert {**stored["metadata"], **shown["metadata"]} == stored["metadata"]
    assert "managedFields" not in shown["metadata"]
    assert shown["spec"] == stored["spec"]
    several = json.loads(applied("get", "services", "-o", "json").stdout)
    assert (several["kind"], len(several["items"])) == ("List", 2)


def test_get_all_shows_every_kind_of_the_category(applied: Run):
    text = applied("get", "all").stdout
    for word in ("pod/web-", "service/web", "deployment.apps/web", "replicaset.apps/web-"):
        assert word in text


def test_an_empty_answer_goes_to_stderr(run: Run):
    result = run("get", "pods")
    assert result.stdout == ""
    assert result.stderr == "No resources found in default namespace.\n"


def test_scale_patch_and_delete_do_what_they_say(applied: Run, store: Store):
    assert (
        applied("scale", "deploy/web", "--replicas", "3").stdout == "deployment.apps/web scaled\n"
    )
    assert len(store.list_("pods")) == 3
    policy = '{"spec":{"type":"NodePort","externalTrafficPolicy":"Local"}}'
    assert applied("patch", "svc", "web", "-p", policy).stdout == "service/web patched\n"
    assert applied("patch", "svc/web", "-p", policy).stdout == "service/web patched (no change)\n"
    spec = store.require(Key("services", "default", "web"))["spec"]
    assert spec["externalTrafficPolicy"] == "Local"
    assert applied("delete", "svc", "web").stdout == 'service "web" deleted\n'
    assert applied("delete", "-f", "-", text=MANIFESTS.split("---")[1]).stdout == (
        'deployment.apps "web" deleted\n'
    )
    assert store.list_("pods") == []


def test_a_status_is_patched_through_its_own_door(applied: Run, store: Store):
    applied("patch", "svc", "web", "-p", '{"spec":{"type":"LoadBalancer"}}')
    status = '{"status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.10"}]}}}'
    assert applied("patch", "svc", "web", "-p", status).stdout.endswith("(no change)\n")
    done = applied("patch", "svc", "web", "--subresource", "status", "-p", status)
    assert done.stdout == "service/web patched\n"
    found = store.require(Key("services", "default", "web"))["status"]
    assert found == {"loadBalancer": {"ingress": [{"ip": "203.0.113.10", "ipMode": "VIP"}]}}


@pytest.mark.parametrize(
    ("status", "message"),
    [
        pytest.param(
            '{"loadBalancer":{"ingress":[{"ip":"203.0.113.300","ipMode":"Both"}]}}',
            r'ingress\[0\].ip: Invalid value: "203.0.113.300".*ipMode: Unsupported value: "Both"',
            id="an address that is none, and a mode",
        ),
        pytest.param('{"loadBalancer":3}', "status.loadBalancer: must be a mapping", id="a number"),
    ],
)
def test_a_status_that_may_not_be_is_refused(applied: Run, status: str, message: str):
    applied("patch", "svc", "web", "-p", '{"spec":{"type":"LoadBalancer"}}')
    with pytest.raises(StatusError, match=message):
        applied("patch", "svc", "web", "--subresource", "status", "-p", f'{{"status":{status}}}')


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        pytest.param(
            "patch",
            ["ns/default", "--subresource", "scale", "-p", "{}"],
            "a Namespace has no subresource scale",
            id="a part that is not there",
        ),
        pytest.param("get", ["pdos"], "resource type", id="an unknown kind"),
        pytest.param("get", ["svc", "nope"], 'services "nope" not found', id="an unknown name"),
        pytest.param("apply", ["-f", "/nope.yaml"], "no such file", id="a file that is missing"),
        pytest.param(
            "apply", ["-f", "/proc/self/task"], "holds no file of manifests", id="a directory"
        ),
        pytest.param("delete", ["svc", "nope"], "not found", id="nothing to delete"),
        pytest.param("scale", ["svc/web", "--replicas", "1"], "scaled", id="a Service to scale"),
        pytest.param("patch", ["svc/kubernetes", "-p", "{"], "neither JSON", id="a broken patch"),
        pytest.param(
            "patch",
            ["svc/kubernetes", "-p", '{"spec":{"clusterIP":"10.0.0.7"}}'],
            "may not change once set",
            id="an immutable field",
        ),
    ],
)
def test_refuses(run: Run, command: str, arguments: list[str], message: str):
    with pytest.raises(SpecError, match=message):
        run(command, *arguments)


def test_a_clash_names_the_holder(applied: Run):
    clash = MANIFESTS.split("---", maxsplit=1)[0].replace("{name: web}", "{name: other}")
    clash = clash.replace("spec:", "spec:\n  clusterIP: 10.0.0.1", 1)
    with pytest.raises(SpecError, match="held by Service default/kubernetes"):
        applied("apply", "-f", "-", text=clash)


def test_one_refused_object_stops_no_other(run: Run):
    service = "{apiVersion: v1, kind: Service, metadata: {name: %s}, spec: {clusterIP: %s}}"
    service = service.replace("}}", ", ports: [{port: 1}]}}")
    text = "\n---\n".join(service % one for one in (("bad", "10.0.0.1"), ("good", "10.0.0.9")))
    with pytest.raises(SpecError, match="already allocated"):
        run("apply", "-f", "-", text=text)
    assert run("get", "svc", "good", "-o", "name").stdout == "service/good\n"


def test_a_lab_that_is_not_there(run: Run):
    with pytest.raises(LabError, match="no lab other is running"):
        run("get", "pods", "--lab", "other")
    assert run("get", "pods", "--lab", "Other-1").exit_code == 2


def test_what_is_wrong_with_one_object_or_file_stops_no_other(run: Run, tmp_path: Path):
    wrong = MANIFESTS.replace("port: 80,", "port: 99999,").replace("name: web}", "name: api}")
    for name, text in (("a", wrong), ("b", "a: [}"), ("c", MANIFESTS), ("d", GENERATED)):
        (tmp_path / f"{name}.yaml").write_text(text)
    with pytest.raises(SpecError) as refused:
        run("apply", "-f", str(tmp_path))
    told = str(refused.value)
    assert "a.yaml:7: spec.ports[0].port: Invalid value: 99999" in told
    assert "b.yaml:1: this is not YAML" in told
    assert "from web-: cannot use generate name with apply" in told
    kinds = json.loads(run("get", "svc,deploy", "-o", "json").stdout)["items"]
    found = sorted((one["kind"], one["metadata"]["name"]) for one in kinds)
    assert found == [
        ("Deployment", "api"),
        ("Deployment", "web"),
        ("Service", "kubernetes"),
        ("Service", "web"),
    ]
