"""The line of the path through the picture of a trace: its corners, arrows and numbers.

A stay's line runs from the edge where the packet came in to the edge where it went out, upright in
between; a wire's runs from edge to edge. Lines in one host stand side by side, in an order in which
they cross as rarely as they can.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from netlab.model.hosts import Host
from netlab.render.svg_elements import Point
from netlab.render.trace.places import Box, Places, column, lies_inside
from netlab.render.trace.stays import Leg, Stay

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
class StayLine:
    """A stay's part of the path."""

    stay: Stay
    points: tuple[Point, ...]
    badge: Point
    turn: Point
    """Where rules and NAT are shown at work."""
    end: Point
    """Where it stops; the cross of a drop stands here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegLine:
    """A wire's part of the path."""

    leg: Leg
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
        """The x of a stay's number, inside."""
        return self.x + self.inwards * (_FROM_POD if self.is_pods else _INSIDE)


_Ports = dict[tuple[int, bool], _Port]
"""By a stay's number, and whether the packet comes in."""


def route(
    hosts: Mapping[str, Host], places: Places, stays: Sequence[Stay], legs: Sequence[Leg]
) -> tuple[list[StayLine], list[LegLine]]:
    """Return the lines of stays and of wires, each in order."""
    ports = _ports(hosts, places, legs)
    turns = _turns(places, stays, ports)
    wires = [
        LegLine(
            leg=leg,
            points=_wire(ports[leg.start.number, False], ports[leg.end.number, True]),
            into_pod=ports[leg.end.number, True].inwards == 1,
        )
        for leg in legs
    ]
    return [_inside(stay, places.box(stay.host), ports, turns) for stay in stays], wires


def _ports(hosts: Mapping[str, Host], places: Places, legs: Sequence[Leg]) -> _Ports:
    used: dict[str, int] = {}
    ports: _Ports = {}
    for leg in legs:
        start, end = hosts[leg.start.host], hosts[leg.end.host]
        if start is end:
            box, lane = places.box(start.name), used.get(start.name, 0)
            used[start.name] = lane + 2
            ports[leg.start.number, False] = _loop(box, lane)
            ports[leg.end.number, True] = _loop(box, lane + 1)
            continue
        heights: dict[str, float] = {}
        for host, other in ((start, end), (end, start)):
            if not _takes_height_of(host, other):
                heights[host.name] = places.box(host.name).lane(used.get(host.name, 0))
                used[host.name] = used.get(host.name, 0) + 1
        for stay, host, other in ((leg.start, start, end), (leg.end, end, start)):
            y = heights[host.name] if host.name in heights else heights[other.name]
            ports[stay.number, stay is leg.end] = _port(
                places.box(host.name), host, other, places, y
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


def _port(box: Box, host: Host, other: Host, places: Places, y: float) -> _Port:
    if lies_inside(other, host):
        return _Port(x=places.box(other.name).x, y=y, inwards=-1, is_pods=True)
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


def _turns(places: Places, stays: Sequence[Stay], ports: _Ports) -> dict[int, float]:
    """Return the x of each stay's upright line."""
    found: dict[int, float] = {}
    for host in dict.fromkeys(stay.host for stay in stays):
        here = [stay for stay in stays if stay.host == host]
        box = places.box(host)
        both = [s for s in here if (s.number, True) in ports and (s.number, False) in ports]
        order = sorted(both, key=lambda stay: _order(stay, ports))
        width = _inner_right(box, places) - box.x
        turn = min(_TURN, width * 0.32)
        step = min(_STEP, (width - 2 * turn) / max(len(order) - 1, 1))
        left = [
            s
            for s in order
            if ports[s.number, True].inwards == 1 or ports[s.number, False].inwards == 1
        ]
        for index, stay in enumerate(order):
            if stay in left:
                found[stay.number] = box.x + turn + index * step
            else:
                last = len(order) - 1 - index
                found[stay.number] = _inner_right(box, places) - turn - last * step
    return found


def _order(stay: Stay, ports: _Ports) -> tuple[int, float]:
    """Sort lines from left to right: those that turn back left, that pass, that turn back right."""
    first, last = ports[stay.number, True], ports[stay.number, False]
    if first.inwards == last.inwards:
        return (0 if first.inwards == 1 else 2), first.y
    left, right = (first, last) if first.inwards == 1 else (last, first)
    # Of lines that go down to the right the lower one turns first, else the upper one.
    return 1, -left.y if right.y > left.y else left.y


def _inner_right(box: Box, places: Places) -> float:
    """Return how far on the right a host has room: up to its pods."""
    pods = [one.x for one in places.boxes if lies_inside(one.host, box.host)]
    return min(pods, default=box.right)


def _inside(stay: Stay, box: Box, ports: _Ports, turns: Mapping[int, float]) -> StayLine:
    first, last = ports.get((stay.number, True)), ports.get((stay.number, False))
    if first is not None and last is not None:
        return _through(stay, first, last, turns[stay.number])
    port = first or last
    if port is None:
        at = (box.x + _INSIDE + 4, box.lane(0))
        return _ended(stay, at, 1, (at,))
    further = _BESIDE_NAT if stay.rewrites else 0
    at = (port.badge + port.inwards * further, port.y)
    turn = (at[0] - port.inwards * 18, port.y)
    edge = (port.x, port.y)
    if first is not None:
        return replace(_ended(stay, at, port.inwards, (edge, at)), turn=turn)
    return StayLine(stay=stay, points=(at, edge), badge=at, turn=turn, end=at)


def _through(stay: Stay, first: _Port, last: _Port, x: float) -> StayLine:
    points = ((first.x, first.y), (x, first.y), (x, last.y), (last.x, last.y))
    return StayLine(
        stay=stay,
        points=points,
        badge=(first.badge, first.y),
        turn=(x, (first.y + last.y) / 2),
        end=points[-1],
    )


def _ended(stay: Stay, at: Point, inwards: int, points: tuple[Point, ...]) -> StayLine:
    """Return the line of a stay that is the packet's last; what is dropped comes a bit further."""
    end = (at[0] + inwards * 30, at[1]) if stay.ends_badly else at
    further = (end,) if stay.ends_badly else ()
    return StayLine(stay=stay, points=(*points, *further), badge=at, turn=at, end=end)
