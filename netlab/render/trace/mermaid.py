"""A trace as a sequence diagram in Mermaid's language.

Rule text never stands in it: names of chains and addresses do, and every character that Mermaid
reads as its own is written as an entity.
"""

from collections.abc import Iterator
from typing import Final

from netlab.model.packets import AddressPair, AddrPort
from netlab.render.printable import printable
from netlab.render.trace.tree import shown_packets
from netlab.trace.packet import Packet, Result, Rewritten, Routed, RuleHit, Visit
from netlab.trace.paths import Hop
from netlab.trace.trace import Trace

_OWN: Final = frozenset('#;:<>{}[]()"`&|%')
_BACK: Final = "-->>"
_THERE: Final = "->>"


def render_mermaid(trace: Trace) -> str:
    """Return the last attempt's request and reply between the hosts that they visited.

    Hosts that only passed a packet on between two interfaces with no rule or route of their own,
    such as a bridge, are left out.
    """
    return "\n".join(_Diagram(trace).lines()) + "\n"


def escaped(text: str) -> str:
    """Return ``text`` with Mermaid's own characters as numbered entities.

    >>> escaped("a; b")
    'a#59; b'
    """
    return "".join(f"#{ord(c)};" if c in _OWN else c for c in printable(text))


class _Diagram:
    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._packets = list(shown_packets(trace, everything=False))
        if trace.onward is not None:
            self._packets += shown_packets(trace.onward, everything=False)
        hosts = [v.host for packet in self._packets for v in _ends(packet)]
        self._ids = {host: f"h{i}" for i, host in enumerate(dict.fromkeys(hosts))}

    def lines(self) -> Iterator[str]:
        """Yield the diagram, line by line."""
        yield "sequenceDiagram"
        yield "  autonumber"
        for host, name in self._ids.items():
            yield f"  participant {name} as {escaped(host)}"
        for packet in self._packets:
            yield from self._packet(packet)

    def _packet(self, packet: Packet) -> Iterator[str]:
        arrow = _THERE if packet.way == "request" else _BACK
        visits = _ends(packet)
        for i, visit in enumerate(visits):
            if i:
                ends = self._pair(_first(visit))
                source = self._ids[visits[i - 1].host]
                words = f"{escaped(packet.kind)} {ends}".rstrip()
                yield f"  {source}{arrow}{self._ids[visit.host]}: {words}"
            yield from self._notes(visit)
        if packet.verdict.result is not Result.DELIVERED:
            yield f"  Note over {self._ids[visits[-1].host]}: {escaped(packet.verdict.words)}"

    def _notes(self, visit: Visit) -> Iterator[str]:
        notes = [
            f"{step.kind} {self._end(step.before)} to {self._end(step.after)} by"
            f" {escaped(step.by.chain if step.by else step.cause())}"
            for step in visit.steps
            if isinstance(step, Rewritten)
        ]
        if notes:
            yield f"  Note over {self._ids[visit.host]}: {'<br/>'.join(notes)}"

    def _pair(self, hop: Hop | None) -> str:
        if hop is None:
            return ""
        pair: AddressPair = hop.pair
        return f"{self._end(pair.source)} to {self._end(pair.destination)}"

    def _end(self, end: AddrPort) -> str:
        name = self._trace.names.get(str(end.address), str(end.address))
        return escaped(f"{name}:{end.port}" if end.port else name)


def _first(visit: Visit) -> Hop | None:
    return visit.hops[0] if visit.hops else None


def _ends(packet: Packet) -> list[Visit]:
    """Leave out hosts between two others where nothing but wires was seen."""
    last = len(packet.visits) - 1
    return [
        visit
        for i, visit in enumerate(packet.visits)
        if i in {0, last} or any(isinstance(step, (RuleHit, Routed)) for step in visit.steps)
    ]
