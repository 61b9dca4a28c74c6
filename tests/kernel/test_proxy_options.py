"""kube-proxy as a topology configures it, held against the kernel."""

from collections.abc import Callable, Iterator

import pytest

from tests.kernel.conftest import Lab, wait_for

TOPOLOGY = """
apiVersion: netlab/v1
kind: Topology
metadata: {name: options}
spec:
  nodes: 2
  proxy: PROXY
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  nodeName: node1
  containers: [{name: echoserver, image: registry.k8s.io/echoserver:1.4}]
---
apiVersion: v1
kind: Pod
metadata: {name: caller}
spec:
  nodeName: node2
  containers: [{name: echoserver, image: registry.k8s.io/echoserver:1.4}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  clusterIP: 10.0.7.7
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
"""
IPTABLES = (
    "{nodePortAddresses: [primary], "
    "iptables: {masqueradeAll: true, masqueradeBit: 13, localhostNodePorts: false}}"
)
INTERFACES = "{detectLocalMode: InterfaceNamePrefix, detectLocal: {interfaceNamePrefix: veth}}"
NFTABLES = "{mode: nftables, nftables: {masqueradeAll: true, masqueradeBit: 13}}"


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab]) -> Iterator[Lab]:
    made = make_lab()
    yield made
    made.down()


def bring(lab: Lab, proxy: str) -> None:
    done = lab.run("up", "-", text=TOPOLOGY.replace("PROXY", proxy))
    assert done.returncode == 0, done.stderr


def seen(lab: Lab, host: str, url: str) -> str:
    """Return the address that the pod saw; empty when nothing answered."""
    answer = lab.fetch(host, url)
    return next((x.split("=")[1] for x in answer.splitlines() if "client_address" in x), "")


def caller_address(lab: Lab) -> str:
    return lab.get("pod", "caller")["status"]["podIP"]


def test_by_default_pods_keep_their_address_and_every_address_has_the_node_port(lab: Lab):
    bring(lab, "{}")
    assert seen(lab, "caller", "http://10.0.7.7") == caller_address(lab)
    assert seen(lab, "node1", "http://127.0.0.1:30080")
    assert seen(lab, "node2", "http://10.244.2.1:30080")


def test_options_of_iptables_mode_act(lab: Lab):
    bring(lab, IPTABLES)
    assert seen(lab, "caller", "http://10.0.7.7") == "10.240.0.4"
    rules = lab.inside("node2", "iptables-save", "-t", "nat").stdout
    assert "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x2000/0x2000" in rules
    assert seen(lab, "client", "http://10.240.0.4:30080") == "10.240.0.4"
    assert not seen(lab, "node1", "http://127.0.0.1:30080")
    assert not seen(lab, "node2", "http://10.244.2.1:30080")
    sysctl = lab.inside("node1", "sysctl", "-n", "net.ipv4.conf.all.route_localnet")
    assert sysctl.stdout == "0\n"


def test_options_of_nftables_mode_act(lab: Lab):
    bring(lab, NFTABLES)
    assert seen(lab, "caller", "http://10.0.7.7") == "10.240.0.4"
    assert "0x00002000" in lab.inside("node2", "nft", "list", "table", "ip", "kube-proxy").stdout


def test_pods_are_told_by_the_interface_they_came_in_by(lab: Lab):
    bring(lab, INTERFACES)
    rules = lab.inside("node2", "iptables-save", "-t", "nat").stdout
    assert "! -i veth+ " in rules
    wait_for(lambda: seen(lab, "caller", "http://10.0.7.7") == caller_address(lab))
    assert seen(lab, "node2", "http://10.0.7.7") == "10.240.0.4"
    assert lab.run("rules", "node2", "--diff").returncode == 0
