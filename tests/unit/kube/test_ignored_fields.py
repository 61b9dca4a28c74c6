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

ROOT = Path(netlab.__file__).parent
ACTING = (
    *("kubelet", "controllers", "scheduler", "kubeproxy", "dns", "loadbalancer", "lab", "cni"),
    *(
        "apiserver",
        "kube/kinds/pod/status.py",
        "kube/kinds/pod/view.py",
        "kube/kinds/service/node_ports.py",
        "kube/kinds/service/view.py",
    ),
)
"""Where fields are acted on; what only checks them or fills them in does not count."""

DEFINITIONS = (
    *("PodSpec", "Container", "SecurityContext", "PodSecurityContext", "Volume", "VolumeMount"),
    *("EmptyDirVolumeSource", "EnvVarSource", "ServiceAccount", "DeploymentSpec", "JobSpec"),
    *("ReplicaSetSpec", "DaemonSetSpec", "StatefulSetSpec", "ServiceSpec", "ServicePort"),
    *("ContainerPort", "PodDNSConfig", "TopologySpreadConstraint", "Affinity"),
)
NO_FIELDS_OF_AN_OBJECT = {"apiVersion", "kind", "metadata", "serviceAccount", "secrets"}
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


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_field_is_named_by_a_component_or_by_the_table(name: str):
    (schema,) = (
        schema for full, schema in definitions().items() if full.rpartition(".")[2] == name
    )
    fields = set(cast("dict[str, Any]", schema["properties"])) - NO_FIELDS_OF_AN_OBJECT
    acted_on = {field for field in fields if re.search(rf"[\"']{field}[\"']", CODE)}
    assert fields - acted_on == set(IGNORED.get(name, ()))


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
