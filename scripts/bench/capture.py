#!/usr/bin/env python3
"""What a capture at all points costs: sudo scripts/bench/capture.py [--write]

A client sends UDP datagrams to a NodePort; on their way to the pod they are seen twelve times.
``netlab capture``, one tcpdump for each interface and scapy's AsyncSniffer record them in turn; the
table holds what each lost and the CPU time that a frame cost it. It is written to
docs/bench-capture.md. Takes about two minutes.
"""

import argparse
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
REPORT = HERE.parents[1] / "docs/bench-capture.md"
LAB = "benchcapture"
PREFIX = f"netlab-{LAB}-"
NETLAB = [sys.executable, "-m", "netlab"]
RATES = (1_000, 10_000)
DURATION_S = 5
TOPOLOGY = """apiVersion: netlab/v1
kind: Topology
spec: {nodes: 3, clients: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: sink, labels: {app: sink}}
spec:
  nodeName: node1
  containers: [{name: sink, image: registry.k8s.io/pause:3.9}]
---
apiVersion: v1
kind: Service
metadata: {name: sink}
spec:
  type: NodePort
  selector: {app: sink}
  ports: [{port: 9999, targetPort: 9999, nodePort: 30999, protocol: UDP}]
"""
NETNS = {"sink": "default.sink"}
EXPRESSION = "udp port 9999 or udp port 30999"
SINK = """
import socket, sys
taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
taken.bind(("0.0.0.0", 9999))
print("ready", flush=True)
sys.stdin.read()
"""
SENDER = """
import socket, sys, time
rate, seconds = int(sys.argv[1]), float(sys.argv[2])
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.connect(("10.240.0.4", 30999))
start, sent = time.monotonic(), 0
while (now := time.monotonic() - start) < seconds:
    while sent < now * rate:
        out.send(b"%064d" % sent)
        sent += 1
    time.sleep(0.0005)
print(sent)
"""

HEAD = """# What a capture at all points costs

By `sudo scripts/bench/capture.py --write`, on Linux {kernel} with {cores} cores. A client sends
datagrams of 64 bytes for {seconds} s to a NodePort of a node without the pod; each is a frame at
{points} points, and is rewritten on the way. The programs record in turn:

- `netlab capture -w` hears all interfaces of the lab by one ring a namespace and writes one file,
  in the order of time, with a packet id and comments at each frame. What its start takes is not
  counted.
- tcpdump runs once for each interface that is passed and writes as many files.
- scapy runs an AsyncSniffer for each of these interfaces, and keeps nothing.

CPU time is the program's own, the kernel's part included, over the frames that it recorded.

| datagrams a second | program | frames | lost | CPU a frame | netlab = 1 |
| ---: | --- | ---: | ---: | ---: | ---: |"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run of one program."""

    program: str
    rate: int
    sent: int
    frames: int
    expected: int
    cpu_s: float

    @property
    def lost(self) -> float:
        """Share of the frames that were not recorded."""
        return 1 - self.frames / self.expected

    @property
    def microseconds(self) -> float:
        """CPU time a frame."""
        return self.cpu_s / max(1, self.frames) * 1e6


Points = list[tuple[str, str]]
"""Namespace and interface of each observation of a datagram, in their order."""


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    options = parser.parse_args()
    if os.geteuid():
        sys.exit("Namespaces need root. Type: sudo scripts/bench/capture.py")
    with tempfile.TemporaryDirectory() as directory, lab(Path(directory)), sink():
        points = passed(Path(directory))
        results = list(measure(Path(directory), points))
    text = "\n".join(report(results, len(points)))
    print(text)
    if options.write:
        REPORT.write_text(text + "\n")


def measure(directory: Path, points: Points) -> Iterator[Result]:
    """Yield a result for each program and rate, the programs in turn."""
    idle = Netlab(directory, points)
    idle.stop()
    for rate in RATES:
        for program in (Netlab, Tcpdump, Scapy):
            print(f"{program.name}, {rate:,} datagrams a second", file=sys.stderr)
            running = program(directory, points)
            sent = send(rate, DURATION_S)
            # Frames that wait in a buffer are handed over in their own time.
            time.sleep(1.5)
            running.stop()
            yield Result(
                program=program.name,
                rate=rate,
                sent=sent,
                frames=running.frames,
                expected=sent * len(points),
                cpu_s=running.cpu_s - (idle.cpu_s if program is Netlab else 0),
            )


class Netlab:
    """``netlab capture`` at all interfaces of the lab, into one annotated file."""

    name = "netlab capture"

    def __init__(self, directory: Path, _points: Points) -> None:
        self.frames, self.cpu_s = 0, 0.0
        arguments = ["-w", str(directory / "netlab.pcapng"), "--filter", EXPRESSION, "--lab", LAB]
        self._process = subprocess.Popen(
            [*NETLAB, "capture", *arguments], stderr=subprocess.PIPE, text=True
        )
        wait_for(self._process.stderr, "capturing at")

    def stop(self) -> None:
        """End the program and take what it counted."""
        self._process.send_signal(signal.SIGINT)
        told = self._process.stderr.read()
        self._process.stderr.close()
        self.frames = int(re.search(r"([\d,]+) frames", told)[1].replace(",", ""))
        self.cpu_s = cpu_of(self._process)


class Tcpdump:
    """A tcpdump for each interface that is passed, each into a file."""

    name = "tcpdump, one an interface"

    def __init__(self, directory: Path, points: Points) -> None:
        self.frames, self.cpu_s = 0, 0.0
        self._processes = []
        for i, (netns, ifname) in enumerate(sorted(set(points))):
            command = ["ip", "netns", "exec", netns, "tcpdump", "-pni", ifname]
            file = str(directory / f"{i}.pcap")
            self._processes.append(
                subprocess.Popen(
                    [*command, "-Z", "root", "-w", file, EXPRESSION],
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        for process in self._processes:
            wait_for(process.stderr, "listening on")

    def stop(self) -> None:
        """End the programs and take what they counted."""
        for process in self._processes:
            process.send_signal(signal.SIGINT)
            told = process.stderr.read()
            process.stderr.close()
            self.frames += int(re.search(r"(\d+) packets? captured", told)[1])
            self.cpu_s += cpu_of(process)


class Scapy:
    """An AsyncSniffer of scapy's for each interface that is passed; it counts and keeps nothing."""

    name = "scapy AsyncSniffer, one an interface"

    def __init__(self, _directory: Path, points: Points) -> None:
        self.frames, self.cpu_s = 0, 0.0
        program = [sys.executable, str(HERE / "scapy_sniffers.py")]
        self._process = subprocess.Popen(
            [*program, *(f"{netns}:{ifname}" for netns, ifname in set(points))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        wait_for(self._process.stdout, "ready")

    def stop(self) -> None:
        """End the program and take what it counted."""
        told, _ = self._process.communicate("")
        frames, seconds = told.split()
        self.frames, self.cpu_s = int(frames), float(seconds)


def passed(directory: Path) -> Points:
    """Return where a datagram is seen on its way."""
    running = Netlab(directory, [])
    send(1, 0.5)
    time.sleep(0.3)
    running.stop()
    fields = ["-T", "fields", "-e", "frame.interface_name"]
    told = subprocess.run(
        ["tshark", "-r", str(directory / "netlab.pcapng"), *fields, "frame.packet_id == 1"],
        check=True,
        capture_output=True,
        text=True,
    )
    names = [line.rpartition(":") for line in told.stdout.split()]
    return [(f"{PREFIX}{NETNS.get(host, host)}", ifname) for host, _, ifname in names]


@contextmanager
def lab(directory: Path) -> Iterator[None]:
    """Have a lab with a pod that takes datagrams."""
    file = directory / "topology.yaml"
    file.write_text(TOPOLOGY)
    netlab("up", str(file))
    try:
        yield
    finally:
        netlab("down")


@contextmanager
def sink() -> Iterator[None]:
    """Have a socket in the pod that takes datagrams and reads none."""
    process = subprocess.Popen(
        ["ip", "netns", "exec", f"{PREFIX}{NETNS['sink']}", sys.executable, "-c", SINK],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for(process.stdout, "ready")
    yield
    process.communicate("")


def send(rate: int, seconds: float) -> int:
    """Send datagrams from the client; return how many."""
    command = ["ip", "netns", "exec", f"{PREFIX}client", sys.executable, "-c", SENDER]
    done = subprocess.run(
        [*command, str(rate), str(seconds)], check=True, capture_output=True, text=True
    )
    return int(done.stdout)


def netlab(verb: str, *arguments: str) -> None:
    """Run a netlab command on the lab of the bench."""
    done = subprocess.run(
        [*NETLAB, verb, *arguments, "--lab", LAB], check=False, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"netlab {verb} failed with {done.returncode}:\n{done.stderr}")


def wait_for(stream, word: str) -> None:  # noqa: ANN001
    """Read lines until one has ``word``."""
    for line in stream:
        if word in line:
            return
    sys.exit(f"a program ended before it said {word!r}")


def cpu_of(process: subprocess.Popen) -> float:
    """Wait for a program's end and return the CPU time it took, kernel's part included."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def report(results: list[Result], points: int) -> Iterator[str]:
    """Yield the lines of docs/bench-capture.md."""
    kernel = platform.release().split("-")[0]
    yield HEAD.format(kernel=kernel, cores=os.cpu_count(), points=points, seconds=DURATION_S)
    ours = {r.rate: r.microseconds for r in results if r.program == Netlab.name}
    for result in results:
        ratio = result.microseconds / ours[result.rate]
        cells = [
            f"{result.rate:,}",
            result.program,
            f"{result.expected:,}",
            f"{result.lost:.2%}",
            f"{result.microseconds:.2f} µs",
            f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}",
        ]
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
