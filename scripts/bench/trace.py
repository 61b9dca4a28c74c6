#!/usr/bin/env python3
"""How long a trace takes, and what the lab's data path carries: sudo scripts/bench/trace.py

Traces run as a user types them. The data path is measured by iperf3 and ping between two pods on
different nodes, in turn with bare namespaces, made by the commands that ``netlab up --dry-run``
prints and with nothing of netlab running in them. With --write the tables go to
docs/bench-trace.md.
Needs an installed netlab, iperf3, ethtool, iputils-ping and curl.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab_files import topology

REPORT = Path(__file__).parents[2] / "docs/bench-trace.md"
LAB = "benchtrace"
BARE = {"bare, same rules": "benchtracer-", "bare, no rules": "benchtracen-"}
"""Prefixes that are no lab's name, so that no netlab command sees these namespaces."""
CALLER, CALLED, CALLED_ADDRESS = "default.caller-2", "default.web-1", "10.244.1.2"
TOOLS = ("iperf3", "ethtool", "ping", "curl", "nsenter")
RESTORE = re.compile(
    r"^ip netns exec \S+ iptables-restore --noflush <<'(\w+)'\n.*?^\1$\n?", re.DOTALL | re.MULTILINE
)

Samples = dict[str, dict[str, list[float]]]
"""By what was measured on, and what was measured."""

HEAD = """# How fast a trace is, and what the lab carries

By `sudo scripts/bench/trace.py --write`, on Linux {kernel} with {cores} cores, shared with other
work (load {load:.1f}); read the ratios.

## A trace

Medians of {repeat} runs in turn. *Set-up* ends with the first packet: start of Python, imports,
sockets in every namespace. *CPU* is user and system time of the whole command. The picture is the
one of `-o json`, which says when the first packet left and takes no less than the drawing. For
comparison `curl` makes the same request with `netlab exec`, which opens nothing.

| lab | command | prompt to picture | of it set-up | CPU |
| --- | --- | ---: | ---: | ---: |"""

PATH_HEAD = """
## The data path

From pod `caller-2` on node2 to pod `web-1` on node1, with nobody watching: medians of {repeat} runs
in turn of {seconds} s each, the lowest and the highest in parentheses. *Bare* is the same network
made by the commands that `netlab up --dry-run` prints, with its iptables rules or without any.
Offloads are off in all of them, so that packets are as on a wire.

| network | TCP throughput | to the lab's | round trip | to the lab's |
| --- | ---: | ---: | ---: | ---: |"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A lab, and the call that is traced in it."""

    name: str
    topology: str
    caller: str
    target: str


def main() -> None:
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--netlab", default="netlab", help="the command to measure")
    parser.add_argument("--repeat", type=int, default=9, help="runs of each thing")
    parser.add_argument("--seconds", type=int, default=3, help="of each run of iperf3")
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    options = parser.parse_args()
    if os.geteuid():
        sys.exit("Namespaces need root. Type: sudo scripts/bench/trace.py")
    missing = [tool for tool in (options.netlab, *TOOLS) if shutil.which(tool) is None]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}")
    bench = Bench(options.netlab, options.repeat, options.seconds)
    text = "\n".join(bench.report())
    print(text)
    if options.write:
        REPORT.write_text(text + "\n")


class Bench:
    """Measures with one installed netlab."""

    def __init__(self, command: str, repeat: int, seconds: int) -> None:
        self._command = command
        self._repeat = repeat
        self._seconds = seconds

    def report(self) -> Iterator[str]:
        """Yield the lines of docs/bench-trace.md."""
        yield HEAD.format(
            kernel=platform.release().split("-")[0],
            cores=os.cpu_count(),
            load=os.getloadavg()[0],
            repeat=self._repeat,
        )
        with tempfile.TemporaryDirectory() as directory:
            large = Path(directory) / "large.yaml"
            large.write_text(topology(nodes=8, pods=40, services=10))
            labs = (
                Traced(
                    name="source-ip",
                    topology="source-ip",
                    caller="client",
                    target="http://node2:{port}",
                ),
                Traced(
                    name="50 namespaces",
                    topology=str(large),
                    caller="node1",
                    target="http://app-0",
                ),
            )
            for lab in labs:
                yield from self._traces(lab)
        yield PATH_HEAD.format(repeat=self._repeat, seconds=self._seconds)
        yield from self._data_path()

    def _traces(self, lab: Traced) -> Iterator[str]:
        self._run("up", lab.topology)
        try:
            target = lab.target.format(port=self._node_port())
            samples: Samples = defaultdict(lambda: defaultdict(list))
            for turn in range(self._repeat + 1):
                progress(f"{lab.name}: {turn} of {self._repeat}")
                for name, argv in self._commands(lab, target).items():
                    measured = timed(argv)
                    # The first run reads what the others find in memory.
                    for key, value in measured.items() if turn else ():
                        samples[name][key].append(value)
        finally:
            self._run("down")
        for name, found in samples.items():
            middle = {key: statistics.median(values) for key, values in found.items()}
            set_up = f"{middle['set-up']:.2f} s" if "set-up" in middle else ""
            cells = [lab.name, f"`{name}`", f"{middle['total']:.2f} s", set_up]
            yield f"| {' | '.join(cells)} | {middle['cpu']:.2f} s |"

    def _commands(self, lab: Traced, target: str) -> dict[str, list[str]]:
        trace = [self._command, "trace", "--lab", LAB, lab.caller, target]
        asked = {"trace": [*trace, "-o", "json"], "trace --predict": [*trace, "-o", "json"]}
        asked["trace --predict"].append("--predict")
        host, _, port = target.removeprefix("http://").partition(":")
        address = {"node2": "10.240.0.4"}.get(host)
        if address is not None:
            curl = ["curl", "-s", f"http://{address}:{port}"]
            asked["exec curl"] = [self._command, "exec", "--lab", LAB, lab.caller, "--", *curl]
        return asked

    def _data_path(self) -> Iterator[str]:
        samples: Samples = defaultdict(lambda: defaultdict(list))
        prefixes = {"lab": f"netlab-{LAB}-", **BARE}
        self._run("up", "packet-paths")
        try:
            script = self._run("up", "packet-paths", "--dry-run")
            for name, prefix in BARE.items():
                make_bare(script, prefix, rules=name.endswith("same rules"))
            for turn in range(self._repeat):
                for name, prefix in prefixes.items():
                    progress(f"data path: {turn + 1} of {self._repeat}: {name}")
                    samples[name]["throughput"].append(throughput(prefix, self._seconds))
                    samples[name]["round trip"].append(round_trip(prefix))
        finally:
            for prefix in BARE.values():
                remove_bare(prefix)
            self._run("down")
        lab = {key: statistics.median(values) for key, values in samples["lab"].items()}
        for name, found in samples.items():
            yield f"| {name} | {' | '.join(path_cells(found, lab))} |"

    def _node_port(self) -> int:
        services = json.loads(self._run("get", "svc", "-o", "json"))["items"]
        ports = [port for service in services for port in service["spec"]["ports"]]
        return next((port["nodePort"] for port in ports if "nodePort" in port), 0)

    def _run(self, verb: str, *arguments: str) -> str:
        argv = [self._command, verb, "--lab", LAB, *arguments]
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(argv)} failed with {done.returncode}:\n{done.stderr}")
        return done.stdout


def timed(argv: list[str]) -> dict[str, float]:
    """Run a command; return its seconds: total, CPU, and up to the first packet of a trace."""
    before, started, clock = os.times(), time.monotonic(), time.time()  # noqa: TID251
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    total, after = time.monotonic() - started, os.times()
    if done.returncode:
        sys.exit(f"{' '.join(argv)} failed with {done.returncode}:\n{done.stderr}")
    cpu = after.children_user + after.children_system
    found = {"total": total, "cpu": cpu - before.children_user - before.children_system}
    if "json" in argv:
        found["set-up"] = json.loads(done.stdout)["packets"][0]["t_ns"] / 1e9 - clock
    return found


def make_bare(script: str, prefix: str, *, rules: bool) -> None:
    """Run what a dry run printed, for namespaces with another prefix."""
    text = script.replace(f"netlab-{LAB}-", prefix)
    commands = text if rules else RESTORE.sub("", text)
    # ethtool names everything that changed with what it was asked for.
    subprocess.run(["sh", "-e"], input=commands, text=True, check=True, capture_output=True)


def remove_bare(prefix: str) -> None:
    """Remove the namespaces that ``make_bare`` made."""
    for path in Path("/run/netns").glob(f"{prefix}*"):
        subprocess.run(["ip", "netns", "delete", path.name], check=True)


def throughput(prefix: str, seconds: int) -> float:
    """Return what one TCP connection carries, in Gbit/s."""
    server = [*enter(prefix, CALLED), "iperf3", "-s", "-1", "--forceflush"]
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as listening:
        for line in listening.stdout or ():
            if "listening" in line:
                break
        caller = [*enter(prefix, CALLER), "iperf3", "-J", "-t", str(seconds), "-c", CALLED_ADDRESS]
        report = json.loads(subprocess.check_output(caller, text=True))
        listening.communicate()
    return float(report["end"]["sum_received"]["bits_per_second"]) / 1e9


def round_trip(prefix: str) -> float:
    """Return the mean of 500 pings, in microseconds."""
    ping = ["ping", "-q", "-c", "500", "-i", "0.002", CALLED_ADDRESS]
    text = subprocess.check_output([*enter(prefix, CALLER), *ping], text=True)
    return float(text.rsplit("= ", 1)[1].split("/")[1]) * 1000


def enter(prefix: str, host: str) -> list[str]:
    """Return the beginning of a command that runs in a namespace."""
    return ["nsenter", f"--net=/run/netns/{prefix}{host}"]


def path_cells(found: dict[str, list[float]], lab: dict[str, float]) -> Iterator[str]:
    """Yield the cells of one network."""
    units = {"throughput": ("{:.2f}", "Gbit/s"), "round trip": ("{:.0f}", "µs")}
    for key, (form, unit) in units.items():
        values = found[key]
        middle = statistics.median(values)
        low, high = (form.format(value) for value in (min(values), max(values)))
        yield f"{form.format(middle)} {unit} ({low} to {high})"
        yield f"{middle / lab[key]:.2f}"


def progress(line: str) -> None:
    """Say where the bench is."""
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
