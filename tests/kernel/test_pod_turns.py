"""The turns of a pod's life: it serves before rules lead to it, and until they no longer do.

A machine that lays rules slowly, or at the second attempt, or starts a pod slowly, makes the
moments between the steps so long that a step out of turn is seen.
"""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from netlab.model.kube_proxy import ProxyMode
from tests.kernel.conftest import Lab, wait_for
from tests.kernel.test_traffic import running

pytestmark = pytest.mark.kernel

NODES = ("10.240.0.3", "10.240.0.4", "[fd00:10:240::3]", "[fd00:10:240::4]")
"""Both, by their addresses of both families."""
PORT = "30091"
CALLS = 20
TOPOLOGY = """\
apiVersion: netlab/v1
kind: Topology
metadata: {name: turns}
spec: {nodes: 2, ipFamilies: [IPv4, IPv6], proxy: {mode: MODE}}
---
apiVersion: v1
kind: Service
metadata: {name: turns}
spec:
  type: NodePort
  ipFamilyPolicy: RequireDualStack
  selector: {app: turns}
  ports: [{port: 80, targetPort: 8080, nodePort: 30091}]
"""
POD = """\
---
apiVersion: v1
kind: Pod
metadata: {name: NAME, labels: {app: turns}}
spec:
  nodeName: NODE
  containers:
    - {name: echo, image: "echoserver:1.4"}
"""
WITNESS = """\
    - name: witness
      image: pause
      command: [sh, -c]
      args:
        - |
          trap '
            for node in NODES; do for call in $(seq CALLS); do
              curl -sg -o /dev/null --max-time 5 http://$node:PORT/asked-to-end
            done; done; exit' TERM
          sleep 1000 & wait
"""
TOOL = """\
#!/bin/sh
case "$(cat {directory}/trouble 2>/dev/null)" in
slow) sleep 0.5 ;;
refusing) if mkdir {directory}/refused 2>/dev/null; then echo refused >&2; exit 1; fi ;;
esac
exec {program} "$@"
"""
CALLER = """
import http.client, select, socket
print("begun", flush=True)
unanswered = calls = 0
while not select.select([0], [], [], 0.005)[0]:
    for address in ("10.240.0.3", "10.240.0.4", "fd00:10:240::3", "fd00:10:240::4"):
        calls += 1
        connection = http.client.HTTPConnection(address, 30091, timeout=60)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except OSError:
            unanswered += 1
        connection.close()
print(unanswered, calls)
"""


class TroubledTools(Lab):
    """A lab whose nft and iptables are slow, or refuse the next text, when told to."""

    def __init__(self, name: str, directory: Path) -> None:
        super().__init__(name)
        self._directory = directory
        for tool in ("nft", "iptables-restore", "ip6tables-restore"):
            program = shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
            wrapped = directory / tool
            wrapped.write_text(TOOL.format(directory=directory, program=program))
            wrapped.chmod(0o755)

    def environment(self) -> dict[str, str]:
        environment = super().environment()
        return {**environment, "PATH": f"{self._directory}:{environment['PATH']}"}

    def be(self, trouble: str) -> None:
        (self._directory / "trouble").write_text(trouble)


@pytest.fixture(params=list(ProxyMode))
def topology(request: pytest.FixtureRequest) -> str:
    return TOPOLOGY.replace("MODE", request.param)


def pod(name: str, node: str) -> str:
    return POD.replace("NAME", name).replace("NODE", node)


def is_ready(lab: Lab, name: str) -> bool:
    conditions: list[dict[str, Any]] = lab.get("pod", name)["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


@pytest.mark.parametrize("trouble", ["slow", "refusing"])
def test_a_pod_learns_that_it_must_end_when_no_node_leads_a_new_connection_to_it(
    lab: Lab, topology: str, trouble: str, tmp_path: Path
):
    lab = TroubledTools(lab.name, tmp_path)
    witness = WITNESS.replace("NODES", " ".join(NODES)).replace("PORT", PORT)
    witness = witness.replace("CALLS", str(CALLS))
    pods = pod("stays", "node1") + pod("goes", "node1") + witness
    done = lab.run("up", "-", text=topology + pods)
    assert done.returncode == 0, done.stdout + done.stderr
    lab.be(trouble)
    with lab.log_file("stays").open() as stays, lab.log_file("goes").open() as goes:
        assert lab.run("delete", "pod", "goes", "--no-wait").returncode == 0
        served: list[tuple[str, str]] = []

        def has_called() -> bool:
            for name, log in (("stays", stays), ("goes", goes)):
                served.extend((name, line) for line in log if "/asked-to-end" in line)
            return len(served) >= CALLS * len(NODES)

        wait_for(has_called, 60)
    assert [line for name, line in served if name == "goes"] == []


def test_rules_lead_to_a_pod_when_it_listens(lab: Lab, topology: str):
    done = lab.run("up", "-", text=topology + pod("first", "node1"))
    assert done.returncode == 0, done.stdout + done.stderr
    zygote = lab.processes()["zygote"]
    with running(lab, "client", CALLER) as caller:
        os.kill(zygote, signal.SIGSTOP)
        try:
            assert lab.run("apply", "-f", "-", text=pod("late", "node2")).returncode == 0
            wait_for(lambda: lab.get("pod", "late")["status"].get("podIP"))
            assert not is_ready(lab, "late")
        finally:
            os.kill(zygote, signal.SIGCONT)
        wait_for(lambda: lab.log("late"), 60)
        assert is_ready(lab, "late")
        unanswered, calls = map(int, caller.end().split())
    assert calls > 10
    assert unanswered == 0


def test_a_container_that_starts_slowly_holds_up_no_nodes_rules(lab: Lab, topology: str):
    done = lab.run("up", "-", text=topology + pod("first", "node1"))
    assert done.returncode == 0, done.stdout + done.stderr
    zygote = lab.processes()["zygote"]
    os.kill(zygote, signal.SIGSTOP)
    try:
        assert lab.run("apply", "-f", "-", text=pod("late", "node2")).returncode == 0
        wait_for(lambda: lab.get("pod", "late")["status"].get("podIP"))
        second = topology.split("---\n")[1].replace("name: turns", "name: second")
        second = second.replace(PORT, "30092")
        assert lab.run("apply", "-f", "-", text=second).returncode == 0
        wait_for(lambda: lab.fetch("client", f"http://{NODES[1]}:30092/"), 10)
        assert not is_ready(lab, "late")
    finally:
        os.kill(zygote, signal.SIGCONT)
    wait_for(lambda: is_ready(lab, "late"))
