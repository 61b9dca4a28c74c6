"""The same rules, through iptables-nft and iptables-legacy, whichever the host's is."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

BACKENDS = {"nft": "/usr/sbin/xtables-nft-multi", "legacy": "/usr/sbin/xtables-legacy-multi"}
PROGRAMS = ("iptables", "iptables-save", "iptables-restore")

TOPOLOGY = """
apiVersion: netlab/v1
kind: Topology
metadata: {name: backends}
spec: {nodes: 2}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1, labels: {app: web}}
spec:
  nodeName: node1
  containers: [{name: echo, image: registry.k8s.io/echoserver:1.4}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  clusterIP: 10.0.7.7
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec:
  clusterIP: 10.0.7.8
  selector: {app: none}
  ports: [{port: 80}]
"""
LOCAL = '{"spec":{"externalTrafficPolicy":"Local","sessionAffinity":"ClientIP"}}'


class LabWithBackend(Lab):
    """A lab whose control plane finds the iptables of one back end."""

    directory_of_programs = ""

    def environment(self) -> dict[str, str]:
        own = super().environment()
        return {**own, "PATH": f"{self.directory_of_programs}:{own['PATH']}"}


@pytest.fixture(params=BACKENDS)
def lab(request: pytest.FixtureRequest, make_lab: Callable[[], Lab], tmp_path: Path) -> Iterator:
    backend = BACKENDS[request.param]
    if not os.access(backend, os.X_OK):
        pytest.skip(f"this machine has no {backend}")
    for name in PROGRAMS:
        (tmp_path / name).symlink_to(backend)
    (tmp_path / "backends.yaml").write_text(TOPOLOGY)
    made = make_lab()
    made.__class__ = LabWithBackend
    assert isinstance(made, LabWithBackend)
    made.directory_of_programs = str(tmp_path)
    made.up(str(tmp_path / "backends.yaml"))
    yield made
    made.down()


_seen: dict[str, list[str]] = {}


def saved(lab: Lab, backend: str, node: str) -> list[str]:
    """Return the rules and chains that one back end's own program shows on a node."""
    listed = lab.inside(node, BACKENDS[backend], "iptables-save").stdout
    return [line.split(" [")[0] for line in listed.splitlines() if line[:1] in {"*", ":", "-"}]


def test_rules_are_in_this_back_end_alone_and_are_kube_proxys(
    lab: Lab, request: pytest.FixtureRequest
):
    backend = request.node.callspec.params["lab"]
    other = next(name for name in BACKENDS if name != backend)
    rules = saved(lab, backend, "node1")
    assert ":KUBE-SERVICES -" in rules
    assert any(rule.startswith("-A KUBE-SVC-") for rule in rules)
    assert "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000" in rules
    if os.access(BACKENDS[other], os.X_OK):
        assert not [rule for rule in saved(lab, other, "node1") if "KUBE" in rule]
    # Both say the same, in the same order.
    for seen in _seen.values():
        assert rules_by_chain(rules) == rules_by_chain(seen)
    _seen[backend] = rules


def rules_by_chain(lines: list[str]) -> dict[str, list[str]]:
    """Return the rules of each chain in their order; the tables come in any order."""
    found: dict[str, list[str]] = {}
    table = ""
    for line in lines:
        if line[0] == "*":
            table = line
        elif line[0] == ":":
            name = line[1:].split()[0]
            if name.startswith("KUBE"):
                found.setdefault(f"{table} {name}", [])
        else:
            found.setdefault(f"{table} {line.split()[1]}", []).append(line)
    return {chain: rules for chain, rules in found.items() if rules}


def test_cluster_and_local_answer_as_documented(lab: Lab):
    node1, node2 = "http://10.240.0.3:30080", "http://10.240.0.4:30080"
    assert "client_address=10.244.1.1" in lab.fetch("client", node1)
    assert "client_address=10.240.0.4" in lab.fetch("client", node2)
    assert lab.run("patch", "svc", "web", "-p", LOCAL).returncode == 0
    wait_for(lambda: "client_address=198.51.100.79" in lab.fetch("client", node1), 1)
    timed_out = 28
    given_up = lab.inside("client", "curl", "-s", "--max-time", "1", node2)
    assert given_up.returncode == timed_out
