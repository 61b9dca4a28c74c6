#!/usr/bin/env python3
"""How quick the lab's API is for kubectl: sudo scripts/bench/api.py [--pods N]

A lab of its own is built and removed. Each line is a goal and what was measured: medians of runs in
turn, so that a busy machine is slow for both sides of a ratio. Needs kubectl in PATH.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

LAB = "benchapi"
MANIFESTS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: many}
spec:
  replicas: 3
  selector: {matchLabels: {app: many}}
  template:
    metadata: {labels: {app: many}}
    spec: {containers: [{name: echo, image: "registry.k8s.io/echoserver:1.4"}]}
---
apiVersion: v1
kind: Service
metadata: {name: many}
spec: {selector: {app: many}, ports: [{port: 80, targetPort: 8080}]}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=100, help="replicas to scale to")
    pods = parser.parse_args().pods
    if os.geteuid() != 0 or shutil.which("kubectl") is None:
        sys.exit("run it as root, with kubectl in PATH")
    os.environ["NETLAB_LAB"] = LAB
    netlab("up", "two-nodes")
    try:
        os.environ["KUBECONFIG"] = netlab("kubeconfig").strip()
        plane = control_plane()
        print(f"control plane: exec to listening {started(plane):.2f} s")
        bare = ["kubectl", "version", "--client"]
        told = medians(bare, ["kubectl", "get", "svc"])
        print(f"kubectl get svc: {told[1] / told[0]:.2f} times version --client ({told[1]:.0f} ms)")
        print(f"apply of 3 replicas and a Service, until it answers: {applied():.2f} s")
        print(f"scale to {pods} pods, until all are ready: {scaled(pods):.1f} s")
        print(f"control plane with {pods} pods: {plane.memory_info().rss / 1e6:.0f} MB resident")
        print(f"100 watchers, idle: {watched(plane):.1f} % of a CPU")
    finally:
        netlab("down")


def netlab(*arguments: str) -> str:
    argv = [sys.executable, "-m", "netlab", *arguments]
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout


def kubectl(*arguments: str, text: str | None = None) -> str:
    argv = ["kubectl", *arguments]
    done = subprocess.run(argv, check=True, input=text, stdout=subprocess.PIPE, text=True)
    return done.stdout


def control_plane() -> psutil.Process:
    title = f"netlab control plane of lab {LAB}"
    return next(one for one in psutil.process_iter() if title in " ".join(one.cmdline()))


def started(plane: psutil.Process) -> float:
    """Return the seconds from the start of the process to that of its socket."""
    return Path(f"/run/netlab/{LAB}/control.sock").stat().st_ctime - plane.create_time()


def medians(*commands: list[str]) -> list[float]:
    """Return the median milliseconds of each command, run in turn."""
    times: list[list[float]] = [[] for _ in commands]
    for _ in range(15):
        for command, found in zip(commands, times, strict=True):
            begin = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            found.append((time.perf_counter() - begin) * 1000)
    return [statistics.median(found) for found in times]


def applied() -> float:
    begin = time.perf_counter()
    kubectl("apply", "-f", "-", text=MANIFESTS)
    address = kubectl("get", "svc", "many", "-o", "jsonpath={.spec.clusterIP}")
    while kubectl("get", "deploy", "many", "-o", "jsonpath={.status.readyReplicas}") != "3":
        pass
    netlab("exec", "node1", "--", "curl", "-sf", "--retry", "9", f"http://{address}")
    return time.perf_counter() - begin


def scaled(pods: int) -> float:
    begin = time.perf_counter()
    kubectl("scale", "deploy", "many", f"--replicas={pods}")
    kubectl("rollout", "status", "deploy/many", "--timeout=300s")
    return time.perf_counter() - begin


def watched(plane: psutil.Process) -> float:
    """Return the control plane's share of a CPU while watches wait, in percent."""
    watch = ["kubectl", "get", "--raw", "/api/v1/pods?watch=true&resourceVersion=0"]
    watchers = [subprocess.Popen(watch, stdout=subprocess.DEVNULL) for _ in range(100)]
    try:
        time.sleep(10)
        plane.cpu_percent()
        time.sleep(10)
        return plane.cpu_percent()
    finally:
        for watcher in watchers:
            watcher.terminate()


if __name__ == "__main__":
    main()
