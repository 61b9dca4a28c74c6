#!/usr/bin/env python3
"""How long a lab takes, beside the least that the kernel needs: sudo scripts/bench/bench.py

For each size, ``netlab up`` and ``down`` run in turn with the floor (floor.py) and, when it is
installed, with Mininet (mininet_up.py); the table holds medians and ratios. It is written to
docs/bench.md. Needs nothing but Python and an installed netlab.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from floor import Floor
from lab_files import topology
from processes import proportional_bytes

HERE = Path(__file__).parent
REPORT = HERE.parents[1] / "docs/bench.md"
LAB = "bench"
PREFIX = f"netlab-{LAB}-"
IDLE_REMOVAL_S = 0.04
"""A removal on an idle machine takes about half of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A lab to build; without Services it is the built-in topology ``source-ip``."""

    name: str
    nodes: int
    pods: int
    services: int = 0
    repeat: int = 5


SIZES = (
    Size(name="source-ip", nodes=3, pods=1, repeat=11),
    Size(name="100 pods", nodes=10, pods=100, services=100),
    Size(name="1,000 pods", nodes=10, pods=1000, services=100, repeat=3),
)

HEAD = """# How fast, how much

Medians of runs in turn, by `sudo scripts/bench/bench.py --write`, on Linux {kernel} with {cores}
cores. The floor is the same namespaces, links, addresses and routes by `ip -batch`, and one
`iptables-restore` a node: no pods, no answers, no control plane. A Mininet host is a shell in a
namespace behind a Linux bridge; the start of its Python is not counted.

`up` ends when pods answer through the real path. `down` counts what the kernel still has to do when
the command is back.

| lab | | netlab | floor | netlab / floor | Mininet | netlab / Mininet |
| --- | --- | ---: | ---: | ---: | ---: | ---: |"""

Medians = dict[str, float]


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--netlab", default="netlab", help="the command to measure")
    parser.add_argument("--size", action="append", choices=[size.name for size in SIZES])
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    options = parser.parse_args()
    if os.geteuid():
        sys.exit("Namespaces need root. Type: sudo scripts/bench/bench.py")
    command = shutil.which(options.netlab)
    if command is None:
        sys.exit(f"{options.netlab} is not installed. Type: sudo scripts/quickstart.sh")
    sizes = [size for size in SIZES if not options.size or size.name in options.size]
    results = [(size, measure(command, size)) for size in sizes]
    text = "\n".join(report(results, help_seconds(command)))
    print(text)
    if options.write:
        REPORT.write_text(text + "\n")


def measure(command: str, size: Size) -> Medians:
    """Return the medians for one size: each thing in turn, then all again."""
    samples: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "topology.yaml"
        if size.services:
            file.write_text(topology(nodes=size.nodes, pods=size.pods, services=size.services))
        source = str(file) if size.services else size.name
        floor = None
        for turn in range(size.repeat):
            print(f"{size.name}: {turn + 1} of {size.repeat}", file=sys.stderr)
            settle()
            samples["netlab up"].append(seconds(lambda: run(command, "up", source)))
            samples["memory"].append(proportional_bytes(PREFIX))
            floor = floor or make_floor(command, source)
            samples["netlab down"].append(seconds(lambda: run(command, "down")))
            samples["netlab gone"].append(settle())
            samples["floor up"].append(seconds(floor.up))
            samples["floor down"].append(seconds(floor.down))
            samples["floor gone"].append(settle())
            for name, value in mininet(size):
                samples[name].append(value)
    return {name: statistics.median(values) for name, values in samples.items()}


def make_floor(command: str, source: str) -> Floor:
    """Return the floor of the lab that is running, from the commands of a dry run."""
    floor = Floor(run(command, "up", source, "--dry-run"))
    here = sum(path.name.startswith(PREFIX) for path in Path("/run/netns").iterdir())
    if len(floor.namespaces) != here:
        sys.exit(f"the dry run speaks of {len(floor.namespaces)} namespaces, the lab has {here}")
    return floor


def mininet(size: Size) -> Iterator[tuple[str, float]]:
    """Yield the times of Mininet with as many hosts; nothing when it is not installed."""
    if shutil.which("mn") is None:
        return
    script = [str(HERE / "mininet_up.py"), str(size.nodes), str(size.pods)]
    out = subprocess.check_output(
        ["unshare", "--net", "--mount", "--", "/usr/bin/python3", *script], text=True
    )
    up, down = out.split()
    yield "mininet up", float(up)
    yield "mininet down", float(down)


def settle() -> float:
    """Return how long the kernel was still busy with namespaces that were removed before.

    It takes removed namespaces apart in the background, one batch after the other. So a namespace
    that is removed last goes last; when that takes no longer than on an idle machine, all is done.
    """
    start = time.monotonic()
    while removal_seconds() > IDLE_REMOVAL_S:
        pass
    return time.monotonic() - start


def removal_seconds() -> float:
    """Return how long it takes until a removed namespace lets go of its end of a veth pair."""
    watch, last = "bench-watch", "bench-last"
    for line in (
        f"netns add {watch}",
        f"netns add {last}",
        f"-n {watch} link add v0 type veth peer v1 netns {last}",
        f"netns delete {last}",
    ):
        subprocess.run(["ip", *line.split()], check=True)
    start = time.monotonic()
    show = ["ip", "-n", watch, "link", "show", "v0"]
    while not subprocess.run(show, check=False, capture_output=True).returncode:
        time.sleep(0.002)
    waited = time.monotonic() - start
    subprocess.run(["ip", "netns", "delete", watch], check=True)
    return waited


def help_seconds(command: str) -> float:
    """Return the median time of ``netlab --help``, once its bytecode is there."""
    times = [seconds(lambda: subprocess.check_output([command, "--help"])) for _ in range(12)]
    return statistics.median(times[1:])


def run(command: str, verb: str, *arguments: str) -> str:
    """Run a netlab command on the lab of the bench; its complaints are shown when it fails."""
    done = subprocess.run(
        [command, verb, *arguments, "--lab", LAB], check=False, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"netlab {verb} failed with {done.returncode}:\n{done.stderr}")
    return done.stdout


def seconds(action: Callable[[], object]) -> float:
    """Return how long ``action`` took."""
    start = time.monotonic()
    action()
    return time.monotonic() - start


def report(results: list[tuple[Size, Medians]], start_up: float) -> Iterator[str]:
    """Yield the lines of docs/bench.md."""
    yield HEAD.format(kernel=platform.release().split("-")[0], cores=os.cpu_count())
    for size, medians in results:
        for verb in ("up", "down"):
            yield row(size.name, verb, medians)
    yield "\nMemory: proportional set size of all processes of the lab, control plane included.\n"
    yield "| lab | memory | a pod |"
    yield "| --- | ---: | ---: |"
    for size, medians in results:
        megabytes = medians["memory"] / 1e6
        each = f"{megabytes / size.pods:.2f} MB" if size.pods > 1 else ""
        yield f"| {size.name} | {megabytes:.0f} MB | {each} |"
    yield f"\n`netlab --help` takes {start_up:.2f} s."


def row(size: str, verb: str, medians: Medians) -> str:
    """Return one line of the table."""
    gone = {"up": 0, "down": 1}[verb]
    netlab = medians[f"netlab {verb}"] + gone * medians["netlab gone"]
    floor = medians[f"floor {verb}"] + gone * medians["floor gone"]
    cells = [size, f"`{verb}`", f"{netlab:.2f} s", f"{floor:.2f} s", f"{netlab / floor:.1f}"]
    if other := medians.get(f"mininet {verb}"):
        cells += [f"{other:.2f} s", f"{netlab / other:.2f}"]
    else:
        cells += ["", ""]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
