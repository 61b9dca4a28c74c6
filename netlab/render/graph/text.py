"""A lab drawn in box characters.

::

      ┌────────┐
      │ client │
      └───┬────┘
      ┌───┴────┐
      │ router │
      └───┬────┘
    ┌───┬─┴──────────┐
    │ ┌─┴─────┐ ┌────┴──┐
    │ │ node1 │ │ node2 │      as many in a row as find room; the line at the left
    │ └───────┘ └───────┘      leads to the rows below
    └───┬────...
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

from netlab.model.graph import GraphHost, GraphNode, LabGraph
from netlab.render.graph.canvas import Canvas
from netlab.render.graph.words import (
    Pods,
    behind,
    clipped,
    fold,
    kind,
    own_addresses,
    service_addresses,
)
from netlab.render.printable import printable

MOST_PODS: Final = 5
MOST_ENDPOINTS: Final = 4
_NARROWEST: Final = 25
"""Columns of a box with a node's addresses in it."""
_WIDEST: Final = 60
_INDENT: Final = 2
_GAP: Final = 1


@dataclass(frozen=True, slots=True)
class _Box:
    lines: tuple[str, ...]
    rule: int = 0
    """A line across stands before the line of this number; 0 for none."""

    @property
    def height(self) -> int:
        return len(self.lines) + 2 + bool(self.rule)


def render_graph_text(graph: LabGraph, width: int, *, every_pod: bool = False) -> str:
    """Return the drawing, and below it the Services.

    Args:
        graph: The lab.
        width: Columns to keep to; 80 at the least.
        every_pod: Draw each pod, however many there are.
    """
    drawing = _Drawing(width)
    drawing.hang_over([_host_box(client, width) for client in graph.clients])
    if graph.router is not None:
        drawing.middle(_host_box(graph.router, width))
    most = None if every_pod else MOST_PODS
    boxes = [_host_box(one, width) for one in graph.balancers]
    columns = _columns(len(boxes) + len(graph.nodes), width, _narrowest(graph))
    boxes += [_node_box(node, columns, fold(node, most)) for node in graph.nodes]
    drawing.hang_below(boxes)
    lines = [f"lab {graph.lab} ({graph.topology})", "", *drawing.canvas.lines()]
    lines += ["", *_services(graph, width)]
    return "\n".join(lines) + "\n"


class _Drawing:
    """Puts rows of boxes one below the other; ``self._row`` is the first free row."""

    def __init__(self, width: int) -> None:
        self.canvas = Canvas()
        self._width = width
        self._row = 0
        self._from: int | None = None
        """Column of the line that waits to go on downwards."""

    def hang_over(self, boxes: Sequence[_Box]) -> None:
        """Draw boxes whose lines lead down to what comes next."""
        if not boxes:
            return
        rows = _rows(boxes, self._width)
        for number, row in enumerate(rows):
            top = self._row
            columns = self._place(row, top)
            bus = self._row
            self._from = columns[0]
            for box, column in zip(row, columns, strict=True):
                self.canvas.down(column, top + box.height - 1, bus)
            self.canvas.across(bus, columns[0], columns[-1])
            if len(rows) > 1:
                self.canvas.across(bus, 0, columns[0])
                if number:
                    self.canvas.down(0, top - 1, bus)
            self._row = bus + 1
        self.canvas.down(self._from or 0, self._row - 1, self._row)

    def middle(self, box: _Box) -> None:
        """Draw one box that hangs on what is above, and on which the next hangs."""
        top = self._row
        [column] = self._place([box], top)
        if self._from is not None:
            self.canvas.down(self._from, top - 1, top)
            self.canvas.across(top, self._from, column)
        self._from = column

    def hang_below(self, boxes: Sequence[_Box]) -> None:
        """Draw boxes that hang on what is above."""
        rows = _rows(boxes, self._width)
        for number, row in enumerate(rows):
            bus = self._row
            columns = self._place(row, bus + 1)
            ends = [*columns]
            if number == 0 and self._from is not None:
                self.canvas.down(self._from, bus - 1, bus)
                ends.append(self._from)
            if len(rows) > 1:
                ends.append(0)
            self.canvas.across(bus, min(ends), max(ends))
            for column in columns:
                self.canvas.down(column, bus, bus + 1)
            if number < len(rows) - 1:
                self.canvas.down(0, bus, self._row)

    def _place(self, boxes: Sequence[_Box], top: int) -> list[int]:
        """Draw a row of boxes and return the column at the middle of each."""
        column, middles = _INDENT, []
        for box in boxes:
            width = _width(box)
            self.canvas.box(top, column, box.height, width)
            self._fill(box, top + 1, column, width)
            middles.append(column + width // 2)
            column += width + _GAP
        self._row = top + max(box.height for box in boxes)
        return middles

    def _fill(self, box: _Box, row: int, column: int, width: int) -> None:
        for number, line in enumerate(box.lines):
            if box.rule and number == box.rule:
                self.canvas.across(row, column, column + width - 1)
                row += 1
            self.canvas.text(row, column + 2, line)
            row += 1


def _narrowest(graph: LabGraph) -> int:
    """Return how wide a box must be; a part of an IPv6 address would say nothing."""
    lines = [line for node in graph.nodes for line in _node_lines(node) if ":" in line]
    return max([_NARROWEST, *(len(line) + 4 for line in lines)])


def _columns(boxes: int, width: int, narrowest: int) -> int:
    """Return how wide a box may be so that rows are full and no narrower than they must be."""
    in_row = max(1, (width - _INDENT + _GAP) // (narrowest + _GAP))
    rows = max(1, -(-boxes // in_row))
    in_row = max(1, -(-boxes // rows))
    return min(_WIDEST, (width - _INDENT - _GAP * (in_row - 1)) // in_row)


def _rows(boxes: Sequence[_Box], width: int) -> list[list[_Box]]:
    """Return boxes in rows that find room, each about as full as the others."""
    widest = max(map(_width, boxes), default=_NARROWEST)
    in_row = max(1, (width - _INDENT + _GAP) // (widest + _GAP))
    rows = max(1, -(-len(boxes) // in_row))
    in_row = max(1, -(-len(boxes) // rows))
    return [list(boxes[at : at + in_row]) for at in range(0, len(boxes), in_row)]


def _width(box: _Box) -> int:
    return max(map(len, box.lines)) + 4


def _host_box(host: GraphHost, width: int) -> _Box:
    lines = _beside(printable(host.name), host.addresses)
    return _Box(tuple(clipped(line, width - _INDENT - 4) for line in lines))


def _node_box(node: GraphNode, columns: int, pods: Sequence[Pods]) -> _Box:
    room = columns - 4
    lines = _node_lines(node)
    rule = len(lines)
    names = [(printable(pod.name), f" ({pod.late})" if pod.late else "") for pod in pods]
    widest = max((len(name + late) for name, late in names), default=0)
    is_beside = all(widest + 2 + len(one) <= room for pod in pods for one in pod.addresses)
    for (name, late), pod in zip(names, pods, strict=True):
        if is_beside:
            lines += _beside(f"{name + late:<{widest}}", pod.addresses)
        else:
            lines.append(clipped(name, room - len(late)) + late)
            lines += [f"  {one}" for one in pod.addresses]
    return _Box(
        tuple(clipped(line, room) for line in (*lines, *([] if pods else ["no pod"]))), rule
    )


def _node_lines(node: GraphNode) -> list[str]:
    return [*_beside(node.name, node.addresses), *own_addresses(node)]


def _beside(name: str, addresses: Iterable[object]) -> list[str]:
    """Return a name and its addresses, a line each."""
    first, *others = [str(address) for address in addresses] or [""]
    return [f"{name}  {first}".rstrip(), *(f"{'':{len(name)}}  {one}" for one in others)]


def _services(graph: LabGraph, width: int) -> list[str]:
    lines = []
    for service in graph.services:
        lines.append(clipped(f"Service {printable(service.name)}  {kind(service)}", width))
        lines += [f"    {line}" for line in service_addresses(service)]
        for end in behind(service, MOST_ENDPOINTS):
            first, further = "    └▶ ", " " * 7
            words = printable(end)
            lines += wrap(words, width, initial_indent=first, subsequent_indent=further)
    return lines or ["no Service"]
