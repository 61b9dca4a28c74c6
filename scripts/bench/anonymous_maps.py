"""How long the kernel takes for n rules that each look into a map of two verdicts.

kube-proxy's chain of a Service chooses an endpoint by such a rule, and its map is an anonymous one.
"""

import subprocess
from collections.abc import Iterator

from bare_tools import load_seconds

NETNS = "benchproxy-maps"
TABLE = "ip bench"
CHOICE = "numgen random mod 2"
VERDICTS = "{ 0 : goto first, 1 : goto second }"
KINDS = ("none", "named", "anonymous", "again")
"""What each rule looks into; ``again`` fills the chains a second time, in one transaction."""


def seconds(count: int) -> dict[str, float]:
    """Return the time that each of ``KINDS`` takes with ``count`` rules, each in its own chain."""
    found = {}
    for kind in KINDS[:3]:
        subprocess.run(["ip", "netns", "add", NETNS], check=True)
        try:
            found[kind] = _load([*_chains(count), *_rules(kind, count)])
            if kind == "anonymous":
                flushes = (f"flush chain {TABLE} c{number}" for number in range(count))
                found["again"] = _load([*flushes, *_rules(kind, count)])
        finally:
            subprocess.run(["ip", "netns", "delete", NETNS], check=True)
    return found


def _load(lines: list[str]) -> float:
    return load_seconds("nftables", NETNS, "".join(f"{line}\n" for line in lines).encode())


def _chains(count: int) -> Iterator[str]:
    yield f"add table {TABLE}"
    for name in ("first", "second", *(f"c{number}" for number in range(count))):
        yield f"add chain {TABLE} {name}"


def _rules(kind: str, count: int) -> Iterator[str]:
    for number in range(count):
        rule = f"add rule {TABLE} c{number}"
        match kind:
            case "none":
                yield f"{rule} ip saddr 192.0.2.1 goto first"
            case "named":
                yield f"add map {TABLE} m{number} {{ typeof {CHOICE} : verdict ; }}"
                yield f"add element {TABLE} m{number} {VERDICTS}"
                yield f"{rule} {CHOICE} vmap @m{number}"
            case _:
                yield f"{rule} {CHOICE} vmap {VERDICTS}"
