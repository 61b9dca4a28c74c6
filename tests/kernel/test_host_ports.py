"""hostPorts of pods on the kernel: who is answered, with which address, and what is left."""

from collections.abc import Callable, Iterator

import pytest

from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

TOPOLOGY = """
apiVersion: netlab/v1
kind: Topology
metadata: {name: host-ports}
spec: {nodes: 2, clients: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: mapped}
spec:
  nodeName: node1
  containers:
    - name: c
      image: registry.k8s.io/echoserver:1.4
      ports: [{containerPort: 8080, hostPort: 9090}]
---
apiVersion: v1
kind: Pod
metadata: {name: on-node2}
spec:
  nodeName: node2
  hostNetwork: true
  containers:
    - {name: c, image: nginx, ports: [{containerPort: 80, hostPort: 80}]}
"""


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab]) -> Iterator[Lab]:
    made = make_lab()
    done = made.run("up", "-", text=TOPOLOGY)
    assert done.returncode == 0, done.stderr
    yield made
    made.down()


@pytest.mark.parametrize(
    ("caller", "url", "seen"),
    [
        pytest.param("client", "http://10.240.0.3:9090", "198.51.100.79", id="a client"),
        pytest.param("client", "http://192.0.2.3:9090", "198.51.100.79", id="the ExternalIP"),
        pytest.param("node2", "http://10.240.0.3:9090", "10.240.0.4", id="another node"),
        pytest.param("node1", "http://127.0.0.1:9090", "10.244.1.1", id="loopback"),
        pytest.param("mapped", "http://10.240.0.3:9090", "10.244.1.1", id="the pod itself"),
    ],
)
def test_a_host_port_leads_to_the_pod(lab: Lab, caller: str, url: str, seen: str):
    wait_for(lambda: f"client_address={seen}\n" in lab.fetch(caller, url))


def test_other_nodes_have_no_such_port(lab: Lab):
    assert lab.fetch("client", "http://10.240.0.4:9090") == ""


def test_a_pod_in_the_nodes_network_needs_no_rule(lab: Lab):
    wait_for(lambda: "Welcome to nginx" in lab.fetch("client", "http://10.240.0.4"))
    rules = lab.inside("node2", "iptables-save", "-t", "nat").stdout
    assert "CNI-HOSTPORT" not in rules


def test_the_walk_of_the_rules_agrees_with_the_packet(lab: Lab):
    done = lab.run("trace", "client", "http://10.240.0.3:9090", "--predict")
    assert "The kernel did what rules and routes predict." in done.stdout
    assert "CNI-HOSTPORT-DNAT #1" in done.stdout


def test_the_rules_are_netlabs_own(lab: Lab):
    assert lab.status().get("foreign", []) == []


def test_they_go_with_the_last_pod(lab: Lab):
    assert lab.run("delete", "pod", "mapped").returncode == 0
    wait_for(lambda: "CNI-" not in lab.inside("node1", "iptables-save", "-t", "nat").stdout)
