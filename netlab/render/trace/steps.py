"""The steps of a visit as lines: chain walks, rewrites, routes, entries."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from netlab.model.packets import AddrPort
from netlab.render.printable import printable
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.trace.chain_walk import deciding
from netlab.trace.packet import Confidence, Point, Reason, Rewritten, Routed, RuleHit, Step, Verdict
from netlab.trace.paths import Way

Cell = Callable[[AddrPort], str]
"""Gives an address and port the name that people know."""


def step_lines(steps: Sequence[Step], way: Way, cell: Cell, *, rules: bool) -> Iterator[str]:
    """Yield a line for each thing that happened.

    Args:
        steps: Of one visit.
        way: Of the packet.
        cell: Names addresses.
        rules: Every rule that was met, with its text, in place of the folded walk.
    """
    told = [step for step in steps if not isinstance(step, Point)]
    for _, group in groupby(told, key=_place):
        members = list(group)
        hits = [step for step in members if isinstance(step, RuleHit)]
        if hits:
            yield from _unfolded(hits) if rules else _folded(hits)
        for step in members:
            if not isinstance(step, RuleHit):
                yield from _line(step, way, cell)


def rule_label(hit: RuleHit) -> str:
    """Return a rule's chain and number."""
    chain = printable(hit.chain)
    if hit.index is not None:
        return f"{chain} #{hit.index}"
    return f"{chain} policy" if hit.is_policy else f"{chain} handle {hit.handle}"


def reason_line(verdict: Verdict, reason: Reason) -> str:
    """Return what the kernel said of a packet's end, and how far that can be relied on."""
    where = f"on {reason.host} {reason.ifname}".rstrip()
    if reason.confidence is Confidence.INFERRED:
        name = f", which means {reason.code}" if reason.code else ""
        return f"{reason.source} {where}{name} [inferred]"
    code = reason.code or "without a reason"
    lay_out = f" in {reason.function}()" if reason.function else ""
    agreed = " [both sources agree]" if verdict.is_agreed else ""
    return f"kernel {code}{lay_out} {where}{agreed}"


def _place(step: Step) -> tuple[str, int]:
    """Return a key that keeps one table's hits together and everything else apart."""
    return (step.table, 0) if isinstance(step, RuleHit) else ("", id(step))


def _folded(hits: Sequence[RuleHit]) -> Iterator[str]:
    kept = deciding(hits)
    if not kept:
        return
    words: list[str] = []
    service = ""
    mark = 0
    for hit in kept:
        label = rule_label(hit)
        if hit.service and hit.service != service:
            service = hit.service
            label += f" “{printable(service)}”"
        elif hit.comment and not hit.service and hit.verdict in {"DROP", "REJECT"}:
            label += f" “{printable(hit.comment)}”"
        words.append(label + _effect(hit, mark))
        mark = hit.mark
    yield f"{kept[0].table} {' ▸ '.join(words)}"


def _effect(hit: RuleHit, mark: int) -> str:
    if hit.verdict in {"DROP", "REJECT"}:
        return f" ✖ {hit.verdict}"
    if hit.target in {"DNAT", "SNAT", "MASQUERADE", "REDIRECT"}:
        return f" {hit.target}"
    if hit.mark != mark and hit.verdict == "CONTINUE":
        return f" mark {hit.mark:#x}"
    return " accept" if hit.verdict == "ACCEPT" else ""


def _unfolded(hits: Sequence[RuleHit]) -> Iterator[str]:
    for hit in hits:
        verdict = hit.verdict.lower()
        target = f" {printable(hit.target)}" if hit.target and hit.verdict != hit.target else ""
        mark = f" mark {hit.mark:#x}" if hit.mark else ""
        yield f"{hit.table} {rule_label(hit)}: {verdict}{target}{mark}"
        if hit.text:
            yield f"  {printable(hit.text)}"


def _line(step: Step, way: Way, cell: Cell) -> Iterator[str]:
    if isinstance(step, Rewritten):
        by = printable(step.cause())
        yield f"✎ {step.kind} {cell(step.before)} ⇒ {cell(step.after)}  (by {by})"
    elif isinstance(step, Routed):
        yield f"⌖ {_route(step)}"
    elif isinstance(step, ConntrackEntry) and way is Way.REQUEST:
        ends = f"{cell(step.reply.source)} → {cell(step.reply.destination)}"
        yield f"≡ conntrack {step.identity:#x} expects the reply {ends}"


def _route(step: Routed) -> str:
    if step.error:
        return f"route for {step.destination}: {step.error}"
    via = f" via {step.via}" if step.via else ""
    if step.route == "local":
        return "route local: for a socket of this host"
    differs = step.observed not in {"", step.ifname}
    seen = f" (the packet left by {step.observed})" if differs else ""
    return f"route {step.route}{via} dev {step.ifname}{seen}"
