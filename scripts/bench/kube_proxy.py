#!/usr/bin/env python3
"""How kube-proxy's rules scale, in both modes: sudo scripts/bench/kube_proxy.py

Every time of netlab's stands beside that of the bare tool with the same text, measured in turn with
it. With --write the tables become docs/bench-kube-proxy.md. Everything happens in three namespaces,
which are removed at the end.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import anonymous_maps
import first_packet
from bare_tools import load_seconds
from cluster_objects import cluster_ip, endpoints
from first_packet import NODE, Row

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
REPORT = CHECKOUT / "docs/bench-kube-proxy.md"
PYTHONS = (CHECKOUT / ".venv/bin/python", Path("/opt/netlab/bin/python"))
MODES = ("iptables", "nftables")
SIZES = (100, 1000, 10_000)
TURNS = {100: 7, 1000: 5, 10_000: 2}
"""Full syncs of each kind; the largest take the kernel's tools up to a minute."""
MAPS = (1250, 2500, 5000, 10_000)

HEAD = """# How kube-proxy's rules scale

By `sudo scripts/bench/kube_proxy.py --write`, on Linux {kernel} with {cores} cores, {iptables}
and {nft}. Each Service has one port and two endpoints. *Bare* is `iptables-restore`, or
`nft -f`, alone with the same text, in turn with netlab. Whatever else the machine does only adds to
a time: of full syncs the least counts, of changes and connections the median.
"""

ALL = """## Everything

From Services and EndpointSlices in memory to the rules in a kernel that has none, as when a lab
comes up: all is compiled, and nothing is read back.

| Services | mode | lines | compile | compile and load | bare | both / bare |
| ---: | --- | ---: | ---: | ---: | ---: | ---: |"""

REPAIR = """
## A full sync

From compiled rules to a namespace whose rules are read back and compared first: when there are
none, when nothing is wrong, and when somebody has emptied the chain that leads to every Service.
Only what differs is written. In brackets, each against *bare*, which loads everything into a
namespace without rules. *Listing* is `iptables-save`, or `nft list table`, alone: nothing that
reads the rules back is faster.

| Services | mode | bare | no rules | nothing wrong | a chain emptied | listing |
| ---: | --- | ---: | ---: | ---: | ---: | ---: |"""

MAPS_OF_RULES = """
## Why nftables takes so long

The chain of a Service chooses an endpoint by a rule with an anonymous map. The kernel keeps the
sets of a table in a list, and walks it for each new one: to see whether its name is taken, to find
the first number that is free for it (`nf_tables_set_alloc_name`), and to find it again when it is
filled and when its rule looks it up; when the rule is bound to it, the kernel also walks the sets
of the transaction (`nf_tables_bind_set`; Linux, `net/netfilter/nf_tables_api.c`). So twice as many
Services take four times as long, whoever loads them, and how long a walk takes depends on what else
is in the processor's cache. Rules without a map take twice as long for twice as many; named maps
spare the search for a number and the binding, and no more.

*Again* empties the chains and fills them in one transaction: the old maps are in the list until it
ends. That is why a full sync writes only what differs.

`nft -f` of so many chains, each with one rule:

| rules | without a map | named maps | anonymous maps | anonymous maps, again |
| ---: | ---: | ---: | ---: | ---: |"""

CHANGE = """
## One endpoint changed

From the changed EndpointSlice to the rules in the kernel. The bare tool loads what kube-proxy would
write: in iptables mode all chains that Services share, and those of the Service; in nftables mode
what netlab writes too.

| Services | mode | compile | sync | bare | lines of kube-proxy's | sync / bare |
| ---: | --- | ---: | ---: | ---: | ---: | ---: |"""

MEMORY = """
## Memory

What the compiled rules hold, and the whole process with the objects that they come from.

| Services | mode | rules | a Service | process |
| ---: | --- | ---: | ---: | ---: |"""

PACKETS = """
## The first packet

A connection from a client through a node to a pod, until it is open: to the Service whose rules
come first, to the one whose rules come last, and to an endpoint's own address. In iptables mode a
new connection meets the rules of one Service after the other, even if it is for none of them; in
nftables mode it is one look into a map.

| Services | mode | first Service | last Service | endpoint |
| ---: | --- | ---: | ---: | ---: |"""

Found = dict[str, float]
"""Seconds, bytes and lines by what they are of."""


def main() -> None:
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", action="append", type=int, choices=SIZES)
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    options = parser.parse_args()
    if os.geteuid():
        sys.exit("Namespaces need root. Type: sudo scripts/bench/kube_proxy.py")
    use_netlabs_python()
    results = {
        (mode, size): measure(mode, size) for size in options.size or SIZES for mode in MODES
    }
    say("anonymous maps")
    maps = {count: anonymous_maps.seconds(count) for count in MAPS}
    text = "\n".join(report(results, maps))
    print(text)
    if options.write:
        REPORT.write_text(text + "\n")


def use_netlabs_python() -> None:
    """Go on with a Python that has netlab, if this one has not."""
    try:
        import netlab  # noqa: F401, PLC0415
    except ImportError:
        for python in PYTHONS:
            if python.exists() and Path(sys.executable) != python:
                os.execv(python, [str(python), *sys.argv])  # noqa: S606 (the same script)
        sys.exit("netlab is not installed. Type: sudo scripts/quickstart.sh")


def measure(mode: str, size: int) -> Found:
    """Return everything about one mode and number of Services."""
    samples: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as directory:
        text = str(Path(directory) / "text")
        for turn in range(TURNS[size]):
            say(f"{mode}, {size:,} Services: full sync {turn + 1} of {TURNS[size]}")
            first_packet.remove()
            with Row():
                take(samples, "full", run("full", mode, size, NODE, text))
            with Row():
                take(samples, "full", run("repair", mode, size, NODE))
            with Row() as row:
                samples["full bare"].append(load_seconds(mode, NODE, Path(text).read_bytes()))
                if turn == TURNS[size] - 1:
                    say(f"{mode}, {size:,} Services: changes and connections")
                    take(samples, "packet", connections(row, size))
                    take(samples, "change", run("change", mode, size, NODE))
    return {
        name: min(values) if name.startswith("full") else statistics.median(values)
        for name, values in samples.items()
    }


def run(what: str, mode: str, size: int, *arguments: str) -> dict[str, float | list[float]]:
    """Return what one measurement in a process of its own found."""
    command = [sys.executable, HERE / "proxy_run.py", what, mode, str(size), *arguments]
    found: dict[str, float | list[float]] = json.loads(subprocess.check_output(command))
    return found


def take(
    samples: dict[str, list[float]], prefix: str, found: dict[str, float | list[float]]
) -> None:
    """Add what a measurement found to ``samples``."""
    for name, value in found.items():
        samples[f"{prefix} {name}"] += value if isinstance(value, list) else [value]


def connections(row: Row, size: int) -> dict[str, float | list[float]]:
    """Return how long a connection takes: to the first Service, the last, and an endpoint."""
    first, last = endpoints(0), endpoints(size - 1)
    with row.serve(*first, *last) as server:
        try:
            return {
                "first": row.median_seconds(cluster_ip(0), 80),
                "last": row.median_seconds(cluster_ip(size - 1), 80),
                "endpoint": row.median_seconds(last[0], 8080),
            }
        finally:
            server.kill()


def say(words: str) -> None:
    """Tell how far it is."""
    print(words, file=sys.stderr)


def report(results: dict[tuple[str, int], Found], maps: dict[int, Found]) -> Iterator[str]:
    """Yield the lines of docs/bench-kube-proxy.md."""
    yield HEAD.format(
        kernel=platform.release().split("-")[0],
        cores=os.cpu_count(),
        iptables=version("iptables"),
        nft=version("nft").split(" (")[0],
    )
    yield ALL
    for key, found in results.items():
        yield row(
            key,
            f"{found['full lines']:,.0f}",
            *(duration(found[f"full {what}"]) for what in ("compile", "sync", "bare")),
            f"{found['full sync'] / found['full bare']:.2f}",
        )
    yield REPAIR
    for key, found in results.items():
        bare = found["full bare"]
        yield row(
            key,
            duration(bare),
            *(
                f"{duration(seconds)} ({seconds / bare:.2f})"
                for what in ("lost", "right", "spoilt", "listing")
                for seconds in [found[f"full {what}"]]
            ),
        )
    yield CHANGE
    for key, found in results.items():
        yield row(
            key,
            *(duration(found[f"change {what}"]) for what in ("compile", "sync", "bare")),
            f"{found['change lines']:,.0f}",
            f"{found['change sync'] / found['change bare']:.2f}",
        )
    yield MEMORY
    for key, found in results.items():
        yield row(
            key,
            f"{found['full rules'] / 1e6:.1f} MB",
            f"{found['full rules'] / 1e3 / key[1]:.1f} kB",
            f"{found['full process'] / 1e6:.0f} MB",
        )
    yield PACKETS
    for key, found in results.items():
        yield row(key, *(duration(found[f"packet {to}"]) for to in ("first", "last", "endpoint")))
    yield MAPS_OF_RULES
    for count, found in maps.items():
        times = " | ".join(duration(found[kind]) for kind in anonymous_maps.KINDS)
        yield f"| {count:,} | {times} |"


def row(key: tuple[str, int], *cells: str) -> str:
    """Return one line of a table."""
    mode, size = key
    return f"| {size:,} | {mode} | {' | '.join(cells)} |"


def duration(seconds: float) -> str:
    """Return a time with the unit that suits it.

    >>> duration(0.00123)
    '1.2 ms'
    """
    if seconds >= 1:
        return f"{seconds:.1f} s"
    if seconds >= 0.1:
        return f"{seconds * 1e3:.0f} ms"
    return f"{seconds * 1e3:.1f} ms" if seconds >= 0.001 else f"{seconds * 1e6:.0f} µs"


def version(program: str) -> str:
    """Return what a program says of itself, such as ``iptables v1.8.9 (nf_tables)``."""
    return subprocess.check_output([program, "--version"], text=True).strip()


if __name__ == "__main__":
    main()
