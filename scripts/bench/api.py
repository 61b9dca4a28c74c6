#!/usr/bin/env python3
"""How quick the lab's API is for kubectl: sudo scripts/bench/api.py [--pods N]

A lab of its own is built and removed, of as many nodes as the pods need. Each line is what was
measured: medians of runs in turn, so that a busy machine is slow for both sides of a ratio. Beside
wall clock seconds stands the CPU time of the control plane with its children, which other work on
the machine changes less. Needs kubectl and dig in PATH.
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
PODS_OF_A_NODE = 250
TOPOLOGY = """
apiVersion: netlab/v1
kind: Topology
metadata: {{name: bench}}
spec: {{nodes: {nodes}, dns: {{}}}}
"""
NAME = "many.default.svc.cluster.local"
QUESTIONS = """
import socket, struct, sys, time
name, count = sys.argv[1], int(sys.argv[2])
question = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\\0\\0\\1\\0\\1"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("10.0.0.10", 53))
s.settimeout(5)
ask = lambda n: s.send(struct.pack(">6H", n & 0xFFFF, 0x100, 1, 0, 0, 0) + question)
times = []
for n in range(200):
    began = time.perf_counter()
    ask(n)
    s.recv(4096)
    times.append(time.perf_counter() - began)
began = time.perf_counter()
for n in range(32):
    ask(n)
for n in range(count):
    s.recv(4096)
    ask(n)
print(sorted(times)[len(times) // 2] * 1000, count / (time.perf_counter() - began))
"""
"""The median of one question after another, in ms, and answers a second with 32 under way."""
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
    nodes = max(2, -(-pods // PODS_OF_A_NODE))
    netlab("up", "-", text=TOPOLOGY.format(nodes=nodes))
    try:
        os.environ["KUBECONFIG"] = netlab("kubeconfig").strip()
        plane = control_plane()
        print(f"control plane: exec to listening {started(plane):.2f} s")
        bare = ["kubectl", "version", "--client"]
        told = medians(bare, ["kubectl", "get", "svc"])
        print(f"kubectl get svc: {told[1] / told[0]:.2f} times version --client ({told[1]:.0f} ms)")
        print(f"apply of 3 replicas and a Service, until it answers: {applied():.2f} s")
        [told] = medians(["kubectl", "exec", "deploy/many", "--", "true"])
        print(f"kubectl exec -- true: {told:.0f} ms")
        milliseconds, rate = asked()
        print(f"DNS: {milliseconds:.2f} ms for a name, {rate:.0f} answers a second")
        before = used(plane)
        print(f"scale to {pods} pods, until all are ready: {scaled(pods):.1f} s", end="")
        print(f", {used(plane) - before:.1f} s of CPU")
        print(f"control plane with {pods} pods: {plane.memory_info().rss / 1e6:.0f} MB resident")
        print(f"100 watchers, idle: {watched(plane):.1f} % of a CPU")
    finally:
        netlab("down")


def netlab(*arguments: str, text: str | None = None) -> str:
    argv = [sys.executable, "-m", "netlab", *arguments]
    done = subprocess.run(argv, check=True, input=text, stdout=subprocess.PIPE, text=True)
    return done.stdout


def kubectl(*arguments: str, text: str | None = None) -> str:
    argv = ["kubectl", *arguments]
    done = subprocess.run(argv, check=True, input=text, stdout=subprocess.PIPE, text=True)
    return done.stdout


def control_plane() -> psutil.Process:
    title = f"netlab control plane of lab {LAB}"
    return next(one for one in psutil.process_iter() if title in " ".join(one.cmdline()))


def used(plane: psutil.Process) -> float:
    """Return the CPU seconds of the control plane and its children: agent, runtime, zygote."""
    # Containers are the zygote's children: what they use is theirs.
    names = ("netlab control plane", "netlab netns agent", "netlab container", "netlab zygote")
    family = [plane, *plane.children(recursive=True)]
    own = [one for one in family if " ".join(one.cmdline()).startswith(names)]
    return sum(sum(one.cpu_times()[:2]) for one in own)


def asked() -> tuple[float, float]:
    """Return how long a question for a cached name takes in ms, and how many a second are answered.

    It is asked on a node, of kube-dns's ClusterIP.
    """
    netlab("exec", "node1", "--", "dig", "+short", NAME)
    argv = ("exec", "node1", "--", sys.executable, "-c", QUESTIONS, NAME, "20000")
    milliseconds, rate = netlab(*argv).split()
    return float(milliseconds), float(rate)


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
