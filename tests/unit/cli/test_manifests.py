"""Manifests that people bring to `validate`, `compile` and `predict`: no lab, no root."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from netlab.cli import netlab

MANIFESTS = Path(__file__).parents[2] / "manifests"
NODE = """
apiVersion: v1
kind: Node
metadata: {name: n1}
spec: {podCIDR: 10.244.1.0/24}
status: {addresses: [{type: InternalIP, address: 10.88.0.1}]}
"""


def run(*argv: str, text: str = NODE) -> Result:
    return CliRunner().invoke(netlab, argv, input=text)


def path_of(name: str) -> str:
    return str(MANIFESTS / f"{name}.yaml")


def compiled(name: str) -> Result:
    done = run("compile", "-f", path_of(name), "-f", "-", "--node", "n1")
    assert done.exit_code == 0, done.stderr
    return done


@pytest.mark.parametrize("path", sorted(MANIFESTS.iterdir()), ids=lambda path: path.stem)
def test_each_is_right(path: Path):
    done = run("validate", str(path))
    assert done.exit_code == 0, done.stderr


def test_a_service_is_compiled_whatever_stands_beside_it():
    done = compiled("other-kinds")
    assert "-A KUBE-SERVICES -d 10.0.0.44/32 " in done.stdout
    assert "Note: 1 object of kind ServiceAccount left out: kube-proxy does not read it." in (
        done.stderr
    )


def test_a_service_list_is_a_list_of_services():
    assert "-A KUBE-SERVICES -d 10.96.1.2/32 " in compiled("service-list").stdout


def test_the_configuration_is_read_where_kubeadm_keeps_it():
    done = compiled("kube-proxy-configmap")
    assert done.stdout.startswith("add table ip kube-proxy")
    assert "no KubeProxyConfiguration" not in done.stderr


def test_an_answer_that_depends_on_who_is_a_pod_comes_with_what_it_takes_for_granted():
    flow = "pod 10.6.1.7 -> 10.87.1.2:443/tcp"
    file = ("-f", path_of("no-cluster-cidr"))
    done = run("predict", *file, "--node", "n1", flow)
    assert "It is dropped without a word" in done.stdout
    assert "With it: It goes to 10.6.2.4:8443" in done.stderr
    configuration = (
        "{apiVersion: kubeproxy.config.k8s.io/v1alpha1, kind: KubeProxyConfiguration,"
        " clusterCIDR: 10.6.0.0/16}"
    )
    done = run("predict", *file, "-f", "-", "--node", "n1", flow, text=configuration)
    assert "It goes to 10.6.2.4:8443" in done.stdout
    assert done.stderr == ""


WEB = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.0.0.44, ports: [{port: 80}]}
"""
KNATIVE = """
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: web}
spec: {template: {spec: {containers: [{image: x}]}}}
"""
JSON = """\
{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "NAME"}, "spec": {"ports": [
{"port": 80}]}}"""
LIST = "{apiVersion: v1, kind: List, items: [ITEM]}"
TAKEN = {
    "lines that end as on Windows": (WEB.replace("\n", "\r\n"), "1 Service"),
    "a byte order mark": (f"\ufeff{WEB}", "1 Service"),
    "documents of comments alone": (f"# a\n---\n# b\n---\n{WEB}\n---\n# c\n---\n", "1 Service"),
    "a comment behind the line between documents": (f"--- # Source: a/b.yaml{WEB}", "1 Service"),
    "objects of JSON one after the other": (
        "\n".join(JSON.replace("NAME", name) for name in "abc"),
        "3 Services",
    ),
    "objects of JSON in one line": (
        JSON.replace("NAME", "a") + JSON.replace("NAME", "b"),
        "2 Services",
    ),
    "the same object twice": (f"{WEB}---{WEB}", "1 Service"),
    "a list of nothing": ("apiVersion: v1\nkind: List\nitems: []\n", "nothing for a lab"),
    "a list in a list": (
        LIST.replace("ITEM", LIST.replace("ITEM", JSON.replace("NAME", "a"))),
        "1 Service",
    ),
}


@pytest.mark.parametrize(("text", "held"), TAKEN.values(), ids=TAKEN)
def test_files_come_in_many_forms(text: str, held: str, tmp_path: Path):
    done = run("validate", "-", text=text)
    assert (done.exit_code, done.stdout) == (0, f"<stdin>: {held}\n"), done.exception
    node = tmp_path / "node.yaml"
    node.write_text(NODE)
    compiled = run("compile", "-f", str(node), "-f", "-", "--node", "n1", text=text)
    assert compiled.exit_code == 0, compiled.exception


def test_lines_of_a_stream_of_json_are_those_of_the_file():
    wrong = JSON.replace("NAME", "b").replace("80", "0")
    done = run("validate", "-", text="\n".join([JSON.replace("NAME", "a"), wrong]))
    assert "<stdin>:4: spec.ports[0].port: Invalid value: 0" in str(done.exception)


def test_of_an_object_that_stands_twice_the_later_one_counts():
    done = run("validate", "-", text=f"{WEB}---{WEB.replace('80', '81')}")
    assert done.stdout == "<stdin>: 1 Service\n"
    assert done.stderr == "Warning: Service default/web is there again: the one on line 7 counts\n"
    assert run("validate", "--strict", "-", text=f"{WEB}---{WEB}").exit_code != 0


def test_a_service_of_somebody_elses_is_none_of_kube_proxys():
    done = run("compile", "-f", "-", "--node", "n1", text=f"{KNATIVE}---{NODE}---{WEB}")
    assert "-A KUBE-SERVICES -d 10.0.0.44/32 " in done.stdout
    assert "Note: 1 object of kind Service left out: kube-proxy does not read it." in done.stderr
