"""The ladder of a trace: hosts as lanes, time downwards, an arrow for each wire.

An arrow carries the addresses as they are on its wire; what has been rewritten since the wire
before is coloured. A router that only passed the packet on has no lane: its number stands on the
arrow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from netlab.model.hosts import HostKind
from netlab.model.packets import AddressPair, AddrPort
from netlab.render import svg_elements as svg
from netlab.render.markup import Markup, Value, fragment
from netlab.render.text_widths import shortened, text_width
from netlab.render.trace.drawn_visits import (
    DrawnVisit,
    Naming,
    drawn_visits,
    duration,
    heading,
    host_label,
)
from netlab.render.trace.layout import MARGIN, WIDTH
from netlab.render.trace.picture import badge, cross, dash, said, way_class
from netlab.trace.packet import Packet
from netlab.trace.paths import Way
from netlab.trace.trace import Trace

TIME: Final = 66.0
"""Width of the column of times."""
_ARROW_ROW: Final = 36.0
_NOTE_ROW: Final = 25.0
_HEADING_ROW: Final = 34.0
_HEAD: Final = 34.0
_LOOP: Final = 46.0
_SIZE: Final = 11.0
_LABEL: Final[dict[str, Value]] = {"font_size": _SIZE, "text_anchor": "middle"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrow:
    """A packet between two lanes."""

    start: DrawnVisit
    end: DrawnVisit
    passed: tuple[DrawnVisit, ...]
    """Visits without a lane, on the arrow."""
    pair: AddressPair | None
    before: AddressPair | None
    """The addresses on the wire before; None at the beginning."""
    time_ns: int | None


_Row = _Arrow | DrawnVisit | Packet
"""An arrow, what a visit did, or the heading of a packet."""


def draw_ladder(trace: Trace, naming: Naming, top: float) -> tuple[list[Markup], float]:
    """Return the drawing, and the y of its lower edge.

    Args:
        trace: What is shown of it: see ``shown_packets``.
        naming: What addresses are called.
        top: The y of its upper edge.
    """
    return _Ladder(trace, naming, top).drawing()


class _Ladder:
    def __init__(self, trace: Trace, naming: Naming, top: float) -> None:
        self._trace = trace
        self._naming = naming
        self._top = top
        self._drawn_visits = drawn_visits(trace)
        self._folded = _folded(trace, self._drawn_visits)
        lanes = [s.host for s in self._drawn_visits if s.number not in self._folded]
        self._lanes = list(dict.fromkeys(lanes))

    def drawing(self) -> tuple[list[Markup], float]:
        rows: list[Markup] = []
        y = self._top + _HEAD + 4
        for packet, group in groupby(self._drawn_visits, key=lambda drawn: drawn.packet):
            for row in self._rows(packet, tuple(group)):
                markup, height = self._row(row, y)
                rows.append(markup)
                y += height
        bottom = y + 8
        return [*self._lines(bottom), *rows, *self._heads()], bottom

    def _x(self, host: str) -> float:
        left, right = MARGIN + TIME, WIDTH - MARGIN
        each = (right - left) / len(self._lanes)
        return left + each * (self._lanes.index(host) + 0.5)

    def _heads(self) -> Iterator[Markup]:
        room = (WIDTH - 2 * MARGIN - TIME) / len(self._lanes) - 12
        kinds = {host.name: host.kind for host in self._trace.hosts}
        for host in self._lanes:
            x = self._x(host)
            name = shortened(host_label(host), room - 12, 12, bold=True)
            width = max(text_width(name, 12, bold=True) + 22, 64)
            kind = {HostKind.NODE: "node", HostKind.POD: "pod"}.get(
                kinds.get(host, HostKind.CLIENT), ""
            )
            looks = f"fill-{kind} stroke-{kind}-edge" if kind else "fill-host stroke-edge"
            yield svg.rect(
                x - width / 2, self._top, width, 26, rx=8, class_=looks, stroke_width=1.25
            )
            yield svg.text(
                x,
                self._top + 17.5,
                name,
                class_="fill-ink",
                font_size=12,
                font_weight=650,
                text_anchor="middle",
            )

    def _lines(self, bottom: float) -> Iterator[Markup]:
        for host in self._lanes:
            x = self._x(host)
            yield svg.line(
                (x, self._top + 26), (x, bottom), class_="stroke-edge", stroke_width=1.25
            )

    def _rows(self, packet: Packet, found: Sequence[DrawnVisit]) -> Iterator[_Row]:
        yield packet
        standing = [drawn for drawn in found if drawn.number not in self._folded]
        # The caller's socket knows the first addresses; a node rewrites before its first wire.
        before = self._trace.pair if packet.way is Way.REQUEST else None
        for i, drawn in enumerate(standing):
            if i:
                arrow = _arrow(standing[i - 1], drawn, found, before)
                yield arrow
                before = arrow.pair or before
            if drawn.rewrites or drawn.ends_badly:
                yield drawn

    def _row(self, row: _Row, y: float) -> tuple[Markup, float]:
        if isinstance(row, Packet):
            return self._packet(row, y), _HEADING_ROW
        if isinstance(row, DrawnVisit):
            return self._did(row, y)
        loops = row.start.host == row.end.host
        return self._arrow(row, y), _ARROW_ROW + (16 if loops else 6 if row.passed else 0)

    def _packet(self, packet: Packet, y: float) -> Markup:
        later = packet.time_ns - self._trace.packets[0].time_ns
        words = f"{heading(self._trace, packet)}{f', {duration(later)} later' if later else ''}"
        middle = y + 18
        width = text_width(words, 11.5, bold=True)
        rule = svg.line(
            (MARGIN + width + 12, middle),
            (WIDTH - MARGIN, middle),
            class_=f"stroke-{packet.way}",
            stroke_width=1,
            stroke_opacity=0.35,
        )
        words_shape = _haloed(
            MARGIN, middle + 4, words, class_=f"fill-{packet.way}", font_size=11.5, font_weight=700
        )
        return svg.group([rule, words_shape])

    def _arrow(self, row: _Arrow, y: float) -> Markup:
        start, end = self._x(row.start.host), self._x(row.end.host)
        colour, way = way_class(row.end, self._trace), str(row.end.packet.way)
        # To itself, a host sends in a loop beside its lane.
        loops = start == end
        height = y + (16 if loops else 25)
        end_height = height + (22 if loops else 0)
        forward = 1 if end > start else -1
        tip = end - forward * 9
        stop = (tip - forward * 6, end_height)
        corners = [(start + _LOOP, height), (start + _LOOP, end_height)] if loops else []
        label = (start + _LOOP + 10, y + 31) if loops else ((start + end) / 2, y + 14)
        parts = [
            svg.rounded_path(
                [(start, height), *corners, stop],
                6,
                class_=f"stroke-{colour}",
                stroke_width=2.25,
                stroke_dasharray=dash(row.end),
            ),
            _head(tip, end_height, forward, colour),
            self._label(row, label, beside=loops),
            self._time(row.time_ns, height),
            badge(row.end.number, (end, end_height), way),
        ]
        far = start + 2 * _LOOP if loops else tip
        for i, drawn in enumerate(row.passed, start=1):
            x = start + (far - start) * i / (len(row.passed) + 1)
            parts.append(badge(drawn.number, (x, height), way))
        if row.passed:
            names = ", ".join(host_label(drawn.host) for drawn in row.passed)
            x = (start + far) / 2 + 13
            parts.append(_haloed(x, height + 12, f"via {names}", class_="fill-muted", font_size=10))
        numbers = sorted(drawn.number for drawn in (row.end, *row.passed))
        arrow = svg.group(parts, data_stay=" ".join(map(str, numbers)))
        if not row.start.is_first:
            return arrow
        first = svg.group(
            [badge(row.start.number, (start, height), way)], data_stay=row.start.number
        )
        return fragment([arrow, first])

    def _label(self, row: _Arrow, at: svg.Point, *, beside: bool) -> Markup:
        """Return the addresses of a wire, around a point or on its right."""
        if row.pair is None:
            return _haloed(at[0], at[1], "no capture saw it", class_="fill-muted", **_LABEL)
        ends = [self._naming.end(row.pair.source), self._naming.end(row.pair.destination)]
        half = text_width(f"{ends[0]} → {ends[1]}", _SIZE, mono=True) / 2
        middle = at[0] + half if beside else at[0]
        x = min(max(middle, MARGIN + TIME + half), WIDTH - MARGIN - half)
        before = row.before or row.pair
        parts = [
            self._end(ends[0], row.pair.source, before.source),
            " → ",
            self._end(ends[1], row.pair.destination, before.destination),
        ]
        return _haloed(x, at[1], parts, class_="fill-ink mono", **_LABEL)

    def _end(self, shown: str, now: AddrPort, before: AddrPort) -> str:
        if now == before:
            return shown
        return svg.element("tspan", {"class": "fill-rewrite", "font-weight": 700}, shown)

    def _time(self, time_ns: int | None, y: float) -> Markup:
        text = "" if time_ns is None else f"+{time_ns / 1000:.1f} µs" if time_ns else "+0 µs"
        return svg.text(MARGIN, y + 4, text, class_="fill-muted mono", font_size=10)

    def _did(self, drawn: DrawnVisit, y: float) -> tuple[Markup, float]:
        lines = list(said(drawn, self._naming))
        x = self._x(drawn.host)
        parts = [
            self._chip(x, y + 3 + i * _NOTE_ROW, colour, words)
            for i, (colour, words) in enumerate(lines)
        ]
        if drawn.ends_badly:
            parts.append(cross((x, y + 3 + (len(lines) - 0.5) * _NOTE_ROW - 2), 6))
        return svg.group(parts, data_stay=drawn.number), len(lines) * _NOTE_ROW + 4

    def _chip(self, x: float, y: float, colour: str, words: tuple[str, ...]) -> Markup:
        room = WIDTH - 2 * MARGIN - TIME - 20
        text = next((w for w in words if text_width(w, _SIZE, mono=True) <= room), words[-1])
        width = text_width(text, _SIZE, mono=True) + 16
        left = min(max(x - width / 2, MARGIN + TIME), WIDTH - MARGIN - width)
        if colour == "bad":
            left = x + 14 if x + 14 + width < WIDTH - MARGIN else x - 14 - width
        return svg.group(
            [
                svg.rect(
                    left,
                    y,
                    width,
                    20,
                    rx=10,
                    class_=f"fill-{colour}-paper stroke-{colour}",
                    stroke_width=1,
                ),
                svg.text(
                    left + width / 2,
                    y + 13.8,
                    text,
                    class_=f"fill-{colour} mono",
                    font_size=_SIZE,
                    text_anchor="middle",
                ),
            ]
        )


def _arrow(
    start: DrawnVisit, end: DrawnVisit, found: Sequence[DrawnVisit], before: AddressPair | None
) -> _Arrow:
    passed = tuple(drawn for drawn in found if start.number < drawn.number < end.number)
    hops = (*start.leaving[-1:], *end.entering[:1])
    first = next((hop for visit in start.packet.visits for hop in visit.hops), None)
    return _Arrow(
        start=start,
        end=end,
        passed=passed,
        pair=hops[0].pair if hops else None,
        before=before,
        time_ns=hops[0].time_ns - first.time_ns if hops and first else None,
    )


def _folded(trace: Trace, found: Sequence[DrawnVisit]) -> set[int]:
    """Return the numbers of visits of routers, where these only passed packets on."""
    routers = {host.name for host in trace.hosts if host.kind is HostKind.ROUTER}
    busy = {drawn.host for drawn in found if drawn.rewrites or drawn.is_first or drawn.is_last}
    return {drawn.number for drawn in found if drawn.host in routers - busy}


def _haloed(x: float, y: float, content: str | Sequence[str], **looks: Value) -> Markup:
    """Return text with a rim of paper, so that lines behind it do not cut through it."""
    looks["class_"] = f"{looks['class_']} stroke-paper"
    rim: dict[str, Value] = {
        "stroke_width": 4,
        "paint_order": "stroke",
        "stroke_linejoin": "round",
    }
    return svg.text(x, y, content, **looks, **rim)


def _head(x: float, y: float, forward: int, colour: str) -> Markup:
    back = x - forward * 9
    return svg.element(
        "polygon",
        {"points": f"{x},{y} {back},{y - 5} {back},{y + 5}", "class": f"fill-{colour}"},
    )
