"""The picture of a trace: the lab, and the path drawn over it.

The request is a solid line, the reply a dashed one; a number stands at each host that the packet
visits, an arrow where it comes in. A mark on the line shows where NAT rewrote, with what it did
at the foot of the host; a cross shows where a packet was dropped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.render import svg_elements as svg
from netlab.render.markup import Markup, number
from netlab.render.printable import printable
from netlab.render.text_widths import shortened, text_width
from netlab.render.trace.drawn_visits import DrawnVisit, Naming, drawn_visits, host_label, wires_of
from netlab.render.trace.layout import CHIP, Box, Layout, column, lay_out
from netlab.render.trace.lines import BADGE, VisitLine, WireLine, route
from netlab.trace.packet import RuleHit
from netlab.trace.paths import Way
from netlab.trace.trace import Trace

CORNER: Final = 8.0
_ARROW: Final = 5.5
_ADDRESS: Final = 10.5
_SMALLEST: Final = 8.0
"""Sizes of a host's address, px."""


def draw_picture(trace: Trace, naming: Naming, top: float) -> tuple[list[Markup], float]:
    """Return the drawing, and the y of its lower edge.

    Args:
        trace: Its hosts are drawn, and its path.
        naming: What addresses are called.
        top: The y of its upper edge.
    """
    found = drawn_visits(trace)
    wires = wires_of(found)
    hosts = _hosts(trace, found)
    layout = lay_out(hosts, found, wires, top)
    lines, wire_lines = route(hosts, layout, found, wires)
    drawing = [
        *_cables(layout, wire_lines),
        *(_box(box) for box in layout.boxes),
        *(_stroke(line.points, line.wire.end, trace) for line in wire_lines),
        *(_stroke(line.points, line.drawn, trace) for line in lines if len(line.points) > 1),
        *(_arrow(line, trace) for line in wire_lines),
        *(_signs(line) for line in lines),
        *_notes(layout, found, naming),
    ]
    return drawing, layout.bottom


def way_class(drawn: DrawnVisit, trace: Trace) -> str:
    """Return the colour of a packet: its way's, or a pale one for a try that was not the last."""
    return "muted" if drawn.packet.attempt < trace.attempts else str(drawn.packet.way)


def dash(drawn: DrawnVisit) -> str | None:
    """Return the dashes of a packet's line; a request has none."""
    return "6 4" if drawn.packet.way is Way.REPLY else None


def badge(count: int, at: svg.Point, colour: str) -> Markup:
    """Return a visit's number in a circle."""
    return svg.group(
        [
            svg.circle(*at, BADGE, class_=f"fill-{colour} stroke-paper", stroke_width=1.5),
            svg.text(
                at[0],
                at[1] + 3.6,
                str(count),
                class_="fill-paper",
                font_size=10 if count < 100 else 8,
                font_weight=700,
                text_anchor="middle",
            ),
        ],
        class_="badge",
    )


def cross(at: svg.Point, size: float = 7) -> Markup:
    """Return the red cross of a drop."""
    x, y = at
    ends = (
        f"M{x - size} {y - size}L{x + size} {y + size}M{x - size} {y + size}L{x + size} {y - size}"
    )
    halo = svg.element("path", {"d": ends, "class": "stroke-paper", "stroke-width": 8})
    red = svg.element(
        "path",
        {"d": ends, "class": "stroke-bad", "stroke-width": 4, "stroke-linecap": "round"},
    )
    return svg.group([halo, red], class_="cross")


def _hosts(trace: Trace, found: Sequence[DrawnVisit]) -> dict[str, Host]:
    """Return the lab's hosts, and those of the path that it has no longer."""
    hosts = {host.name: _in_family(host, trace) for host in trace.hosts}
    for drawn in found:
        if drawn.host not in hosts:
            hosts[drawn.host] = Host(
                name=drawn.host, kind=HostKind.POD, netns=NetnsName(""), addresses=()
            )
    return hosts


def _in_family(host: Host, trace: Trace) -> Host:
    """Return a host with its addresses of the connection's family: its box shows one."""
    version = trace.pair.destination.address.version
    return replace(host, addresses=tuple(a for a in host.addresses if a.version == version))


def _cables(layout: Layout, lines: Sequence[WireLine]) -> Iterator[Markup]:
    """Yield the wires of the lab, pale, under the path: a broad one holds several lanes."""
    router = next((box for box in layout.boxes if column(box.host) == 1), None)
    if router is None:
        return
    for box in layout.boxes:
        if column(box.host) not in {0, 2}:
            continue
        left, right = (box.right, router.x) if column(box.host) == 0 else (router.right, box.x)
        heights = [
            line.points[0][1]
            for line in lines
            if {line.wire.start.host, line.wire.end.host} == {box.host.name, router.host.name}
        ]
        if heights:
            top, bottom = min(heights) - 8, max(heights) + 8
            yield svg.rect(left, top, right - left, bottom - top, class_="fill-faint")
        elif box.host.name:
            middle = box.y + min(box.height, 30) / 2
            yield svg.line((left, middle), (right, middle), class_="stroke-edge", stroke_width=1.5)


def _box(box: Box) -> Markup:
    if not box.host.name:
        at = box.x + 12, box.y + 19
        return svg.text(*at, box.note, class_="fill-muted", font_size=11.5)
    kind = {HostKind.NODE: "node", HostKind.POD: "pod"}.get(box.host.kind, "")
    fill, stroke = (f"fill-{kind}", f"stroke-{kind}-edge") if kind else ("fill-host", "stroke-edge")
    shape = svg.rect(
        box.x,
        box.y,
        box.width,
        box.height,
        rx=7 if kind == "pod" else 10,
        class_=f"{fill} {stroke}",
        stroke_dasharray=None if box.is_on_path else "3 3",
        stroke_width=1.25,
    )
    return svg.group([shape, *_title(box)], class_="host")


def _title(box: Box) -> Iterator[Markup]:
    size = 12 if box.host.kind is HostKind.POD else 13.5
    room = box.width - 20
    whole = printable(box.host.name)
    name = whole
    if text_width(whole, size, bold=True) > room:
        name = shortened(host_label(whole), room, size, bold=True)
    hint = [svg.element("title", None, whole)] if name != whole else []
    ink = "fill-ink" if box.is_on_path else "fill-muted"
    address = str(box.host.addresses[0]) if box.host.addresses else ""
    yield svg.text(
        box.x + 10, box.y + 19, [name, *hint], class_=ink, font_size=size, font_weight=650
    )
    if not box.is_on_path:
        beside = ", ".join(part for part in (address, box.note) if part)
        x = box.x + 10 + text_width(name, size, bold=True) + 10
        if x + text_width(beside, 11) < box.right:
            yield svg.text(x, box.y + 19, beside, class_="fill-muted", font_size=11)
        return
    # An IPv6 address with a part left out would say nothing.
    size = max(_SMALLEST, min(_ADDRESS, (room - 1) / text_width(address or " ", 1, mono=True)))
    shown = shortened(address, room, size, mono=True)
    yield svg.text(
        box.x + 10,
        box.y + (31 if box.title < 40 else 34),
        shown,
        class_="fill-muted mono",
        font_size=round(size, 1),
    )


def _tip(line: WireLine) -> tuple[svg.Point, int]:
    """Return where an arrow points, and whether to the right (1) or to the left (-1)."""
    (x0, y0), (x1, y1) = line.points[-2:]
    if x0 == x1:
        # A pod's edge: its wire is that short. The arrow stands in the node.
        return (x1 - 4, y1) if line.into_pod else (x1 - 15, y1), 1 if line.into_pod else -1
    forward = 1 if x1 > x0 else -1
    return ((x0 + x1) / 2 + forward * _ARROW if y0 == y1 else x1, y1), forward


def _arrow(line: WireLine, trace: Trace) -> Markup:
    drawn = line.wire.end
    (x, y), forward = _tip(line)
    back = x - forward * 2 * _ARROW
    points = f"{number(x)},{number(y)} {number(back)},{y - _ARROW} {number(back)},{y + _ARROW}"
    looks = f"fill-{way_class(drawn, trace)}"
    return svg.element("polygon", {"points": points, "class": looks, "data-stay": drawn.number})


def _stroke(points: Sequence[svg.Point], drawn: DrawnVisit, trace: Trace) -> Markup:
    halo = svg.rounded_path(points, CORNER, class_="stroke-paper", stroke_width=5.5)
    line = svg.rounded_path(
        points,
        CORNER,
        class_=f"stroke-{way_class(drawn, trace)}",
        stroke_width=2.5,
        stroke_dasharray=dash(drawn),
        stroke_linejoin="round",
    )
    return svg.group([halo, line], data_stay=drawn.number)


def _signs(line: VisitLine) -> Markup:
    drawn = line.drawn
    colour = str(drawn.packet.way)
    parts = []
    if drawn.rewrites:
        x, y = line.turn
        ends = ((x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y))
        diamond = " ".join(f"{number(a)},{number(b)}" for a, b in ends)
        looks = "fill-rewrite stroke-paper"
        parts.append(
            svg.element("polygon", {"points": diamond, "class": looks, "stroke-width": 1.5})
        )
    parts.append(badge(drawn.number, line.badge, colour))
    if drawn.ends_badly:
        parts.append(cross(line.end))
    return svg.group(parts, data_stay=drawn.number)


def _notes(layout: Layout, found: Sequence[DrawnVisit], naming: Naming) -> Iterator[Markup]:
    """Yield what was done at each host, at its foot."""
    for box in layout.boxes:
        here = [
            (drawn, colour, words)
            for drawn in found
            if drawn.host == box.host.name
            for colour, words in said(drawn, naming)
        ]
        y = box.bottom - 8 - len(here) * CHIP
        room = box.width - 36
        for drawn, colour, words in here:
            y += CHIP
            text = next(
                (w for w in words if text_width(w, 11, mono=True) <= room),
                shortened(words[-1], room, 11, mono=True),
            )
            yield svg.group(
                [
                    badge(drawn.number, (box.x + 18, y - 3.6), str(drawn.packet.way)),
                    svg.text(box.x + 31, y, text, class_=f"fill-{colour} mono", font_size=11),
                ],
                data_stay=drawn.number,
            )


def said(drawn: DrawnVisit, naming: Naming) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what a visit did, each in several lengths."""
    for rewrite in drawn.rewrites:
        before, after = naming.end(rewrite.before), naming.end(rewrite.after)
        yield (
            "rewrite",
            (
                f"{rewrite.kind} {before} ⇒ {after}",
                f"{rewrite.kind} ⇒ {after}",
                str(rewrite.kind),
            ),
        )
    if drawn.ends_badly:
        verdict = drawn.packet.verdict
        result = str(verdict.result)
        by = (
            f" by {verdict.by.table} {rule_words(verdict.by)}"
            if isinstance(verdict.by, RuleHit)
            else ""
        )
        words = printable(verdict.words) if not by else f"{result}{by}"
        yield "bad", (f"✖ {words}", f"✖ {result}")


def rule_words(hit: RuleHit) -> str:
    """Return a chain and the number of its rule."""
    return f"{printable(hit.chain)} #{hit.index}" if hit.index is not None else printable(hit.chain)
