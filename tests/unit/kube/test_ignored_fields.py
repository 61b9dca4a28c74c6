"""Every field that a lab accepts is acted on, or its table says that it is not, and why."""

import re
import runpy
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

import netlab
from netlab.kube.ignored_fields import IGNORED, warnings_of
from netlab.kube.schema import definitions
from tests.unit.kube.field_proofs import PROOFS

ROOT = Path(netlab.__file__).parent
ACTING = (
    *("kubelet", "controllers", "scheduler", "kubeproxy", "dns", "loadbalancer", "lab", "cni"),
    *(
        "apiserver",
        "kube/kinds/configmap.py",
        "kube/kinds/secret.py",
        "kube/kinds/pod/status.py",
        "kube/kinds/pod/view.py",
        "kube/kinds/service/node_ports.py",
        "kube/kinds/service/view.py",
    ),
)
"""Where fields are acted on; what only checks them or fills them in does not count."""

ROOTS = (
    *("PodTemplateSpec", "PodSpec", "ServiceSpec", "Endpoints", "EndpointSlice", "NodeSpec"),
    *("DeploymentSpec", "ReplicaSetSpec", "DaemonSetSpec", "StatefulSetSpec", "JobSpec"),
    *("CronJobSpec", "PodDisruptionBudgetSpec", "ConfigMap", "Secret", "ServiceAccount"),
)
"""Definitions of what users write; with all that these refer to."""
NOT_FOLLOWED = ("ObjectMeta", "ObjectReference", "LabelSelector", "PersistentVolumeClaim")
"""Those that no component acts on by itself."""
NO_FIELDS_OF_AN_OBJECT = {"apiVersion", "kind", "status", "serviceAccount", "secrets"}
"""serviceAccount is serviceAccountName's older name; a token needs no Secret any more."""


def code() -> str:
    paths = [
        path
        for name in ACTING
        for path in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))
        if path.exists() and path.name != "addons.py"  # writes objects as a user does
    ]
    return "\n".join(path.read_text() for path in paths)


CODE = code()


def fields_of_users() -> dict[str, set[str]]:
    """Return the fields of every definition that a user's object leads to and a lab may act on."""
    found: dict[str, set[str]] = {}
    todo = [full for full in definitions() if full.rpartition(".")[2] in ROOTS]
    while todo:
        full = todo.pop()
        name = full.rpartition(".")[2]
        if name in found or name in NOT_FOLLOWED:
            continue
        properties = cast("dict[str, Any]", definitions()[full].get("properties", {}))
        is_object = "kind" in properties
        found[name] = {
            field
            for field in properties
            if field not in NO_FIELDS_OF_AN_OBJECT | ({"metadata"} if is_object else set())
            or (name, field) == ("ObjectFieldSelector", "apiVersion")
        }
        for field, schema in properties.items():
            if field not in IGNORED.get(name, {}) and field != "status":
                todo += re.findall(r"#/definitions/([\w.]+)", str(schema))
    return {name: fields for name, fields in found.items() if fields}


FIELDS = fields_of_users()


def proven() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for rows in PROOFS.values():
        for name, fields in rows.items():
            found.setdefault(name, set()).update(fields.split())
    container, later = found["Container"], found["EphemeralContainer"]
    return {
        **found,
        "EphemeralContainer": container | later,
        "JobTemplateSpec": {"metadata", "spec"},
    }


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_that_a_lab_acts_on_a_field_is_shown_by_a_test_or_it_is_in_the_table(name: str):
    assert FIELDS[name] - set(IGNORED.get(name, ())) == proven().get(name, set())


def test_the_table_has_fields_that_there_are():
    for name, fields in IGNORED.items():
        assert set(fields) <= FIELDS[name]


@pytest.mark.parametrize("proof", PROOFS)
def test_a_test_that_shows_what_becomes_of_fields_is_there_and_names_them(proof: str):
    path, _, test = proof.partition("::")
    text = (Path(__file__).parents[2] / path).read_text()
    assert f"def {test}(" in text
    if not path.startswith("scenarios/"):  # there kubectl writes the objects
        names = " ".join(PROOFS[proof].values()).split()
        assert [one for one in names if not re.search(rf"\b{one}\b", text)] == []


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_field_that_no_component_names_is_in_the_table(name: str):
    named = {field for field in FIELDS[name] if re.search(rf"[\"']{field}[\"']", CODE)}
    assert FIELDS[name] - named <= set(IGNORED.get(name, ()))


def warnings(text: str) -> list[str]:
    return list(warnings_of(yaml.safe_load_all(text)))


POD = """
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  priorityClassName: high
  imagePullSecrets: []
  containers:
    - {name: c, image: x, imagePullPolicy: Always}
    - {name: d, image: x, imagePullPolicy: Always, env: [{name: A, value: imagePullPolicy}]}
"""


def test_a_field_that_nothing_acts_on_is_told_with_its_place():
    assert warnings(POD) == [
        "Pod a: spec.priorityClassName: no pod of a lab preempts another",
        "Pod a: spec.containers[0].imagePullPolicy: a lab pulls no images (and 1 more)",
    ]


@pytest.mark.parametrize(("path", "is_told"), [("/", False), ("/var/log", True)])
def test_of_the_nodes_files_the_root_alone_can_be_mounted(path: str, is_told: bool):
    volumes = f"volumes: [{{name: v, hostPath: {{path: {path}}}}}]"
    told = warnings(f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{{volumes}}}")
    assert (
        told
        == ["Pod a: spec.volumes[0].hostPath: a lab has no such volumes, and the pod waits for it"]
        * is_told
    )


def test_a_kind_that_nothing_acts_on_is_told_once():
    text = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: %s}\n"
    assert warnings("---\n".join(text % name for name in "ab")) == [
        "Ingress a: stored, and nothing in a lab acts on it (and 1 more)"
    ]


def test_what_is_acted_on_needs_no_word():
    assert warnings("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: []}") == []


def test_the_page_of_ignored_fields_is_the_table():
    checkout = Path(__file__).parents[3]
    page = runpy.run_path(str(checkout / "scripts/ignored_fields.py"))["page"]()
    assert (checkout / "docs/fields.md").read_text() == page, "python scripts/ignored_fields.py"
