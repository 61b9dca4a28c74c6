#!/usr/bin/env python3
"""How fast stock kubectl is against a lab: sudo scripts/bench/kubectl_speed.py

Prints medians. What kubectl itself costs is `kubectl version --client`; the rest is the API's. The
lab is called as the script is, and goes at the end.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.scenarios.kubectl import kubectls  # noqa: E402

LAB = "kubectlspeed"
RUNS = 15
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: echo, image: registry.k8s.io/echoserver:1.4}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.0.9.9, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""


def netlab(*argv: str) -> str:
    """Return what netlab prints."""
    command = [sys.executable, "-m", "netlab", *argv]
    environment = os.environ | {"NETLAB_LAB": LAB}
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout


class Client:
    """kubectl against the lab."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self._environment = os.environ | {"KUBECONFIG": netlab("kubeconfig").strip()}

    def run(self, *argv: str, text: str | None = None) -> str:
        """Return what kubectl prints."""
        return subprocess.run(
            [self._program, *argv],
            env=self._environment,
            input=text,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def median_ms(self, *argv: str) -> float:
        """Return how long a command takes."""
        times = []
        for _ in range(RUNS):
            began = time.perf_counter()
            self.run(*argv)
            times.append(time.perf_counter() - began)
        return 1000 * statistics.median(times)


def seconds_to_answer(client: Client) -> float:
    """Return the time from `apply` until three pods are ready and answer through the Service."""
    began = time.perf_counter()
    client.run("apply", "-f", "-", text=WEB)
    client.run("rollout", "status", "deployment/web")
    netlab("exec", "node1", "--", "curl", "-sf", "--retry-connrefused", "http://10.0.9.9")
    return time.perf_counter() - began


def control_plane_megabytes() -> float:
    """Return the resident memory of the control plane."""
    title = f"netlab control plane of lab {LAB}"
    found = subprocess.run(["pgrep", "-f", title], check=True, capture_output=True, text=True)
    text = Path(f"/proc/{found.stdout.split()[0]}/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Build a lab, measure, remove it."""
    if os.geteuid():
        sys.exit("A lab needs root. Type: sudo scripts/bench/kubectl_speed.py")
    netlab("up", "cluster")
    try:
        newest = kubectls()[0]
        client = Client(newest.path)
        alone = client.median_ms("version", "--client")
        print(f"{newest}: version --client {alone:.0f} ms")
        for command in (["get", "svc"], ["get", "pods", "-A", "-o", "wide"]):
            took = client.median_ms(*command)
            print(f"{' '.join(command)}: {took:.0f} ms, {took / alone:.2f} times that")
        print(f"apply of 3 pods and a Service until it answers: {seconds_to_answer(client):.2f} s")
        print(f"exec -- true: {client.median_ms('exec', 'deploy/web', '--', 'true'):.0f} ms")
        print(f"control plane: {control_plane_megabytes():.0f} MiB resident")
    finally:
        netlab("down")


if __name__ == "__main__":
    main()
