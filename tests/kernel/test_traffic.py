"""Traffic goes on while everything about a Service changes, in either mode of kube-proxy."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from subprocess import Popen
from typing import Any, NamedTuple

import pytest

from netlab.model.kube_proxy import ProxyMode
from netlab.workloads.draining import LINGER_S
from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

NODE1, NODE2, PORT = "10.240.0.3", "10.240.0.4", "30090"
BUSY_S = 60.0
"""Enough for what takes a second, on a machine that others keep busy."""
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
import asyncio, collections, json, os, sys
clients, *targets = sys.argv[1:]
found, first = collections.Counter(), []
ended = asyncio.Event()

def failed(how, target, error):
    found[f"{how}: {type(error).__name__}"] += 1
    first.append(f"{target}: {how}: {error!r}")

async def call(target):
    address, port = target.split(":")
    try:
        # However busy the machine is: who waits so long has been forgotten.
        connecting = asyncio.open_connection(address, int(port))
        reader, writer = await asyncio.wait_for(connecting, 60)
    except (OSError, TimeoutError) as error:
        failed("not connected", target, error)
        return
    try:
        writer.write(b"GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
        answer = await asyncio.wait_for(reader.read(), 60)
        found["answered" if answer.endswith(b"-no body in request-") else "cut short"] += 1
    except (OSError, TimeoutError) as error:
        failed("broken", target, error)
    finally:
        writer.close()

async def client(target):
    while not ended.is_set():
        await call(target)
        await asyncio.sleep(0.02)

def asked():
    words = os.read(0, 1000)
    if not words:
        asyncio.get_running_loop().remove_reader(0)
        ended.set()
    for _ in words:
        print(found["answered"], flush=True)

async def main():
    asyncio.get_running_loop().add_reader(0, asked)
    print("begun", flush=True)
    await asyncio.gather(*(client(targets[i % len(targets)]) for i in range(int(clients))))
    print(json.dumps([found, first[:5]]))

asyncio.run(main())
"""
HELD = """
import socket
held = socket.create_connection(("10.240.0.3", 30090), 5)
print("begun", flush=True)
input()
held.settimeout(60)
held.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
answer = b""
while piece := held.recv(65536):
    answer += piece
print(answer.endswith(b"-no body in request-"))
"""
SLOW = """
import socket
size = 200_000
head = f"POST / HTTP/1.0\\r\\nContent-Length: {size}\\r\\n\\r\\n"
slow = socket.socket()
# Less than the answer: the pod has to keep the rest.
slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 15)
slow.settimeout(60)
slow.connect(("10.240.0.3", 30090))
slow.sendall(head.encode() + b"x" * size)
answer = slow.recv(1000)
print("begun", flush=True)
input()
while piece := slow.recv(65536):
    answer += piece
print(answer.endswith(b"BODY:\\n" + b"x" * size))
"""


def topology(mode: ProxyMode) -> str:
    return TOPOLOGY.replace("MODE", mode) + OBJECTS


def bring_up(lab: Lab, mode: ProxyMode) -> None:
    done = lab.run("up", "-", text=topology(mode))
    assert done.returncode == 0, done.stdout + done.stderr


def usually(mode: ProxyMode) -> pytest.MarkDecorator:
    """Return what has a test run in both modes, and by default in one."""
    modes = [one if one is mode else pytest.param(one, marks=pytest.mark.long) for one in ProxyMode]
    return pytest.mark.parametrize("lab", modes, indirect=True)


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab], request: pytest.FixtureRequest) -> Lab:
    lab = make_lab()
    bring_up(lab, request.param)
    return lab


class Running(NamedTuple):
    """A Python program inside a host, which reads questions and prints answers."""

    process: Popen[str]

    def ask(self) -> str:
        """Give the program a byte to read, and return the next line that it prints."""
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._line()

    def end(self) -> str:
        """Close the program's standard input, and return the next line that it prints."""
        assert self.process.stdin
        self.process.stdin.close()
        return self._line()

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()

    def wait_for_more(self, count: int) -> None:
        """Wait until clients have had so many more connections answered."""
        enough = int(self.ask()) + count
        wait_for(lambda: int(self.ask()) >= enough, BUSY_S)


@contextlib.contextmanager
def running(lab: Lab, host: str, program: str, *argv: str) -> Iterator[Running]:
    """Have a Python program run in a host of the lab from its first line on."""
    command = ("exec", host, "--", sys.executable, "-c", program, *argv)
    with lab.start(*command, stdin=True) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == "begun\n"
            yield Running(process)
        finally:
            process.kill()


@contextlib.contextmanager
def clients(lab: Lab, count: int) -> Iterator[Callable[[int], None]]:
    """Have clients open connections without end: every one that is made must be answered.

    None may be refused either, save for one or two in nftables mode: of a packet that is on its way
    through a Service's chain while its map is replaced, the kernel may find no endpoint (decision
    13). That is kube-proxy's own way to write it, and the packet has reached no pod.

    Half of them are outside of the cluster and call the NodePort of both nodes, the others are on
    a node and call the ClusterIP. Given is what waits until both have had so many more answered.
    """
    missed = {ProxyMode.IPTABLES: 0, ProxyMode.NFTABLES: 2}[mode_of(lab)]
    cluster_ip = lab.get("service", "many")["spec"]["clusterIP"]
    node_ports = [f"{address}:{PORT}" for address in (NODE1, NODE2)]
    with (
        running(lab, "client", CLIENTS, str(count // 2), *node_ports) as outside,
        running(lab, "node1", CLIENTS, str(count // 2), f"{cluster_ip}:80") as inside,
    ):

        def wait_for_more(answers: int) -> None:
            for group in (outside, inside):
                group.wait_for_more(answers)

        yield wait_for_more
        for group in (outside, inside):
            found, first = json.loads(group.end())
            refused = found.pop("not connected: ConnectionRefusedError", 0)
            assert refused <= missed, f"{refused} refused, the first: {first}"
            assert found.keys() == {"answered"}, f"{found}, the first: {first}"


def mode_of(lab: Lab) -> ProxyMode:
    return ProxyMode(lab.fetch("node1", "127.0.0.1:10249/proxyMode"))


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
    """Scale, and wait until all pods serve and those that were to end are gone."""
    lab.run("scale", "deployment", "many", "--replicas", str(count))
    wait_for(lambda: are_ready(lab, count), BUSY_S)


def switch(lab: Lab, policy: str) -> None:
    both = {"externalTrafficPolicy": policy, "internalTrafficPolicy": policy}
    patch = json.dumps({"spec": both})
    assert lab.run("patch", "service", "many", "-p", patch).returncode == 0


def names(lab: Lab) -> set[str]:
    return {pod["metadata"]["name"] for pod in pods(lab)}


@usually(ProxyMode.IPTABLES)
def test_no_connection_is_broken_by_scaling_policies_and_the_replacement_of_pods(lab: Lab):
    with clients(lab, 200) as wait_for_more:
        # Each step begins, and the last one ends, while connections come.
        wait_for_more(100)
        scale(lab, 10)
        wait_for_more(100)
        for policy in ("Local", "Cluster"):
            switch(lab, policy)
            wait_for_more(100)
        scale(lab, 3)
        wait_for_more(100)
        replaced = names(lab)
        for name in sorted(replaced):
            assert lab.run("delete", "pod", name).returncode == 0
            wait_for(lambda: are_ready(lab, 3), BUSY_S)
            wait_for_more(100)
        assert not names(lab) & replaced
    scale(lab, 1)


@usually(ProxyMode.NFTABLES)
def test_an_answer_that_is_read_slowly_does_not_go_with_its_pod(lab: Lab):
    [name] = names(lab)
    with running(lab, "client", SLOW) as slow:
        assert lab.run("delete", "pod", name, "--no-wait").returncode == 0
        # The replacement's first answers: the rules, and with them SIGTERM, have gone before.
        wait_for(lambda: are_ready(lab, 2), BUSY_S)
        # When the replacement is ready, rules follow and the pod is asked to end.
        time.sleep(LINGER_S + 1)
        assert name in names(lab)
        assert slow.ask() == "True\n"
    wait_for(lambda: are_ready(lab, 1) and name not in names(lab), BUSY_S)


@usually(ProxyMode.NFTABLES)
def test_no_connection_is_broken_by_a_change_of_modes_or_a_full_sync(lab: Lab):
    here = mode_of(lab)
    [other] = set(ProxyMode) - {here}
    with running(lab, "client", HELD) as held, clients(lab, 50) as wait_for_more:
        for mode in (other, here):
            bring_up(lab, mode)
            assert lab.fetch("node1", "127.0.0.1:10249/proxyMode") == mode
            wait_for_more(20)
            # What somebody has added has the table written whole.
            spoil = "ip kube-proxy" if mode is ProxyMode.NFTABLES else "ip nat"
            lab.inside("node1", "nft", f"add chain {spoil} KUBE-SVC-MINE")
            lab.inside("node1", "nft", f"add rule {spoil} KUBE-SVC-MINE counter")
            bring_up(lab, mode)
            wait_for(lambda: "MINE" not in lab.inside("node1", "nft", "list", "chains").stdout)
            wait_for_more(20)
        assert held.ask() == "True\n"
