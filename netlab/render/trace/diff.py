"""Two traces side by side, and where they part."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from netlab.render.printable import printable

_Json = dict[str, Any]


def render_trace_diff(first: _Json, second: _Json, titles: Sequence[str]) -> str:
    """Return both paths, line by line beside each other; ``|`` marks lines that differ.

    Ephemeral ports are left out of the comparison: no two connections share one.

    Args:
        first: A trace as ``netlab.trace/1`` has it.
        second: Another.
        titles: What to call them.
    """
    left, right = list(_lines(first)), list(_lines(second))
    width = max(len(line) for line in (titles[0], *left))
    text = [f"{titles[0]:<{width}}   {titles[1]}"]
    parting = ""
    for a, b in zip_longest(left, right, fillvalue=""):
        if a != b and not parting:
            parting = f"They part here: {a.strip() or 'nothing'}  |  {b.strip() or 'nothing'}"
        text.append(f"{a:<{width}} {' ' if a == b else '|'} {b}".rstrip())
    return "\n".join([*text, "", parting or "Both took the same path."]) + "\n"


def _lines(trace: _Json) -> Iterator[str]:
    for way in ("request", "reply"):
        packet = _shown(trace, way)
        if packet is None:
            yield f"{way}: none seen"
            continue
        yield f"{way} {packet['kind']}"
        for visit in packet["visits"]:
            yield f"  {printable(visit['host'])}"
            yield from _steps(visit, trace)
    yield f"{trace['verdict']['result']}: {printable(trace['verdict']['words'])}"


def _shown(trace: _Json, way: str) -> _Json | None:
    """Return the first packet of the last attempt that went this way."""
    last = trace["attempts"]
    found = (p for p in trace["packets"] if p["way"] == way and p["attempt"] == last)
    return next(found, None)


def _steps(visit: _Json, trace: _Json) -> Iterator[str]:
    for step in visit["steps"]:
        if step["step"] == "rewrite":
            before, after = (_named(step[side], trace) for side in ("before", "after"))
            yield f"    {step['kind']} {before} => {after}"
        elif step["step"] == "rule" and step["verdict"] in {"DROP", "REJECT"}:
            rule = f"{step['table']} {step['chain']} #{step['index']}"
            yield f"    {step['verdict']} by {printable(rule)}"
        elif step["step"] == "route" and step["error"]:
            yield f"    no way: {step['error']}"


def _named(end: str, trace: _Json) -> str:
    address = end.rpartition(":")[0].strip("[]")
    return printable(str(trace["names"].get(address, address)))
