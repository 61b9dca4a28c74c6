#!/usr/bin/env python3
"""Write docs/faults.md: sudo scripts/fault_table.py [--all] [--only WORDS]

Breaks real labs in every way that tests/kernel/faults/catalogue.py knows, one at a time, and writes
what a trace says of each. Without --all two kinds of lab are tried, with it all of them.
"""

import argparse
import collections
import concurrent.futures
import itertools
import os
import re
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.kernel.conftest import Lab  # noqa: E402
from tests.kernel.faults.broken_lab import BrokenLab, said  # noqa: E402
from tests.kernel.faults.case import Case  # noqa: E402
from tests.kernel.faults.catalogue import of  # noqa: E402
from tests.kernel.faults.topology import VARIANTS, Variant  # noqa: E402

PAGE = ROOT / "docs/faults.md"
HEAD = """\
# Faults, and what a trace says of them

Each line is a fault that was put into a real lab on purpose, a call that met it, and what `netlab trace` said. The verdict, the host and the
cause were held against what is known, because it was put there, and the command that the trace said to try was run and shows
it. `sudo scripts/fault_table.py` writes this page; `tests/kernel/faults` tries a chosen part of it each time, and all of it with `NETLAB_CI=all`.

{tried} combinations of fault, call, address family and kind of lab were tried; the verdict, its host, its cause and the command to try were
right in {right}.
Kinds of lab: {kinds}.

| fault | put on | call | right | verdict | cause |
| --- | --- | --- | --- | --- | --- |
"""  # noqa: E501 (a page of documentation)


Result = tuple[bool, Case, str]
"""Whether a verdict is right, the case, and what the verdict says."""


def main() -> None:
    """Try everything, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every kind of lab")
    parser.add_argument("--only", default="", help="faults with these words; writes no page")
    arguments = parser.parse_args()
    is_all, words = arguments.all, arguments.only
    kinds = [(v, f) for v in VARIANTS for f in (4, 6)] if is_all else [
        (VARIANTS[0], 4), (VARIANTS[-1], 6)
    ]  # fmt: skip
    rows: dict[tuple[str, str, str], list[Result]] = collections.defaultdict(list)
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as workers:
        of_kinds = workers.map(of_kind, *zip(*kinds, strict=True), [words] * len(kinds))
        for result in itertools.chain.from_iterable(of_kinds):
            case = result[1]
            rows[case.fault, case.where, f"{case.caller} {case.target}"].append(result)
    found = [one for group in rows.values() for one in group]
    right = sum(one[0] for one in found)
    print(f"{right} of {len(found)} are right")
    if words:
        return
    page = HEAD.format(
        tried=len(found),
        right=right,
        kinds=", ".join(f"{variant} IPv{family}" for variant, family in kinds),
    )
    PAGE.write_text(page + "".join(map(line, rows.items())))


def of_kind(variant: Variant, family: int, words: str) -> list[Result]:
    """Return what came of every case on one kind of lab."""
    lab = Lab(f"faults{VARIANTS.index(variant)}{family}")
    results: list[Result] = []
    try:
        with tempfile.TemporaryDirectory() as directory:
            broken = BrokenLab(lab, variant, Path(directory))
        for case in of(variant, family):
            if re.search(words, case.fault):
                started = time.monotonic()
                is_right, told = tried(broken, case, family)
                results.append((is_right, case, told))
                spent = time.monotonic() - started
                mark = "ok " if is_right else "BAD"
                call = f"{case.caller} {case.target}"
                print(f"{mark} {variant} IPv{family} {spent:.1f} s {case.fault}, {call}: {told}")
                sys.stdout.flush()
    finally:
        lab.down()
    return results


def tried(broken: BrokenLab, case: Case, family: int) -> tuple[bool, str]:
    """Return whether the verdict is right, and what it says."""
    with broken.broken(case, family):
        verdict = broken.trace(case, family).verdict
        output = broken.tried(verdict.hint, is_direct=True) if verdict.hint else ""
    is_shown = bool(verdict.hint) == bool(case.shown) and broken.shows(output, case, family)
    is_right = broken.agrees(verdict, case, family)
    if not is_shown:
        print(f"    {verdict.hint!r} prints:\n{output}", flush=True)
    if not is_right:
        print(f"    {verdict.result}, {verdict.host}: {said(verdict)}", flush=True)
    return is_shown and is_right, said(verdict)


def line(row: tuple[tuple[str, str, str], list[Result]]) -> str:
    """Return a line of the table."""
    (fault, where, call), results = row
    right = f"{sum(one[0] for one in results)} of {len(results)}"
    _, case, words = results[0]
    host = f" on {case.host}" if case.host else ""
    told = words.replace("|", "\\|")
    put = where if case.put else "-"
    return f"| {fault} | {put} | {call} | {right} | {case.result}{host} | {told} |\n"


if __name__ == "__main__":
    main()
