#!/usr/bin/env python3
"""How long ``netlab up`` takes without root, beside root's: sudo scripts/bench/rootless.py

Both build the topology ``source-ip`` in turn, with the Python that runs this; the lab is removed
each time. The ordinary user is made by scripts/ordinary_user.py, and has subordinate IDs where
newuidmap is installed. Prints the medians and their ratio; --write puts them into
docs/bench-rootless.md.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[2]
REPORT: Final = CHECKOUT / "docs/bench-rootless.md"
LAB: Final = "benchroot"
TEXT: Final = """# Without root, how fast

Medians of {repeat} runs in turn of `netlab up source-ip`, by
`sudo scripts/bench/rootless.py --write`, on Linux {kernel} with {cores} cores.

| | `up` | `down` |
| --- | ---: | ---: |
| root | {root[0]:.2f} s | {root[1]:.2f} s |
| an ordinary user | {user[0]:.2f} s | {user[1]:.2f} s |
| ratio | {up:.2f} | {down:.2f} |
"""


def netlab(*words: str) -> float:
    """Run netlab, and return the seconds that it took."""
    environment = {**os.environ, "NETLAB_LAB": LAB}
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "netlab", *words], env=environment, check=True, capture_output=True
    )
    return time.monotonic() - began


def measured() -> tuple[float, float]:
    """Return the seconds of an ``up`` and of the ``down`` after it."""
    return netlab("up", "source-ip"), netlab("down")


def serve() -> None:
    """Measure once for each line of standard input, as the user that this runs as."""
    for _ in sys.stdin:
        print(*measured(), flush=True)


def main() -> None:
    """Measure in turn and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=11)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve()
        return
    maker = [sys.executable, str(CHECKOUT / "scripts/ordinary_user.py"), "--private", "--"]
    user = subprocess.Popen(
        [*maker, sys.executable, str(Path(__file__).resolve()), "--serve"],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert user.stdin is not None
    assert user.stdout is not None
    runs: dict[str, list[tuple[float, float]]] = {"root": [], "user": []}
    for _ in range(asked.repeat + 1):
        runs["root"].append(measured())
        print("go", file=user.stdin, flush=True)
        up, down = map(float, user.stdout.readline().split())
        runs["user"].append((up, down))
    user.stdin.close()
    user.wait()
    # The first of each finds nothing in the page cache.
    found = {
        who: tuple(statistics.median(column) for column in zip(*each[1:], strict=True))
        for who, each in runs.items()
    }
    text = TEXT.format(
        repeat=asked.repeat,
        kernel=platform.release(),
        cores=os.cpu_count(),
        up=found["user"][0] / found["root"][0],
        down=found["user"][1] / found["root"][1],
        **found,
    )
    print(text)
    if asked.write:
        REPORT.write_text(text)


if __name__ == "__main__":
    main()
