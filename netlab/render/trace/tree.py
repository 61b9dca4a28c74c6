"""A trace as a tree for a terminal of 80 to 200 columns.

A line for each visit of a packet in a host, with the interfaces it passed; beneath it what rules,
NAT and routing did there. Addresses stand in columns where the width allows, and else on a line of
their own wherever they change; ``·`` says that an address is as before.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.model.packets import AddressPair, AddrPort, Direction
from netlab.render.comparison import comparison_lines
from netlab.render.printable import printable
from netlab.render.trace.steps import reason_line, step_lines
from netlab.render.trace.summary import summary
from netlab.trace.packet import Packet, Result, RuleHit, Visit
from netlab.trace.paths import Hop, Way
from netlab.trace.trace import Trace

BOLD, RED, GREEN, YELLOW, PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"
SAME: Final = "·"
BAR: Final = "    │ "
_NO_BREAK: Final = "\u00a0"
_GOOD: Final = {Result.DELIVERED}


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceStyle:
    """How much is shown, and how."""

    width: int
    colour: bool = False
    numeric: bool = False
    """Addresses in place of names."""
    rules: bool = False
    """Every rule that was met, with its text."""
    everything: bool = False
    """Every packet."""
    times: bool = True
    """How long after its start a packet passed each interface."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    left: str
    time: str
    pair: AddressPair | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note:
    text: str
    colour: str = ""


_Line = _Row | _Note


def render_trace(trace: Trace, style: TraceStyle) -> str:
    """Return the path of a connection."""
    text = "\n".join(_Drawing(trace, style).lines()) + "\n"
    if trace.onward is None:
        return text
    return f"{text}\n{onward_title(trace)}\n\n{render_trace(trace.onward, style)}"


def onward_title(trace: Trace) -> str:
    """Return the heading of the connection that a proxy made for this one."""
    proxy = trace.onward.caller if trace.onward is not None else ""
    return f"The connection ended at {proxy}, which made another one for it:"


def shown_packets(trace: Trace, *, everything: bool) -> tuple[Packet, ...]:
    """Return what is worth showing: the last attempt's first packet each way, and other ends.

    With the first fragment of a datagram come the others.
    """
    if everything:
        return trace.packets
    first = [packet for packet in (trace.request(), trace.reply()) if packet is not None]
    ends = {(packet.verdict.result, packet.verdict.host) for packet in first}
    for packet in trace.packets:
        end = packet.verdict.result, packet.verdict.host
        if packet.verdict.result not in _GOOD and end not in ends:
            ends.add(end)
            first.append(packet)
    datagrams = {(p.way, p.key.ip_id) for p in first if p.key.fragment == 0}
    first += [p for p in trace.packets if p.key.fragment and (p.way, p.key.ip_id) in datagrams]
    return tuple(sorted(first, key=lambda packet: packet.number))


class _Drawing:
    def __init__(self, trace: Trace, style: TraceStyle) -> None:
        self._trace = trace
        self._style = style
        self._names = {} if style.numeric else trace.names

    def lines(self) -> Iterator[str]:
        """Yield the whole text, line by line."""
        yield from self._heading()
        first = 1
        for packet in shown_packets(self._trace, everything=self._style.everything):
            yield ""
            yield from self._packet(packet, first)
            first += len(packet.visits)
        yield ""
        for line in comparison_lines(self._trace, self._cell, self._style.width):
            yield from self._wrapped(line, "") if len(line) > self._style.width else [line]
        if self._trace.prediction is not None:
            yield ""
        yield from self._ending()

    def _heading(self) -> Iterator[str]:
        trace = self._trace
        good = trace.verdict.result in _GOOD
        service = f"   (Service {printable(trace.service)})" if trace.service else ""
        yield self._paint(BOLD, f"{trace.caller} ──▶ {printable(trace.target)}{service}")
        sign = "✔" if good else "✖"
        heard = f"; {trace.caller} heard: {printable(trace.outcome)}"
        result = str(trace.verdict.result)
        rest = trace.verdict.words.removeprefix(result)
        colon = ":" if rest == trace.verdict.words else ""
        words = f"{sign} {result.upper()}{colon} {rest.strip()}{heard}"
        yield from self._wrapped(words, "", GREEN if good else RED)

    def _packet(self, packet: Packet, first: int) -> Iterator[str]:
        lines = list(self._packet_lines(packet, first))
        rows = [line for line in lines if isinstance(line, _Row)]
        cells = [line.pair for line in rows if line.pair is not None]
        widths = (
            max((len(self._cell(pair.source)) for pair in cells), default=0),
            max((len(self._cell(pair.destination)) for pair in cells), default=0),
        )
        left = max((len(row.left) for row in rows), default=0)
        time = 11 if self._style.times else 0
        columns = left + time + sum(widths) + 4 <= self._style.width
        title = f"{packet.way.upper()} {packet.kind}{self._attempt(packet)}"
        gap = max(left + time + 2 - len(title), 2)
        names = f"{' ' * gap}{'source':<{widths[0]}}  destination" if columns and cells else ""
        yield self._paint(BOLD, f"{title}{names}")
        before: AddressPair | None = None
        for line in lines:
            if isinstance(line, _Note):
                yield from self._wrapped(line.text, BAR, line.colour)
                continue
            if columns:
                ends = self._columns(line, before, widths)
                yield f"{line.left:<{left}}{line.time:>{time}}  {ends}".rstrip()
            else:
                yield f"{line.left:<{max(left, 1)}}{line.time:>{time}}".rstrip()
                yield from self._own_line(line, before)
            before = line.pair or before

    def _packet_lines(self, packet: Packet, first: int) -> Iterator[_Line]:
        width = min(max(len(host) for host in packet.hosts()), 14)
        for number, visit in enumerate(packet.visits, start=first):
            yield from self._visit(packet, visit, f"{number:>2} {visit.host:<{width}}")
        if packet.verdict.result is not Result.DELIVERED:
            yield _Note(text=f"✖ {packet.verdict.words}", colour=RED)
            by = packet.verdict.by
            if isinstance(by, RuleHit) and by.text:
                yield _Note(text=f"  {printable(by.text)}")
        if packet.verdict.reason is not None:
            yield _Note(text=f"  {reason_line(packet.verdict, packet.verdict.reason)}")

    def _visit(self, packet: Packet, visit: Visit, label: str) -> Iterator[_Line]:
        entering = [hop for hop in visit.hops if hop.direction is Direction.IN]
        leaving = [hop for hop in visit.hops if hop.direction is Direction.OUT]
        notes = [
            _Note(text=text, colour=YELLOW if text.startswith("✎") else "")
            for text in step_lines(visit.steps, packet.way, self._cell, rules=self._style.rules)
        ]
        if not notes and entering and leaving and entering[0].pair == leaving[-1].pair:
            through = " ▸ ".join(hop.ifname for hop in visit.hops)
            yield self._row(packet, f"{label} {through}", visit.hops[0])
            return
        if entering:
            names = " ▸ ".join(hop.ifname for hop in entering)
            yield self._row(packet, f"{label} ▸ {names}", entering[0])
            label = " " * len(label)
        elif notes or not leaving:
            yield _Row(left=f"{label} socket", time="", pair=None)
            label = " " * len(label)
        yield from notes
        if leaving:
            names = " ▸ ".join(hop.ifname for hop in leaving)
            yield self._row(packet, f"{label} {names} ▸", leaving[0])

    def _row(self, packet: Packet, left: str, hop: Hop) -> _Row:
        if not self._style.times:
            return _Row(left=left, time="", pair=hop.pair)
        start = next(hop.time_ns for visit in packet.visits for hop in visit.hops)
        microseconds = (hop.time_ns - start) / 1000
        time = f"+{microseconds:.1f}" if microseconds else "+0 µs"
        return _Row(left=left, time=time, pair=hop.pair)

    def _attempt(self, packet: Packet) -> str:
        total = self._trace.attempts
        return f"  (attempt {packet.attempt} of {total})" if total > 1 else ""

    def _columns(self, row: _Row, before: AddressPair | None, widths: Sequence[int]) -> str:
        if row.pair is None:
            return ""
        source, destination = self._cell(row.pair.source), self._cell(row.pair.destination)
        if before is not None:
            source = SAME if before.source == row.pair.source else source
            destination = SAME if before.destination == row.pair.destination else destination
        return f"{source:<{widths[0]}}  {destination}".rstrip()

    def _own_line(self, row: _Row, before: AddressPair | None) -> Iterator[str]:
        if row.pair is not None and row.pair != before:
            ends = f"{self._cell(row.pair.source)} → {self._cell(row.pair.destination)}"
            yield from self._wrapped(ends, "       ")

    def _ending(self) -> Iterator[str]:
        trace = self._trace
        if trace.verdict.result in _GOOD and not self._style.numeric:
            yield from self._wrapped(f"WHY   {printable(summary(trace))}", "")
        elif trace.verdict.why:
            yield from self._wrapped(f"WHY   {trace.verdict.why}.", "")
        if trace.verdict.hint:
            yield from self._wrapped(f"TRY   {trace.verdict.hint}", "")
        cost = " Times include the cost of tracing." if self._style.times else ""
        yield from self._wrapped(f"{_summary(trace)}{cost}", "")
        if not trace.is_complete:
            yield from self._wrapped("INCOMPLETE: what follows was not heard in full.", "", RED)
        for warning in trace.warnings:
            yield from self._wrapped(f"warning: {printable(warning)}", "", YELLOW)

    def _cell(self, end: AddrPort) -> str:
        name = self._names.get(str(end.address))
        if name is None:
            return str(end) if end.port else str(end.address)
        return f"{printable(name)}:{end.port}" if end.port else printable(name)

    def _paint(self, code: str, text: str) -> str:
        return f"{code}{text}{PLAIN}" if self._style.colour and code else text

    def _wrapped(self, text: str, indent: str, colour: str = "") -> Iterable[str]:
        # A rule's number visits with its chain.
        lines = textwrap.wrap(
            text.replace(" #", f"{_NO_BREAK}#"),
            max(self._style.width, 40),
            initial_indent=indent,
            subsequent_indent=f"{indent}{'  ' if indent else '      '}",
            break_long_words=False,
            break_on_hyphens=False,
        )
        return [self._paint(colour, line.replace(_NO_BREAK, " ")) for line in lines]


def _summary(trace: Trace) -> str:
    there = sum(packet.way is Way.REQUEST for packet in trace.packets)
    back = len(trace.packets) - there
    total = len(trace.packets)
    parts = [f"{total} packet{'' if total == 1 else 's'} ({there} there, {back} back)"]
    if trace.attempts > 1:
        parts.append(f"{trace.attempts} attempts")
    if trace.is_reply_heard():
        same = trace.is_symmetric()
        parts.append("the reply came the same way back" if same else "the reply came another way")
    return f"{', '.join(parts)}."
