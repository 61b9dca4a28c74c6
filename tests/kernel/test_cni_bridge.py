"""Pods on a bridge, as kubenet and flannel wire them, in a lab of IPv4 and in one of IPv6."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from netlab.model.addresses import Family
from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

TOPOLOGY = """
apiVersion: netlab/v1
kind: Topology
metadata: {{name: bridged}}
spec: {{ipFamilies: [{family}], nodes: 2, cni: bridge}}
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
  clusterIP: "{cluster_ip}"
  selector: {{app: {app}}}
  ports: [{{port: 80, targetPort: 8080, nodePort: {node_port}}}]
"""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    cluster_ip: str
    node1: str
    node2: str
    gateway1: str
    """Of node1's pods."""


ADDRESSES = {
    Family.IPV4: Addresses(
        cluster_ip="10.0.7.7", node1="10.240.0.3", node2="10.240.0.4", gateway1="10.244.1.1"
    ),
    Family.IPV6: Addresses(
        cluster_ip="fd00:10:96::77",
        node1="fd00:10:240::3",
        node2="fd00:10:240::4",
        gateway1="fd00:10:244:1::1",
    ),
}


@pytest.fixture(scope="module", params=list(Family))
def family(request: pytest.FixtureRequest) -> Family:
    return request.param


@pytest.fixture(scope="module")
def at(family: Family) -> Addresses:
    return ADDRESSES[family]


@pytest.fixture(scope="module")
def lab(
    make_lab: Callable[[], Lab],
    tmp_path_factory: pytest.TempPathFactory,
    family: Family,
    at: Addresses,
) -> Iterator[Lab]:
    if not Path("/proc/sys/net/bridge").exists():
        pytest.skip("br_netfilter is not loaded")
    file = tmp_path_factory.mktemp("bridge") / "bridged.yaml"
    file.write_text(
        TOPOLOGY.format(family=family)
        + POD.format(name="web", app="web", node="node1")
        + POD.format(name="beside", app="beside", node="node1")
        + POD.format(name="elsewhere", app="elsewhere", node="node2")
        + SERVICE.format(app="web", cluster_ip=at.cluster_ip, node_port=30080)
    )
    made = make_lab()
    made.up(str(file))
    yield made
    made.down()


def address(lab: Lab, pod: str) -> str:
    return lab.get("pod", pod)["status"]["podIP"]


def url(address: str, port: int) -> str:
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def test_nodeport_answers_as_with_routed_pods(lab: Lab, at: Addresses):
    answer = lab.fetch("client", url(at.node1, 30080))
    assert f"client_address={at.gateway1}\n" in answer
    assert f"client_address={at.node2}\n" in lab.fetch("client", url(at.node2, 30080))


def test_pod_on_the_same_node_reaches_the_clusterip_and_keeps_its_address(lab: Lab, at: Addresses):
    """Its answer crosses the bridge alone: br_netfilter lets the rules undo their DNAT."""
    answer = lab.fetch("beside", url(at.cluster_ip, 80))
    assert f"client_address={address(lab, 'beside')}" in answer


def test_pod_on_another_node_keeps_its_address(lab: Lab, at: Addresses):
    answer = lab.fetch("elsewhere", url(at.cluster_ip, 80))
    assert f"client_address={address(lab, 'elsewhere')}" in answer


def test_pod_reaches_itself_through_its_service(lab: Lab, at: Addresses):
    for called in (url(at.cluster_ip, 80), url(at.node1, 30080)):
        assert f"client_address={at.gateway1}\n" in lab.fetch("web", called)


def test_pods_reach_each_other_without_nat(lab: Lab):
    for caller, called in (("web", "beside"), ("beside", "elsewhere"), ("elsewhere", "web")):
        answer = lab.fetch(caller, url(address(lab, called), 8080))
        assert f"client_address={address(lab, caller)}" in answer


def test_address_that_is_given_again_is_found_where_it_is_now(lab: Lab, tmp_path: Path):
    file = tmp_path / "pod.yaml"
    file.write_text(POD.format(name="first", app="first", node="node1"))
    assert lab.run("apply", "-f", str(file)).returncode == 0
    wait_for(lambda: lab.get("pod", "first")["status"].get("phase") == "Running")
    given = address(lab, "first")
    for caller in ("node1", "beside", "elsewhere"):
        assert "CLIENT VALUES" in lab.fetch(caller, url(given, 8080))
    assert lab.run("delete", "pod", "first").returncode == 0
    wait_for(lambda: lab.run("get", "pod", "first").returncode != 0)
    file.write_text(POD.format(name="second", app="second", node="node1"))
    assert lab.run("apply", "-f", str(file)).returncode == 0
    wait_for(lambda: lab.get("pod", "second")["status"].get("phase") == "Running")
    assert address(lab, "second") == given
    for caller in ("node1", "beside", "elsewhere"):
        assert "CLIENT VALUES" in lab.fetch(caller, url(given, 8080))
    assert lab.run("delete", "pod", "second").returncode == 0
