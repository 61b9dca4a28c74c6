"""One measurement of kube-proxy, in a process of its own; prints JSON. Run by kube_proxy.py.

    proxy_run.py full MODE SERVICES NETNS TEXT    everything, into a namespace without rules
    proxy_run.py repair MODE SERVICES NETNS       what is read back to be empty, right, and spoilt
    proxy_run.py change MODE SERVICES NETNS       one endpoint after the other, into that namespace

Each begins as a program does: nothing is compiled, and no name's hash is known. The start of Python
and the reading of objects are not counted.
"""

import gc
import json
import sys
import time
from pathlib import Path

from bare_tools import empty_a_chain, list_seconds, load_seconds
from cluster_objects import SPARE_PODS, endpoint_slice, endpoints, services, slices
from full_sync import FullSync
from processes import resident_bytes
from proxy_modes import MODES, Mode

CHANGES = 7
REPAIRS = 3


def full(mode: Mode, netns: str, path: str) -> dict[str, float]:
    """Lay everything; the text is kept at ``path``."""
    kept = FullSync(netns)
    before = resident_bytes()
    started = time.perf_counter()
    mode.compile()
    compiled = time.perf_counter()
    after = resident_bytes()
    began = time.perf_counter()
    text = kept.sync(mode.proxy, is_new=True)
    ended = time.perf_counter()
    Path(path).write_text(text)
    return {
        "compile": compiled - started,
        "sync": compiled - started + ended - began,
        "rules": after - before,
        "process": after,
        "lines": text.count("\n"),
    }


def repair(mode: Mode, name: str, netns: str) -> dict[str, list[float]]:
    """Have rules read back that were compiled before, and put right."""
    kept = FullSync(netns)
    mode.compile()
    found = {"lost": [_seconds(kept, mode)], "right": [], "spoilt": [], "listing": []}
    for _ in range(REPAIRS):
        found["listing"].append(list_seconds(name, netns))
        found["right"].append(_seconds(kept, mode, is_right=True))
        empty_a_chain(name, netns)
        found["spoilt"].append(_seconds(kept, mode))
    return found


def _seconds(kept: FullSync, mode: Mode, *, is_right: bool = False) -> float:
    started = time.perf_counter()
    text = kept.sync(mode.proxy)
    seconds = time.perf_counter() - started
    if is_right != (not text):
        raise RuntimeError(f"written: {text[:200] or 'nothing'}")
    return seconds


def change(mode: Mode, name: str, count: int, netns: str) -> dict[str, list[float]]:
    """Replace an endpoint of the Service in the middle, in turn by netlab and by the bare tool."""
    mode.compile()
    number = count // 2
    stays, _ = endpoints(number)
    found: dict[str, list[float]] = {"compile": [], "sync": [], "bare": [], "lines": []}
    for turn in range(CHANGES):
        started = time.perf_counter()
        text = mode.change(endpoint_slice(number, stays, str(SPARE_PODS + 2 * turn)))
        found["compile"].append(time.perf_counter() - started)
        mode.load(netns, text)
        found["sync"].append(time.perf_counter() - started)
        other = mode.kube_proxys_text(
            mode.change(endpoint_slice(number, stays, str(SPARE_PODS + 2 * turn + 1)))
        )
        found["lines"].append(other.count("\n"))
        found["bare"].append(load_seconds(name, netns, other.encode()))
    return found


def main() -> None:
    """Measure what the command line names."""
    gc.set_threshold(50_000)  # as the control plane has it
    what, name, number, netns, *path = sys.argv[1:]
    count = int(number)
    mode = MODES[name](services(count), slices(count))
    match what:
        case "full":
            found = full(mode, netns, *path)
        case "repair":
            found = repair(mode, name, netns)
        case _:
            found = change(mode, name, count, netns)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
