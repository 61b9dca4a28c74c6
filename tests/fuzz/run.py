"""Feed mutated input to netlab for a while: python -m tests.fuzz.run --seconds 60 --seed 1.

``--write docs/reliability.md`` writes what was measured into its section. What is found is printed
with the seed that finds it again, and is to be kept as a case in ``tests/fuzz/test_fuzz.py``.
"""

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random  # noqa: TID251 (seeded by the run)
from typing import Final

from tests.fuzz.found import FoundError
from tests.fuzz.targets import TARGETS
from tests.reliability.page import table, write_section


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one target made of its input."""

    target: str
    counts: Counter[str]
    found: tuple[str, ...]
    slowest_s: float

    @property
    def inputs(self) -> int:
        """How many files or requests it was given."""
        return self.counts.total()


def fuzz(target: str, seconds: float, seed: int) -> Result:
    """Give a target mutated input for some seconds.

    Args:
        target: Of ``TARGETS``.
        seconds: How long; one call is made at least.
        seed: Of the first call; each next one has the next.
    """
    counts: Counter[str] = Counter()
    found: list[str] = []
    slowest = 0.0
    end = time.monotonic() + seconds
    while True:
        began = time.process_time()
        try:
            TARGETS[target](Random(seed), counts)  # noqa: S311 (odd values, no secrets)
        except FoundError as error:
            found.append(f"seed {seed}: {error}")
        except Exception as error:  # noqa: BLE001 (told, as what is found)
            found.append(f"seed {seed}: {error!r}")
        slowest = max(slowest, time.process_time() - began)
        seed += 1
        if time.monotonic() >= end:
            return Result(target=target, counts=counts, found=tuple(found), slowest_s=slowest)


_SECTION: Final = """## Odd input

Topologies, manifests and requests to the API are made of right ones: odd values are put where
strings, numbers, addresses and lists are, and fields are filled in that the schema has. Each is
accepted, or refused in a sentence: never a traceback, never a 500, never a hang. After each request
the controllers come to rest with nothing left out, and the rules of every node are read back as
they were written. A bad object lies in the store of a whole control plane, as if the API had let it
in: beside it a Deployment, a pod and a Service are made, and they must serve, every list be
answered, and no agent fail.

{table}

The slowest of the API is a new lab and 40 requests, of bad objects a new lab with 8 of them.
Written by
`python -m tests.fuzz.run --seconds {seconds:g} --seed {seed} --write docs/reliability.md`.
"""


def section(results: list[Result], seconds: float, seed: int) -> str:
    """Return what docs/reliability.md says of what was measured."""
    head = ("input", "given", "accepted", "refused", "broke a law", "slowest (CPU)")
    rows = [
        (
            *(one.target, one.inputs, one.counts["accepted"], one.counts["refused"]),
            *(len(one.found), f"{one.slowest_s:.2f} s"),
        )
        for one in results
    ]
    return _SECTION.format(table=table(head, rows), seconds=seconds, seed=seed)


def main() -> int:
    """Run every target; return 1 if a law was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=TARGETS, help="one target")
    parser.add_argument("--write", type=Path, help="the page to write")
    asked = parser.parse_args()
    names = [asked.only] if asked.only else list(TARGETS)
    results = [fuzz(name, asked.seconds, asked.seed) for name in names]
    for one in results:
        told = f"{one.target}: {one.inputs} given, {len(one.found)} broke a law, {dict(one.counts)}"
        sys.stdout.write("\n  ".join([told, *(what[:3000] for what in one.found[:5])]) + "\n")
    if asked.write is not None:
        write_section(asked.write, "odd input", section(results, asked.seconds, asked.seed))
    return 1 if any(one.found for one in results) else 0


if __name__ == "__main__":
    sys.exit(main())
