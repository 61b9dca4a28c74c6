"""Pods on a bridge, as kubenet and flannel wire them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

TOPOLOGY = """
apiVersion: netlab/v1
kind: Topology
metadata: {name: bridged}
spec: {nodes: 2, cni: bridge}
"""
POD = """
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {app}}}}}
spec:
  nodeName: {node}
  terminationGracePeriodSeconds: 1
  containers: [{{name: echo, image: registry.k8s.io/echoserver:1.4}}]
"""
SERVICE = """
---
apiVersion: v1
kind: Service
metadata: {{name: {app}}}
spec:
  type: NodePort
  clusterIP: {cluster_ip}
  selector: {{app: {app}}}
  ports: [{{port: 80, targetPort: 8080, nodePort: {node_port}}}]
"""
WEB, NODE1, NODE2 = "http://10.0.7.7", "http://10.240.0.3:30080", "http://10.240.0.4:30080"


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if not Path("/proc/sys/net/bridge").exists():
        pytest.skip("br_netfilter is not loaded")
    file = tmp_path_factory.mktemp("bridge") / "bridged.yaml"
    file.write_text(
        TOPOLOGY
        + POD.format(name="web", app="web", node="node1")
        + POD.format(name="beside", app="beside", node="node1")
        + POD.format(name="elsewhere", app="elsewhere", node="node2")
        + SERVICE.format(app="web", cluster_ip="10.0.7.7", node_port=30080)
    )
    made = make_lab()
    made.up(str(file))
    yield made
    made.down()


def address(lab: Lab, pod: str) -> str:
    return lab.get("pod", pod)["status"]["podIP"]


def test_nodeport_answers_as_with_routed_pods(lab: Lab):
    assert "client_address=10.244.1.1" in lab.fetch("client", NODE1)
    assert "client_address=10.240.0.4" in lab.fetch("client", NODE2)


def test_pod_on_the_same_node_reaches_the_clusterip_and_keeps_its_address(lab: Lab):
    """Its answer crosses the bridge alone: br_netfilter lets the rules undo their DNAT."""
    assert f"client_address={address(lab, 'beside')}" in lab.fetch("beside", WEB)


def test_pod_on_another_node_keeps_its_address(lab: Lab):
    assert f"client_address={address(lab, 'elsewhere')}" in lab.fetch("elsewhere", WEB)


def test_pod_reaches_itself_through_its_service(lab: Lab):
    assert "client_address=10.244.1.1" in lab.fetch("web", WEB)
    assert "client_address=10.244.1.1" in lab.fetch("web", NODE1)


def test_pods_reach_each_other_without_nat(lab: Lab):
    for caller, called in (("web", "beside"), ("beside", "elsewhere"), ("elsewhere", "web")):
        answer = lab.fetch(caller, f"http://{address(lab, called)}:8080")
        assert f"client_address={address(lab, caller)}" in answer


def test_address_that_is_given_again_is_found_where_it_is_now(lab: Lab, tmp_path: Path):
    file = tmp_path / "pod.yaml"
    file.write_text(POD.format(name="first", app="first", node="node1"))
    assert lab.run("apply", "-f", str(file)).returncode == 0
    wait_for(lambda: lab.get("pod", "first")["status"].get("phase") == "Running")
    given = address(lab, "first")
    for caller in ("node1", "beside", "elsewhere"):
        assert "CLIENT VALUES" in lab.fetch(caller, f"http://{given}:8080")
    assert lab.run("delete", "pod", "first").returncode == 0
    wait_for(lambda: lab.run("get", "pod", "first").returncode != 0)
    file.write_text(POD.format(name="second", app="second", node="node1"))
    assert lab.run("apply", "-f", str(file)).returncode == 0
    wait_for(lambda: lab.get("pod", "second")["status"].get("phase") == "Running")
    assert address(lab, "second") == given
    for caller in ("node1", "beside", "elsewhere"):
        assert "CLIENT VALUES" in lab.fetch(caller, f"http://{given}:8080")
    assert lab.run("delete", "pod", "second").returncode == 0
