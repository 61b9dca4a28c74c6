"""A Service that prefers endpoints nearby, in a lab with zones and both address families."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import pytest

from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyMode
from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

TOPOLOGY = """\
apiVersion: netlab/v1
kind: Topology
metadata: {name: zones}
spec:
  ipFamilies: [IPv4, IPv6]
  proxy: {mode: MODE}
  nodes:
    - labels: {topology.kubernetes.io/zone: a}
    - labels: {topology.kubernetes.io/zone: a}
    - labels: {topology.kubernetes.io/zone: b}
"""
POD = """\
---
apiVersion: v1
kind: Pod
metadata: {{name: web-{number}, labels: {{app: web}}}}
spec:
  nodeName: node{number}
  containers: [{{name: echoserver, image: "echoserver:1.4"}}]
"""
SERVICE = """\
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ipFamilyPolicy: RequireDualStack
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
"""
CALL = """
import socket, sys
for _ in range(40):
    with socket.create_connection((sys.argv[1], 80), 2) as call:
        print(call.getsockname()[1])
"""


@pytest.fixture(
    scope="module",
    params=[ProxyMode.IPTABLES, pytest.param(ProxyMode.NFTABLES, marks=pytest.mark.long)],
)
def lab(make_lab: Callable[[], Lab], request: pytest.FixtureRequest) -> Iterator[Lab]:
    lab = make_lab()
    pods = "".join(POD.format(number=number) for number in (1, 2, 3))
    done = lab.run("up", "-", text=TOPOLOGY.replace("MODE", request.param) + pods + SERVICE)
    assert done.returncode == 0, done.stderr
    yield lab
    lab.down()


def prefer(lab: Lab, what: str | None) -> None:
    patch = json.dumps({"spec": {"trafficDistribution": what}})
    done = lab.run("patch", "service", "web", "--type", "merge", "-p", patch)
    assert done.returncode == 0, done.stderr
    for node in ("node1", "node2", "node3"):
        wait_for(lambda node=node: lab.run("rules", node, "--diff").returncode == 0)


def answering(lab: Lab, node: str, family: Family) -> set[str]:
    """Return the pods that answer forty calls of a node, by its connection tracking."""
    addresses = lab.get("service", "web")["spec"]["clusterIPs"]
    [called] = [one for one in addresses if family.holds(ip_address(one))]
    ports = lab.inside(node, sys.executable, "-c", CALL, called).stdout.split()
    assert len(ports) == 40
    entries = lab.inside(node, "cat", "/proc/net/nf_conntrack").stdout
    to = re.escape(ip_address(called).exploded)
    found = re.findall(rf"dst={to} sport=(\d+) dport=80 .*src=(\S+)", entries)
    pods = {
        ip_address(one["ip"]).exploded: pod["metadata"]["name"]
        for pod in lab.get("pods")["items"]
        for one in pod["status"]["podIPs"]
    }
    return {pods[address] for port, address in found if port in ports}


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize(
    ("asked", "node1", "node3"),
    [
        # Each of three is missed in forty calls once in ten million runs.
        pytest.param(None, {"web-1", "web-2", "web-3"}, {"web-1", "web-2", "web-3"}, id="nothing"),
        pytest.param("PreferClose", {"web-1", "web-2"}, {"web-3"}, id="the zone"),
        pytest.param("PreferSameNode", {"web-1"}, {"web-3"}, id="the node"),
    ],
)
def test_calls_stay_as_near_as_the_service_asks(
    lab: Lab, asked: str | None, node1: set[str], node3: set[str], family: Family
):
    prefer(lab, asked)
    assert (answering(lab, "node1", family), answering(lab, "node3", family)) == (node1, node3)
