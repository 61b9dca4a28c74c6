"""A card for each visit: what a packet met at one host, in order."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from netlab.model.hosts import HostKind
from netlab.model.packets import AddressPair
from netlab.render.markup import Child, Markup, element, fragment
from netlab.render.trace.drawn_visits import DrawnVisit, Naming, duration
from netlab.render.trace.steps import reason_line
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.trace.chain_boxes import ChainBox, Entry, boxes
from netlab.trace.packet import Point, Rewritten, Routed, RuleHit, Step, Verdict
from netlab.trace.paths import Hop
from netlab.trace.trace import Trace

_POINTS: Final = {
    "pre_wire": "came in",
    "pre_dnat": "past DNAT",
    "in_last": "past INPUT",
    "fwd_last": "past FORWARD",
    "out_first": "made here",
    "out_dnat": "past OUTPUT's DNAT",
    "post_snat_before": "before SNAT",
    "post_wire": "goes out",
}


class Cards:
    """Makes the cards of one trace."""

    def __init__(self, trace: Trace, naming: Naming) -> None:
        self._naming = naming
        self._kinds = {host.name: host.kind for host in trace.hosts}
        self._addresses = {host.name: ", ".join(map(str, host.addresses)) for host in trace.hosts}

    def card(self, drawn: DrawnVisit) -> Markup:
        """Return the card of a visit, an item of a list."""
        parts = [
            self._title(drawn),
            element("p", {"class": "say"}, self.sentence(drawn)),
            self._wires(drawn),
            *self._steps(drawn),
        ]
        if drawn.ends_badly:
            parts.append(self._verdict(drawn.packet.verdict))
        looks = f"card {drawn.packet.way}{' bad' if drawn.ends_badly else ''}"
        return element(
            "li",
            {"id": f"stay-{drawn.number}", "class": looks, "data-card": drawn.number},
            [element("article", None, parts)],
        )

    def sentence(self, drawn: DrawnVisit) -> str:
        """Return what happens at a visit, for people who listen instead of looking."""
        kind = self._kinds.get(drawn.host)
        host = f"{kind} {drawn.host}" if kind is HostKind.POD else drawn.host
        came = f"comes in by {drawn.entering[0].ifname}" if drawn.entering else "is made here"
        words = f"{drawn.packet.kind} at {host}: {came}"
        did = [
            f"{one.kind} turns {self._naming.end(one.before)} into {self._naming.end(one.after)}"
            for one in drawn.rewrites
        ]
        if drawn.leaving:
            pair = drawn.leaving[-1].pair
            ends = f"{self._naming.end(pair.source)} to {self._naming.end(pair.destination)}"
            did.append(f"leaves by {drawn.leaving[-1].ifname}, from {ends}")
        elif drawn.ends_badly:
            did.append(f"comes no further: {drawn.packet.verdict.words}")
        else:
            did.append("is taken by a socket of this host")
        return f"{words}; {'; '.join(did)}."

    def _title(self, drawn: DrawnVisit) -> Markup:
        address = self._addresses.get(drawn.host, "")
        return element(
            "header",
            None,
            [
                element("span", {"class": "number"}, str(drawn.number)),
                element("h4", None, drawn.host),
                element("span", {"class": "mono muted"}, address),
            ],
        )

    def _wires(self, drawn: DrawnVisit) -> Markup:
        """Return the interfaces that saw the packet, with the addresses it carried there."""
        start = next((h for v in drawn.packet.visits for h in v.hops), None)
        before: AddressPair | None = None
        rows = []
        for hop in drawn.visit.hops:
            since = duration(hop.time_ns - start.time_ns) if start else ""
            rows.append(self._wire(hop, since, before))
            before = hop.pair
        if not rows:
            return element("p", {"class": "muted"}, "No interface of this host saw it.")
        head = _row("th", ["", "interface", "source", "destination", "after"])
        return element(
            "div",
            {"class": "scroll"},
            [element("table", {"class": "wires"}, [element("thead", None, [head]), *rows])],
        )

    def _wire(self, hop: Hop, since: str, before: AddressPair | None) -> Markup:
        ends = []
        for i, end in enumerate(hop.pair):
            changed = before is not None and before[i] != end
            cell = self._end(str(end), self._naming.end(end))
            ends.append(element("mark", None, [cell]) if changed else cell)
        return _row("td", [str(hop.direction), hop.ifname, *ends, since])

    def _end(self, exact: str, shown: str) -> Markup:
        return element("span", {"class": "mono", "title": None if exact == shown else exact}, shown)

    def _steps(self, drawn: DrawnVisit) -> Iterator[Markup]:
        for _, group in groupby(drawn.visit.steps, key=_group):
            members = list(group)
            hits = [step for step in members if isinstance(step, RuleHit)]
            if hits:
                yield from (self._box(box, 0) for box in boxes(hits))
                continue
            for step in members:
                yield from self._step(step)

    def _step(self, step: Step) -> Iterator[Markup]:
        if isinstance(step, Rewritten):
            yield self._rewritten(step)
        elif isinstance(step, Routed):
            yield _line("route", "route", _route(step))
        elif isinstance(step, ConntrackEntry):
            yield self._entry(step)
        elif isinstance(step, Point):
            yield _line("point", "point", _point(step))

    def _rewritten(self, step: Rewritten) -> Markup:
        words: list[Child] = [
            self._end(str(step.before), self._naming.end(step.before)),
            " ⇒ ",
            element("mark", None, [self._end(str(step.after), self._naming.end(step.after))]),
            element("span", {"class": "muted"}, f" by {step.cause()}"),
        ]
        return _line("rewrite", str(step.kind), words)

    def _entry(self, entry: ConntrackEntry) -> Markup:
        pairs = [
            element("span", {"class": "pair"}, [word, *self._pair(pair)])
            for word, pair in (("original ", entry.original), ("reply ", entry.reply))
        ]
        state = f", {entry.state}" if entry.state else ""
        words = [f"{entry.identity:#x} {entry.protocol}{state}: ", *pairs]
        return _line("conntrack", "conntrack", words)

    def _pair(self, pair: AddressPair) -> list[Child]:
        source, destination = (self._end(str(end), self._naming.end(end)) for end in pair)
        return [source, " → ", destination]

    def _box(self, box: ChainBox, depth: int) -> Markup:
        title = f"{box.table} {box.chain}" if depth == 0 else box.chain
        inside: list[Child] = [element("h5", None, title)]
        if box.entries:
            inside.append(
                element("ol", None, [self._entry_of(entry, depth) for entry in box.entries])
            )
        else:
            inside.append(element("p", {"class": "muted"}, "no rule matched; back"))
        return element("section", {"class": "chain"}, inside)

    def _entry_of(self, entry: Entry, depth: int) -> Markup:
        hit = entry.hit
        label = "policy" if hit.is_policy else f"#{hit.index}" if hit.index else "rule"
        looks = "bad" if hit.verdict in {"DROP", "REJECT"} else None
        parts: list[Child] = [
            element("span", {"class": "index"}, label),
            " ",
            element("strong", {"class": looks}, effect(hit)),
        ]
        if hit.mark:
            parts.append(element("span", {"class": "muted"}, f" mark {hit.mark:#x}"))
        if hit.service:
            parts.append(element("span", {"class": "service"}, f" {hit.service}"))
        if hit.text:
            parts.append(element("code", {"class": "rule"}, hit.text))
        if entry.inner is not None:
            parts.append(self._box(entry.inner, depth + 1))
        return element("li", None, parts)

    def _verdict(self, verdict: Verdict) -> Markup:
        parts: list[Child] = [element("strong", None, f"✖ {verdict.words}")]
        if isinstance(verdict.by, RuleHit) and verdict.by.text:
            parts.append(element("code", {"class": "rule"}, verdict.by.text))
        if verdict.reason is not None:
            line = reason_line(verdict, verdict.reason)
            parts.append(element("p", {"class": "muted"}, line))
        if verdict.why:
            parts.append(element("p", None, verdict.why))
        return element("div", {"class": "end"}, parts)


def effect(hit: RuleHit) -> str:
    """Return what a rule did."""
    if hit.verdict in {"JUMP", "GOTO"}:
        return f"{hit.verdict.lower()} {hit.target}"
    if hit.target and hit.target != hit.verdict:
        return hit.target
    return hit.verdict


def _group(step: Step) -> tuple[str, int]:
    """Return a key that keeps one table's hits together and all else apart."""
    return (step.table, 0) if isinstance(step, RuleHit) else ("", id(step))


def _line(looks: str, label: str, words: Child | Iterable[Child]) -> Markup:
    parts = [element("span", {"class": "label"}, label), " ", fragment(words)]
    return element("p", {"class": f"step {looks}"}, parts)


def _row(cell: str, cells: Sequence[Child]) -> Markup:
    return element("tr", None, [element(cell, None, [content]) for content in cells])


def _route(step: Routed) -> str:
    if step.error:
        return f"{step.destination}: {step.error}"
    if step.route == "local":
        return "local: for a socket of this host"
    via = f" via {step.via}" if step.via else ""
    seen = f"; the packet left by {step.observed}" if step.observed else ""
    return f"{step.route}{via} dev {step.ifname}{seen}"


def _point(step: Point) -> str:
    ends = [
        f"{word} {ifname}"
        for word, ifname in (("in", step.ifname_in), ("out", step.ifname_out))
        if ifname
    ]
    mark = [f"mark {step.mark:#x}"] if step.mark else []
    tracked = [f"connection {step.tracked}"] if step.tracked else []
    name = _POINTS.get(step.name, step.name)
    return ", ".join([name, *ends, *mark, *tracked])
