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
