"""gRPC probes, asked of the health server that gRPC's own library brings."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

TOPOLOGY = """
apiVersion: netlab/v1
kind: Topology
metadata: {name: grpc}
spec: {nodes: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: asked}
spec:
  hostNetwork: true
  containers:
    - name: c
      image: registry.k8s.io/pause:3.9
      readinessProbe:
        grpc: {port: 5000, service: db}
        periodSeconds: 1
        failureThreshold: 1
"""
SERVER = """
import sys
from concurrent.futures import ThreadPoolExecutor
import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

server = grpc.server(ThreadPoolExecutor(2))
servicer = health.HealthServicer()
health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
server.add_insecure_port("0.0.0.0:5000")
server.start()
for line in sys.stdin:
    servicer.set("db", getattr(health_pb2.HealthCheckResponse, line.strip()))
"""


@pytest.fixture
def lab(make_lab: Callable[[], Lab]) -> Iterator[Lab]:
    if importlib.util.find_spec("grpc_health") is None:
        pytest.skip("gRPC is not installed: pip install grpcio grpcio-health-checking")
    made = make_lab()
    done = made.run("up", "-", text=TOPOLOGY)
    assert done.returncode == 0, done.stderr
    yield made
    made.down()


@pytest.fixture
def server(lab: Lab, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    program = tmp_path / "server.py"
    program.write_text(SERVER)
    # The pod has the node's network, so the probe meets whoever listens there.
    process = lab.start("exec", "node1", "--", sys.executable, str(program), stdin=True)
    yield process
    process.terminate()
    process.communicate()


def say(server: subprocess.Popen[str], status: str) -> None:
    assert server.stdin is not None
    server.stdin.write(f"{status}\n")
    server.stdin.flush()


def is_ready(lab: Lab) -> bool:
    [status] = lab.get("pod", "asked")["status"]["containerStatuses"]
    return bool(status["ready"])


def told(lab: Lab) -> str:
    return "\n".join(one["message"] for one in lab.get("events")["items"])


def test_a_pod_is_ready_while_the_service_serves(lab: Lab, server: subprocess.Popen[str]):
    assert not is_ready(lab)
    say(server, "SERVING")
    wait_for(lambda: is_ready(lab))
    say(server, "NOT_SERVING")
    wait_for(lambda: not is_ready(lab))
    wait_for(lambda: 'service unhealthy (responded with "NOT_SERVING")' in told(lab))
