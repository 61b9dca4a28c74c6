"""Traffic goes on while everything about a Service changes, in either mode of kube-proxy."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from netlab.model.topology import ProxyMode
from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

NODE1, PORT = "10.240.0.3", "30090"
TOPOLOGY = """\
apiVersion: netlab/v1
kind: Topology
metadata: {name: traffic}
spec: {nodes: 2, proxy: {mode: MODE}}
"""
OBJECTS = """\
---
apiVersion: v1
kind: Service
metadata: {name: many}
spec:
  type: NodePort
  selector: {app: many}
  ports: [{port: 80, targetPort: 8080, nodePort: 30090}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: many}
spec:
  replicas: 1
  selector: {matchLabels: {app: many}}
  template:
    metadata: {labels: {app: many}}
    spec: {containers: [{name: echoserver, image: "echoserver:1.4"}]}
"""

CLIENTS = """
import asyncio, collections, json, sys
address, port, clients = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
found = collections.Counter()
ended = asyncio.Event()

async def call():
    try:
        connecting = asyncio.open_connection(address, port)
        reader, writer = await asyncio.wait_for(connecting, 10)
    except (OSError, TimeoutError) as error:
        found[f"not connected: {type(error).__name__}"] += 1
        return
    try:
        writer.write(b"GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
        answer = b""
        while piece := await asyncio.wait_for(reader.read(65536), 10):
            answer += piece
        found["answered" if answer.endswith(b"-no body in request-") else "cut short"] += 1
    except (OSError, TimeoutError) as error:
        found[f"broken: {type(error).__name__}"] += 1
    finally:
        writer.close()

async def client():
    while not ended.is_set():
        await call()
        await asyncio.sleep(0.02)

async def main():
    loop = asyncio.get_running_loop()
    loop.add_reader(0, ended.set)
    print("begun", flush=True)
    await asyncio.gather(*(client() for _ in range(clients)))
    print(json.dumps(found))

asyncio.run(main())
"""


def topology(mode: ProxyMode) -> str:
    return TOPOLOGY.replace("MODE", mode) + OBJECTS


def bring_up(lab: Lab, mode: ProxyMode) -> None:
    done = lab.run("up", "-", text=topology(mode))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module", params=list(ProxyMode))
def lab(make_lab: Callable[[], Lab], request: pytest.FixtureRequest) -> Lab:
    lab = make_lab()
    bring_up(lab, request.param)
    return lab


HELD = """
import socket
held = socket.create_connection(("10.240.0.3", 30090), 5)
print("begun", flush=True)
input()
held.settimeout(5)
held.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
answer = b""
while piece := held.recv(65536):
    answer += piece
print(answer.endswith(b"-no body in request-"))
"""


@contextlib.contextmanager
def running(lab: Lab, program: str, *argv: str) -> Iterator[Callable[[], str]]:
    """Have a Python program run in the client from its first line on; give what ends it.

    The program reads its standard input's end as the word to end, and then says one line more.
    """
    command = ("exec", "client", "--", sys.executable, "-c", program, *argv)
    with lab.start(*command, stdin=True) as process:
        assert process.stdout
        assert process.stdin

        def end() -> str:
            process.stdin.write("\n")
            process.stdin.close()
            return process.stdout.readline()

        try:
            assert process.stdout.readline() == "begun\n"
            yield end
        finally:
            process.kill()


def clients(lab: Lab, count: int):
    """Have clients open connections without end; what ends them says what came of each."""
    return running(lab, CLIENTS, NODE1, PORT, str(count))


def pods(lab: Lab) -> list[dict[str, Any]]:
    return lab.get("pods", "-l", "app=many")["items"]


def are_ready(lab: Lab, count: int) -> bool:
    found = pods(lab)
    return len(found) == count and all(
        condition["status"] == "True"
        for pod in found
        for condition in pod["status"]["conditions"]
        if condition["type"] == "Ready"
    )


def scale(lab: Lab, count: int) -> None:
    lab.run("scale", "deployment", "many", "--replicas", str(count))
    wait_for(lambda: are_ready(lab, count))


def switch(lab: Lab, policy: str) -> None:
    patch = json.dumps({"spec": {"externalTrafficPolicy": policy}})
    assert lab.run("patch", "service", "many", "-p", patch).returncode == 0


def test_no_connection_is_broken_by_scaling_policies_and_the_replacement_of_pods(lab: Lab):
    with clients(lab, 200) as end:
        scale(lab, 10)
        for policy in ("Local", "Cluster"):
            switch(lab, policy)
        scale(lab, 3)
        for pod in pods(lab):
            lab.run("delete", "pod", pod["metadata"]["name"])
            wait_for(lambda: are_ready(lab, 3))
        found = json.loads(end())
    assert found.pop("answered") > 1000
    assert found == {}
    scale(lab, 1)


def test_no_connection_is_broken_by_a_change_of_modes_or_a_full_sync(lab: Lab):
    here = ProxyMode(lab.fetch("node1", "127.0.0.1:10249/proxyMode"))
    [other] = set(ProxyMode) - {here}
    with running(lab, HELD) as ask, clients(lab, 50) as end:
        for mode in (other, here):
            bring_up(lab, mode)
            assert lab.fetch("node1", "127.0.0.1:10249/proxyMode") == mode
            # What somebody has added has the table written whole.
            spoil = "ip kube-proxy" if mode is ProxyMode.NFTABLES else "ip nat"
            lab.inside("node1", "nft", f"add chain {spoil} KUBE-SVC-MINE")
            lab.inside("node1", "nft", f"add rule {spoil} KUBE-SVC-MINE counter")
            bring_up(lab, mode)
            wait_for(lambda: "MINE" not in lab.inside("node1", "nft", "list", "chains").stdout)
        found = json.loads(end())
        assert ask() == "True\n"
    assert found.pop("answered") > 100
    assert found == {}
