"""The visits that pictures and pages of a trace show, numbered as the tree numbers them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from netlab.model.packets import AddressPair, AddrPort, Direction
from netlab.render.printable import printable
from netlab.render.trace.tree import shown_packets
from netlab.trace.packet import Packet, Result, Rewritten, Visit
from netlab.trace.paths import Hop, Way
from netlab.trace.trace import Trace

_POD_OF_A_REPLICASET: Final = re.compile(r"(.+)-[0-9a-z]{8,10}-([0-9a-z]{5})")
_LONGEST_NAME: Final = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnVisit:
    """One visit with its number and its place in the packet's way."""

    number: int
    packet: Packet
    visit: Visit
    is_first: bool
    is_last: bool

    @property
    def host(self) -> str:
        """Where it is."""
        return self.visit.host

    @property
    def entering(self) -> tuple[Hop, ...]:
        """The interfaces it came in by: a wire's, then a bridge's."""
        return tuple(hop for hop in self.visit.hops if hop.direction is Direction.IN)

    @property
    def leaving(self) -> tuple[Hop, ...]:
        """The interfaces it went out by."""
        return tuple(hop for hop in self.visit.hops if hop.direction is Direction.OUT)

    @property
    def rewrites(self) -> tuple[Rewritten, ...]:
        """What NAT did here, in order."""
        return tuple(step for step in self.visit.steps if isinstance(step, Rewritten))

    @property
    def ends_badly(self) -> bool:
        """Whether the packet came no further, and was not delivered."""
        return self.is_last and self.packet.verdict.result is not Result.DELIVERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """The wire between two visits."""

    start: DrawnVisit
    end: DrawnVisit

    @property
    def pair(self) -> AddressPair | None:
        """The addresses on this wire; None where no capture saw it."""
        hops = (*self.start.leaving[-1:], *self.end.entering[:1])
        return hops[0].pair if hops else None

    @property
    def time_ns(self) -> int | None:
        """When it was sent, counted from the packet's first interface."""
        hops = (*self.start.leaving[-1:], *self.end.entering[:1])
        first = next(hop for visit in self.start.packet.visits for hop in visit.hops)
        return hops[0].time_ns - first.time_ns if hops else None


def drawn_visits(trace: Trace, *, everything: bool = False) -> tuple[DrawnVisit, ...]:
    """Return each visit of the packets that are shown, in order."""
    found: list[DrawnVisit] = []
    for packet in shown_packets(trace, everything=everything):
        first, last = len(found) + 1, len(packet.visits) - 1
        for i, visit in enumerate(packet.visits):
            ends = {"is_first": i == 0, "is_last": i == last}
            found.append(DrawnVisit(number=first + i, packet=packet, visit=visit, **ends))
    return tuple(found)


def wires_of(found: tuple[DrawnVisit, ...]) -> tuple[Wire, ...]:
    """Return the wires between one packet's visits, in order."""
    return tuple(Wire(start=a, end=b) for a, b in pairwise(found) if a.packet is b.packet)


def heading(trace: Trace, packet: Packet) -> str:
    """Return what to call a packet: its way, its kind, and the try it belongs to.

    Of several tries all packets say theirs.
    """
    way = "Request" if packet.way is Way.REQUEST else "Reply"
    total = trace.attempts
    which = f", attempt {packet.attempt} of {total}" if total > 1 else ""
    return f"{way} {packet.kind}{which}"


def duration(time_ns: int) -> str:
    """Return a time as people say it.

    >>> duration(23_400), duration(263_011), duration(1_013_880_835)
    ('23.4 µs', '263 µs', '1.01 s')
    """
    units = (("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1000))
    unit, size = next((u for u in units if time_ns >= u[1]), units[-1])
    if not time_ns:
        return "0 µs"
    value = time_ns / size
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f} {unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What pictures call hosts and addresses."""

    names: Mapping[str, str]
    """By address; empty to have addresses themselves."""

    def end(self, end: AddrPort) -> str:
        """Return a name and the port, or the address and the port.

        >>> from ipaddress import ip_address
        >>> Naming(names={"10.0.0.1": "web"}).end(AddrPort(ip_address("10.0.0.1"), 80))
        'web:80'
        """
        name = self.names.get(str(end.address))
        if name is None:
            return str(end) if end.port else str(end.address)
        return f"{host_label(name)}:{end.port}" if end.port else host_label(name)


def host_label(name: str) -> str:
    """Return a host's name, short enough to stand on an arrow.

    >>> host_label("source-ip-app-746d9df86c-wdlpv"), host_label("node1")
    ('source-ip-app…wdlpv', 'node1')
    """
    shown = printable(name)
    pod = _POD_OF_A_REPLICASET.fullmatch(shown)
    short = f"{pod[1]}…{pod[2]}" if pod else shown
    if len(short) <= _LONGEST_NAME:
        return short
    tail = 8
    return f"{short[: _LONGEST_NAME - tail - 1]}…{short[-tail:]}"
