"""The line of the path through the picture of a trace: its corners, arrows and numbers.

A visit's line runs from the edge where the packet came in to the edge where it went out, upright in
between; a wire's runs from edge to edge. Lines in one host stand side by side, in an order in which
they cross as rarely as they can.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from netlab.model.hosts import Host
from netlab.render.svg_elements import Point
from netlab.render.trace.drawn_visits import DrawnVisit, Wire
from netlab.render.trace.layout import Box, Layout, column, lies_inside

BADGE: Final = 8.5
"""Radius of a number's circle."""
_INSIDE: Final = 18.0
"""From an edge to the number."""
_BESIDE_NAT: Final = 22.0
"""Added where a line starts or ends beside the sign of a rewrite."""
_FROM_POD: Final = 32.0
"""The same from a pod's edge, where an arrow stands between."""
_LOOP: Final = 28.0
"""Width of a wire from a host to itself."""
_TURN: Final = 64.0
"""From an edge to the first upright line, at most."""
_STEP: Final = 16.0
"""From one upright line to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitLine:
    """A visit's part of the path."""

    drawn: DrawnVisit
    points: tuple[Point, ...]
    badge: Point
    turn: Point
    """Where rules and NAT are shown at work."""
    end: Point
    """Where it stops; the cross of a drop stands here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireLine:
    """A wire's part of the path."""

    wire: Wire
    points: tuple[Point, ...]
    """From the host that sent to the one that received."""
    into_pod: bool
    """Whether it ends in a pod that is drawn inside its node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Port:
    """Where a line crosses a host's edge."""

    x: float
    y: float
    inwards: int
    """1 when inside is on the right, -1 when it is on the left."""
    is_pods: bool = False
    """Whether the edge is that of a pod inside."""

    @property
    def badge(self) -> float:
        """The x of a visit's number, inside."""
        return self.x + self.inwards * (_FROM_POD if self.is_pods else _INSIDE)


_Ports = dict[tuple[int, bool], _Port]
"""By a visit's number, and whether the packet comes in."""


def route(
    hosts: Mapping[str, Host],
    layout: Layout,
    drawn_visits: Sequence[DrawnVisit],
    wires: Sequence[Wire],
) -> tuple[list[VisitLine], list[WireLine]]:
    """Return the lines of visits and of wires, each in order."""
    ports = _ports(hosts, layout, wires)
    turns = _turns(layout, drawn_visits, ports)
    wire_lines = [
        WireLine(
            wire=wire,
            points=_wire(ports[wire.start.number, False], ports[wire.end.number, True]),
            into_pod=ports[wire.end.number, True].inwards == 1,
        )
        for wire in wires
    ]
    return [
        _inside(drawn, layout.box(drawn.host), ports, turns) for drawn in drawn_visits
    ], wire_lines


def _ports(hosts: Mapping[str, Host], layout: Layout, wires: Sequence[Wire]) -> _Ports:
    used: dict[str, int] = {}
    ports: _Ports = {}
    for wire in wires:
        start, end = hosts[wire.start.host], hosts[wire.end.host]
        if start is end:
            box, lane = layout.box(start.name), used.get(start.name, 0)
            used[start.name] = lane + 2
            ports[wire.start.number, False] = _loop(box, lane)
            ports[wire.end.number, True] = _loop(box, lane + 1)
            continue
        heights: dict[str, float] = {}
        for host, other in ((start, end), (end, start)):
            if not _takes_height_of(host, other):
                heights[host.name] = layout.box(host.name).lane(used.get(host.name, 0))
                used[host.name] = used.get(host.name, 0) + 1
        for drawn, host, other in ((wire.start, start, end), (wire.end, end, start)):
            y = heights[host.name] if host.name in heights else heights[other.name]
            ports[drawn.number, drawn is wire.end] = _port(
                layout.box(host.name), host, other, layout, y
            )
    return ports


def _loop(box: Box, lane: int) -> _Port:
    """Return where a packet leaves a host for its own ``lo``, or comes back from there."""
    return _Port(x=box.x + min(box.width * 0.6, 200), y=box.lane(lane), inwards=-1)


def _takes_height_of(host: Host, other: Host) -> bool:
    """Tell whether a wire runs straight from ``other`` into ``host``, however high that is."""
    if lies_inside(other, host):
        return True
    return column(host) == 1 and column(other) != 1


def _port(box: Box, host: Host, other: Host, layout: Layout, y: float) -> _Port:
    if lies_inside(other, host):
        return _Port(x=layout.box(other.name).x, y=y, inwards=-1, is_pods=True)
    if column(host) < column(other) and not lies_inside(host, other):
        return _Port(x=box.right, y=y, inwards=-1)
    return _Port(x=box.x, y=y, inwards=1)


def _wire(start: _Port, end: _Port) -> tuple[Point, ...]:
    first, last = (start.x, start.y), (end.x, end.y)
    if start.x == end.x and start.y != end.y:
        return first, (start.x + _LOOP, start.y), (start.x + _LOOP, end.y), last
    if start.y == end.y:
        return first, last
    # Two hosts without a router between them, or one that no capture saw.
    middle = (start.x + end.x) / 2
    return first, (middle, start.y), (middle, end.y), last


def _turns(layout: Layout, drawn_visits: Sequence[DrawnVisit], ports: _Ports) -> dict[int, float]:
    """Return the x of each visit's upright line."""
    found: dict[int, float] = {}
    for host in dict.fromkeys(drawn.host for drawn in drawn_visits):
        here = [drawn for drawn in drawn_visits if drawn.host == host]
        box = layout.box(host)
        both = [s for s in here if (s.number, True) in ports and (s.number, False) in ports]
        order = sorted(both, key=lambda drawn: _order(drawn, ports))
        width = _inner_right(box, layout) - box.x
        turn = min(_TURN, width * 0.32)
        step = min(_STEP, (width - 2 * turn) / max(len(order) - 1, 1))
        left = [
            s
            for s in order
            if ports[s.number, True].inwards == 1 or ports[s.number, False].inwards == 1
        ]
        for index, drawn in enumerate(order):
            if drawn in left:
                found[drawn.number] = box.x + turn + index * step
            else:
                last = len(order) - 1 - index
                found[drawn.number] = _inner_right(box, layout) - turn - last * step
    return found


def _order(drawn: DrawnVisit, ports: _Ports) -> tuple[int, float]:
    """Sort lines from left to right: those that turn back left, that pass, that turn back right."""
    first, last = ports[drawn.number, True], ports[drawn.number, False]
    if first.inwards == last.inwards:
        return (0 if first.inwards == 1 else 2), first.y
    left, right = (first, last) if first.inwards == 1 else (last, first)
    # Of lines that go down to the right the lower one turns first, else the upper one.
    return 1, -left.y if right.y > left.y else left.y


def _inner_right(box: Box, layout: Layout) -> float:
    """Return how far on the right a host has room: up to its pods."""
    pods = [one.x for one in layout.boxes if lies_inside(one.host, box.host)]
    return min(pods, default=box.right)


def _inside(drawn: DrawnVisit, box: Box, ports: _Ports, turns: Mapping[int, float]) -> VisitLine:
    first, last = ports.get((drawn.number, True)), ports.get((drawn.number, False))
    if first is not None and last is not None:
        return _through(drawn, first, last, turns[drawn.number])
    port = first or last
    if port is None:
        at = (box.x + _INSIDE + 4, box.lane(0))
        return _ended(drawn, at, 1, (at,))
    further = _BESIDE_NAT if drawn.rewrites else 0
    at = (port.badge + port.inwards * further, port.y)
    turn = (at[0] - port.inwards * 18, port.y)
    edge = (port.x, port.y)
    if first is not None:
        return replace(_ended(drawn, at, port.inwards, (edge, at)), turn=turn)
    return VisitLine(drawn=drawn, points=(at, edge), badge=at, turn=turn, end=at)


def _through(drawn: DrawnVisit, first: _Port, last: _Port, x: float) -> VisitLine:
    points = ((first.x, first.y), (x, first.y), (x, last.y), (last.x, last.y))
    return VisitLine(
        drawn=drawn,
        points=points,
        badge=(first.badge, first.y),
        turn=(x, (first.y + last.y) / 2),
        end=points[-1],
    )


def _ended(drawn: DrawnVisit, at: Point, inwards: int, points: tuple[Point, ...]) -> VisitLine:
    """Return the line of a visit that is the packet's last; what is dropped comes a bit further."""
    end = (at[0] + inwards * 30, at[1]) if drawn.ends_badly else at
    further = (end,) if drawn.ends_badly else ()
    return VisitLine(drawn=drawn, points=(*points, *further), badge=at, turn=at, end=end)
