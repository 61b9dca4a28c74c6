"""What the rules predicted beside what the kernel did, as lines of text and as JSON.

::

    PREDICTED                        OBSERVED
    client                           client
    node2                            node2
      11 rules                         11 rules
      DNAT node2:30080 ⇒ web-1:8080    DNAT node2:30080 ⇒ web-1:8080
    delivered to web-1               delivered to web-1

A ``|`` stands between two lines that differ. Where the width does not allow two columns, a line
that both have stands once, and the others behind ``predicted`` or ``observed``.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from typing import Any, Final

from netlab.model.packets import AddrPort, Nat
from netlab.render.printable import printable
from netlab.render.trace.steps import Cell
from netlab.trace.compare import at, observed_end
from netlab.trace.packet import Packet, Rewritten, RuleHit
from netlab.trace.predicted_path import Comparison, PredictedPath, PredictedVisit
from netlab.trace.trace import Trace

HEADINGS: Final = ("PREDICTED", "OBSERVED")


def comparison_lines(trace: Trace, cell: Cell, width: int) -> Iterator[str]:
    """Yield both sides, and whether they agree; nothing when nobody asked for a prediction.

    Args:
        trace: With its prediction.
        cell: Names addresses.
        width: Columns.
    """
    prediction = trace.prediction
    if prediction is None:
        return
    if prediction.paths:
        path = prediction.paths[prediction.taken]
        left, right = list(_predicted(path, cell)), list(_observed(trace, cell))
        yield from _beside(left, right, width)
        yield _sentence(prediction, cell)
    for difference in prediction.differences:
        where = f" on {difference.host}" if difference.host else ""
        yield f"differs: {difference.what}{where}"
        yield f"  predicted  {printable(difference.predicted)}"
        yield f"  observed   {printable(difference.observed)}"
    for remark in prediction.remarks:
        yield f"not predicted: {printable(remark)}"


def comparison_document(prediction: Comparison | None) -> dict[str, Any] | None:
    """Return a prediction as ``netlab.trace/1`` has it."""
    if prediction is None:
        return None
    return {
        "holds": prediction.holds(),
        "paths": [_path(path) for path in prediction.paths],
        "taken": prediction.taken,
        "differences": [
            {
                "host": one.host or None,
                "what": one.what,
                "predicted": one.predicted,
                "observed": one.observed,
            }
            for one in prediction.differences
        ],
        "remarks": list(prediction.remarks),
    }


def _sentence(prediction: Comparison, cell: Cell) -> str:
    chances = prediction.endpoints()
    one_of = ""
    if len(chances) > 1:
        named = (f"{cell(end)} {chance}" for end, chance in chances.items())
        one_of = f" One endpoint of {len(chances)}: {', '.join(named)}."
    if prediction.differences:
        count = len(prediction.differences)
        return f"✖ The kernel did otherwise in {count} thing{'s' if count > 1 else ''}.{one_of}"
    return f"✔ The kernel did what rules and routes predict.{one_of}"


def _beside(left: Sequence[str], right: Sequence[str], width: int) -> Iterator[str]:
    column = max(map(len, (HEADINGS[0], *left)))
    if column + 3 + max(map(len, (HEADINGS[1], *right))) <= width:
        yield f"{HEADINGS[0]:<{column}}   {HEADINGS[1]}"
        for one, other in zip_longest(left, right, fillvalue=""):
            yield f"{one:<{column}} {' ' if one == other else '|'} {other}".rstrip()
        return
    yield f"{HEADINGS[0]} and {HEADINGS[1]}"
    for one, other in zip_longest(left, right, fillvalue=""):
        if one == other:
            yield one
        else:
            yield from (f"predicted {one}", f"observed  {other}")


def _predicted(path: PredictedPath, cell: Cell) -> Iterator[str]:
    for host, group in groupby(path.visits, key=lambda visit: visit.host):
        stays = list(group)
        yield printable(host)
        yield from _count(sum(len(visit.hits) for visit in stays))
        for one in (one for visit in stays for one in visit.rewrites):
            yield _change(one.kind, one.before, one.after, cell)
    yield at(path.end, path.host)


def _observed(trace: Trace, cell: Cell) -> Iterator[str]:
    request = trace.request()
    if request is not None:
        yield from _visits(request, cell)
    elif trace.verdict.host:
        yield printable(trace.verdict.host)
    yield observed_end(trace)


def _visits(request: Packet, cell: Cell) -> Iterator[str]:
    for host, group in groupby(request.visits, key=lambda visit: visit.host):
        steps = [step for visit in group for step in visit.steps]
        yield printable(host)
        yield from _count(sum(isinstance(s, RuleHit) and s.index is not None for s in steps))
        for step in steps:
            if isinstance(step, Rewritten):
                yield _change(step.kind, step.before, step.after, cell)


def _count(rules: int) -> Iterator[str]:
    if rules:
        yield f"  {rules} rule{'s' if rules > 1 else ''}"


def _change(kind: Nat, before: AddrPort, after: AddrPort, cell: Cell) -> str:
    if kind is not Nat.DNAT:
        # The port is the kernel's choice, and no prediction's.
        before, after = before._replace(port=0), after._replace(port=0)
    return f"  {kind} {cell(before)} ⇒ {cell(after)}"


def _path(path: PredictedPath) -> dict[str, Any]:
    return {
        "chance": str(path.chance),
        "end": str(path.end),
        "words": path.words(),
        "destination": str(path.destination),
        "visits": [_visit(visit) for visit in path.visits],
    }


def _visit(visit: PredictedVisit) -> dict[str, Any]:
    return {
        "host": visit.host,
        "bridged": visit.is_bridged,
        "rules": [
            {
                "table": hit.table,
                "chain": hit.rule.chain,
                "index": hit.index,
                "rule": str(hit.rule),
            }
            for hit in visit.hits
        ],
        "rewrites": [
            {
                "kind": str(one.kind),
                "before": str(one.before),
                "after": str(one.after),
            }
            for one in visit.rewrites
        ],
    }
