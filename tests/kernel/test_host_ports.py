"""hostPorts of pods on the kernel: who is answered, with which address, and what is left."""

import sys
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


UDP_POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  nodeName: node1
  terminationGracePeriodSeconds: 0
  containers:
    - name: c
      image: registry.k8s.io/e2e-test-images/agnhost:2.40
      args: [netexec, --http-port=8080, --udp-port=8081]
      ports: [{containerPort: 8081, hostPort: 9091, protocol: UDP}]
"""
OTHER = UDP_POD.replace("NAME", "other").replace(", hostPort: 9091", "")
ASK = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 4711))
s.settimeout(0.1)
end = time.monotonic() + 15
answer = b""
while time.monotonic() < end and answer.decode() != sys.argv[1]:
    try:
        s.sendto(b"hostname", ("10.240.0.3", 9091))
        answer = s.recv(100)
    except OSError:
        pass
print(answer.decode())
"""


def test_a_udp_client_that_keeps_sending_reaches_the_next_pod_on_the_port(lab: Lab):
    def answered(pod: str) -> str:
        return lab.inside("client", sys.executable, "-c", ASK, pod).stdout.strip()

    assert lab.run("apply", "-f", "-", text=UDP_POD.replace("NAME", "first")).returncode == 0
    assert answered("first") == "first"
    assert lab.run("delete", "pod", "first").returncode == 0
    # The first pod's address may be the next one's: somebody else takes it.
    assert lab.run("apply", "-f", "-", text=OTHER).returncode == 0
    # Conntrack keeps an entry for as long as packets come, and these come from the same port.
    assert lab.run("apply", "-f", "-", text=UDP_POD.replace("NAME", "second")).returncode == 0
    assert answered("second") == "second"
    assert lab.run("delete", "pod", "second", "other").returncode == 0


def test_they_go_with_the_last_pod(lab: Lab):
    assert lab.run("delete", "pod", "mapped").returncode == 0
    wait_for(lambda: "CNI-" not in lab.inside("node1", "iptables-save", "-t", "nat").stdout)
