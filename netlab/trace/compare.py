"""Hold what rules and routes predict against what the kernel was seen to do.

Of several predicted ways the one that comes nearest to the observed one counts: which way a die
falls cannot be predicted. Compared are the hosts in their order, the rules that matched and the
addresses that changed in each of them, and the end.

The source port that a masquerade takes is the kernel's choice, and so is whether one is taken
where the address stays; neither is compared. Nor is it predicted which clients session affinity
knows: a rule that knew one again stands for the die of its chain, and the endpoint must be one that
the die can choose.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

from netlab.model.packets import Nat
from netlab.trace.packet import Packet, Result, Rewritten, Routed, RuleHit
from netlab.trace.predicted_path import (
    Comparison,
    Difference,
    End,
    PredictedPath,
    PredictedRewrite,
    PredictedVisit,
)
from netlab.trace.trace import Trace

_AFFINITY: Final = re.compile(r"-m recent .*--rcheck |ip6? saddr @affinity-")
"""In the text of a rule that knows a client again."""


class _Rule(NamedTuple):
    table: str
    chain: str
    number: int


_Change = tuple[Nat, str, str]
"""Which NAT, the address before, and the address after; of a destination with the port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stay:
    """What happened in one host, or was to happen."""

    host: str
    rules: tuple[_Rule, ...]
    changes: tuple[_Change, ...]
    is_traced: bool = True
    """False where nobody heard which rules matched."""
    by_affinity: frozenset[_Rule] = frozenset()
    """Of the rules, those that knew the client again."""


def compare(
    paths: Sequence[PredictedPath], trace: Trace, remarks: Sequence[str] = ()
) -> Comparison:
    """Return what was predicted of the last attempt's request beside what came of it.

    Args:
        paths: Every predicted way.
        trace: What was seen.
        remarks: What could not be predicted.
    """
    if not paths:
        return Comparison(paths=(), remarks=tuple(remarks))
    found = [tuple(_differences(path, trace)) for path in paths]
    taken = min(range(len(paths)), key=lambda i: (len(found[i]), -paths[i].chance))
    remarks = (*remarks, *_unheard(paths[taken], trace))
    return Comparison(paths=tuple(paths), taken=taken, differences=found[taken], remarks=remarks)


def _unheard(path: PredictedPath, trace: Trace) -> Iterator[str]:
    for one, other in zip(_predicted(path.visits), _observed(trace.request()), strict=False):
        if one.host == other.host and one.rules and not other.is_traced:
            yield f"which rules matched on {one.host} was not heard"


def _differences(path: PredictedPath, trace: Trace) -> Iterator[Difference]:
    expected, seen = _predicted(path.visits), _observed(trace.request())
    if not seen:
        seen = [_Stay(host=trace.verdict.host, rules=(), changes=(), is_traced=False)]
    ways = [" > ".join(stay.host for stay in stays) for stays in (expected, seen)]
    if ways[0] != ways[1]:
        yield Difference(host="", what="way", predicted=ways[0], observed=ways[1])
    for one, other in zip(expected, seen, strict=False):
        if one.host == other.host:
            yield from _in_host(one, other)
    ends = at(path.end, path.host), observed_end(trace)
    if ends[0] != ends[1]:
        yield Difference(host="", what="end", predicted=ends[0], observed=ends[1])


def _in_host(expected: _Stay, seen: _Stay) -> Iterator[Difference]:
    if seen.is_traced and not _are_same(expected.rules, seen):
        yield Difference(
            host=expected.host,
            what="rules",
            predicted=_rules(expected.rules, seen.rules),
            observed=_rules(seen.rules, expected.rules),
        )
    if expected.changes != seen.changes:
        yield Difference(
            host=expected.host,
            what="rewrites",
            predicted=_changes(expected.changes),
            observed=_changes(seen.changes),
        )


def _are_same(expected: Sequence[_Rule], seen: _Stay) -> bool:
    """Tell whether rules are the same, but for a die that session affinity left uncast."""
    return len(expected) == len(seen.rules) and all(
        one == other or (other in seen.by_affinity and one[:2] == other[:2])
        for one, other in zip(expected, seen.rules, strict=True)
    )


def _predicted(visits: Sequence[PredictedVisit]) -> list[_Stay]:
    return [
        _Stay(
            host=host,
            rules=tuple(
                _Rule(hit.table, hit.rule.chain, hit.index) for visit in stays for hit in visit.hits
            ),
            changes=tuple(
                change
                for visit in stays
                for one in visit.rewrites
                for change in _change(one.kind, one)
            ),
        )
        for host, group in groupby(visits, key=lambda visit: visit.host)
        if (stays := list(group))
    ]


def _observed(packet: Packet | None) -> list[_Stay]:
    found = []
    for host, group in groupby(packet.visits if packet else (), key=lambda visit: visit.host):
        steps = [step for visit in group for step in visit.steps]
        hits = [step for step in steps if isinstance(step, RuleHit)]
        rules = {
            _Rule(hit.table, hit.chain, hit.index): hit.text
            for hit in hits
            if hit.index is not None
        }
        rewrites = [step for step in steps if isinstance(step, Rewritten)]
        found.append(
            _Stay(
                host=host,
                rules=tuple(_Rule(h.table, h.chain, h.index) for h in hits if h.index is not None),
                changes=tuple(change for one in rewrites for change in _change(one.kind, one)),
                is_traced=bool(hits),
                by_affinity=frozenset(r for r, text in rules.items() if _AFFINITY.search(text)),
            )
        )
    return found


def _change(kind: Nat, one: Rewritten | PredictedRewrite) -> Iterator[_Change]:
    if kind is Nat.DNAT:
        yield kind, str(one.before), str(one.after)
    elif one.before.address != one.after.address:
        yield kind, str(one.before.address), str(one.after.address)


def observed_end(trace: Trace) -> str:
    """Return the end that a trace saw, in the words of predictions where they have some."""
    request = trace.request()
    verdict = request.verdict if request else trace.verdict
    match verdict.result:
        case Result.DROPPED if isinstance(verdict.by, RuleHit):
            return at(End.DROPPED, verdict.host)
        case Result.DROPPED if isinstance(verdict.by, Routed):
            return at(End.UNROUTED, verdict.host)
        case Result.DROPPED if verdict.reason and verdict.reason.cause == "NEIGH_FAILED":
            return at(End.LOST, verdict.host)
        case Result.DROPPED:
            why = f" ({verdict.reason.code})" if verdict.reason and verdict.reason.code else ""
            return at(f"dropped by the kernel{why}", verdict.host)
        case Result.REFUSED:
            return at(End.DELIVERED, verdict.host)
        case result:
            return at(result, verdict.host)


def at(end: str, host: str) -> str:
    """Return an end and its place: ``delivered to web-1``, ``dropped on node2``.

    >>> at(End.DELIVERED, "web-1")
    'delivered to web-1'
    """
    return f"{end} {'to' if end == End.DELIVERED else 'on'} {host}"


def _rules(rules: Sequence[_Rule], others: Sequence[_Rule]) -> str:
    if sorted(rules) == sorted(others):
        pairs = zip(rules, others, strict=True)
        same = next(i for i, (one, other) in enumerate(pairs) if one != other)
        return f"in another order, from rule {same + 1} on: {_listed(rules[same:])}"
    own = [rule for rule in rules if rule not in others]
    return _listed(own) or f"none but the {len(rules)} that both have"


def _listed(rules: Sequence[_Rule]) -> str:
    return ", ".join(f"{table} {chain} #{index}" for table, chain, index in rules)


def _changes(changes: Sequence[_Change]) -> str:
    return ", ".join(f"{kind} {before} to {after}" for kind, before, after in changes) or "none"
