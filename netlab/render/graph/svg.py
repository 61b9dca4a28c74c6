"""A lab as a picture, in SVG.

::

    clients
       │              the router and what hangs on it, from above
    router
    ├──────┬───────┐
    lb   node1   node2     cards, ``ACROSS`` in a row; a line at the left leads to the rows below
         pod A   pod A B
    Services: A ...  B ... each has a letter, and so do the pods behind it
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Final

from netlab.model.graph import GraphHost, GraphNode, GraphService, LabGraph
from netlab.render.graph.words import Pods, behind, fold, kind, own_addresses, service_addresses
from netlab.render.markup import Markup
from netlab.render.svg_colours import picture_style
from netlab.render.svg_elements import Point, document, group, line, rect, text
from netlab.render.text_widths import shortened, text_width

MOST_PODS: Final = 6
MOST_ENDPOINTS: Final = 3
ACROSS: Final = 4
_CARD: Final = 262.0
_GAP: Final = 20.0
_MARGIN: Final = 34.0
_POD_H: Final = 40.0
"""Of a pod with a line of addresses."""
_POD_LINE_H: Final = 14.0
_BADGE: Final = 17.0
_LETTER_ROOM: Final = 4
"""Badges that a pod has room for; more are counted."""


def render_graph_svg(graph: LabGraph, *, every_pod: bool = False) -> str:
    """Return the picture, light or dark as its viewer likes.

    Args:
        graph: The lab.
        every_pod: Draw each pod, however many there are.
    """
    return str(_Picture(graph, None if every_pod else MOST_PODS).draw()) + "\n"


def letter(number: int) -> str:
    """Return the letter of a Service, from 0.

    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'AA')
    """
    above, at = divmod(number, len(ascii_uppercase))
    return (letter(above - 1) if above else "") + ascii_uppercase[at]


@dataclass(frozen=True, slots=True)
class _Card:
    title: str
    lines: tuple[str, ...]
    pods: tuple[Pods, ...] = ()
    is_node: bool = False

    @property
    def height(self) -> float:
        pods = sum(_pod_height(pod) + 6 for pod in self.pods) or _POD_H + 6
        return 38 + 16 * len(self.lines) + (pods if self.is_node else 0)


class _Picture:
    def __init__(self, graph: LabGraph, most: int | None) -> None:
        self._graph = graph
        self._most = most
        self._letters: dict[str, list[str]] = {}
        for number, service in enumerate(graph.services):
            for pod in dict.fromkeys(end.pod for end in service.endpoints if end.pod):
                self._letters.setdefault(pod, []).append(letter(number))
        cards = max(len(graph.nodes) + len(graph.balancers), len(graph.clients), 2)
        self._across = min(ACROSS, cards)
        self._width = self._across * (_CARD + _GAP) - _GAP + 2 * _MARGIN
        self._y = _MARGIN
        self._shapes: list[Markup] = []

    def draw(self) -> Markup:
        """Return the whole picture."""
        graph = self._graph
        self._title()
        self._tier([_host_card(client) for client in graph.clients], is_above=True)
        if graph.router is not None:
            self._router(graph.router)
        nodes = [_node_card(node, fold(node, self._most)) for node in graph.nodes]
        self._tier([*map(_host_card, graph.balancers), *nodes], is_above=False)
        self._services()
        height = self._y + _MARGIN - 14
        paper = rect(0, 0, self._width, height, class_="fill-paper")
        return document(
            f"Lab {graph.lab}",
            self._description(),
            self._width,
            height,
            [paper, *self._shapes],
            style=picture_style(),
            name="lab",
        )

    def _put(self, *shapes: Markup) -> None:
        self._shapes += shapes

    def _title(self) -> None:
        graph = self._graph
        at = _MARGIN + text_width(f"lab {graph.lab}", 19, bold=True) + 12
        self._put(
            text(_MARGIN, self._y + 14, f"lab {graph.lab}", class_="fill-ink", font_size=19,
                 font_weight=700),
            text(at, self._y + 14, f"topology {graph.topology}", class_="fill-muted",
                 font_size=13),
        )  # fmt: skip
        self._y += 40

    def _wire(self, start: Point, end: Point) -> None:
        self._put(line(start, end, class_="stroke-node-edge", stroke_width=2))

    def _tier(self, cards: Sequence[_Card], *, is_above: bool) -> None:
        """Put cards in rows, each wired to a line, and the lines to the router above or below."""
        rows = [cards[at : at + self._across] for at in range(0, len(cards), self._across)]
        next_to_router = rows[-1:] if is_above else rows[:1]
        trunk = _MARGIN - 16
        buses = []
        for row in rows:
            tallest = max(card.height for card in row)
            top = self._y + (0 if is_above else 18)
            bus = self._y + (tallest + 18 if is_above else 0)
            ends = [x + _CARD / 2 for x in self._places(len(row))]
            for card, x in zip(row, ends, strict=True):
                self._wire((x, bus), (x, top + card.height if is_above else top))
                self._card(card, x - _CARD / 2, top)
            ends += [trunk] if len(rows) > 1 else []
            ends += [self._width / 2] if row in next_to_router else []
            self._wire((min(ends), bus), (max(ends), bus))
            buses.append(bus)
            # Below a row whose line is below it, the next needs room for that line.
            self._y = top + tallest + (36 if is_above and row is not rows[-1] else 18)
        if len(rows) > 1:
            self._wire((trunk, buses[0]), (trunk, buses[-1]))

    def _places(self, number: int) -> list[float]:
        used = number * (_CARD + _GAP) - _GAP
        start = (self._width - used) / 2
        return [start + at * (_CARD + _GAP) for at in range(number)]

    def _router(self, router: GraphHost) -> None:
        card = _host_card(router)
        x = (self._width - _CARD) / 2
        middle = self._width / 2
        self._wire((middle, self._y), (middle, self._y + card.height + 36))
        self._card(card, x, self._y + 18)
        self._y += card.height + 36

    def _card(self, card: _Card, x: float, y: float) -> None:
        paper = "node" if card.is_node else "host"
        frame = "node-edge" if card.is_node else "edge"
        title = shortened(card.title, _CARD - 28, 14, bold=True)
        self._put(
            rect(x, y, _CARD, card.height, rx=9, stroke_width=1.3,
                 class_=f"fill-{paper} stroke-{frame}"),
            text(x + 14, y + 22, title, class_="fill-ink", font_size=14, font_weight=700),
        )  # fmt: skip
        y += 40
        for words in card.lines:
            shown = shortened(words, _CARD - 28, 11.5, mono=True)
            self._put(text(x + 14, y, shown, class_="mono fill-muted", font_size=11.5))
            y += 16
        if card.is_node and not card.pods:
            self._put(text(x + 14, y + 18, "no pod", class_="fill-muted", font_size=12))
        for pod in card.pods:
            self._pod(pod, x + 10, y - 6)
            y += _pod_height(pod) + 6

    def _pod(self, pod: Pods, x: float, y: float) -> None:
        letters = sorted({one for name in pod.members for one in self._letters.get(name, ())})
        badges = letters[:_LETTER_ROOM]
        if len(letters) > len(badges):
            badges[-1:] = [f"+{len(letters) - len(badges) + 1}"]
        width = _CARD - 20
        room = width - 22 - len(badges) * (_BADGE + 3)
        self._put(
            rect(x, y, width, _pod_height(pod), rx=6, class_="fill-pod stroke-pod-edge",
                 stroke_dasharray="5 3" if pod.late else None),
            text(x + 10, y + 17, shortened(pod.name, room, 12, bold=True), class_="fill-ink",
                 font_size=12, font_weight=600),
        )  # fmt: skip
        for number, detail in enumerate(pod.details()):
            shown = shortened(detail, width - 20, 11, mono=True)
            at_y = y + 32 + number * _POD_LINE_H
            self._put(text(x + 10, at_y, shown, class_="mono fill-muted", font_size=11))
        for at, badge in enumerate(reversed(badges)):
            self._put(_badge(badge, x + width - 8 - (at + 1) * (_BADGE + 3), y + 6))

    def _services(self) -> None:
        services = self._graph.services
        self._y += 22
        title = "Services" if services else "No Service"
        self._put(text(_MARGIN, self._y, title, class_="fill-ink", font_size=15, font_weight=700))
        self._y += 14
        across = max(1, int((self._width - 2 * _MARGIN + _GAP) // (360 + _GAP)))
        width = (self._width - 2 * _MARGIN + _GAP) / across - _GAP
        for first in range(0, len(services), across):
            row = services[first : first + across]
            heights = [
                self._service(service, first + at, _MARGIN + at * (width + _GAP), width)
                for at, service in enumerate(row)
            ]
            self._y += max(heights) + 14

    def _service(self, service: GraphService, number: int, x: float, width: float) -> float:
        """Put a Service's card and return its height."""
        lines = [(words, "mono fill-ink") for words in service_addresses(service)]
        lines += [
            (part, "mono fill-muted")
            for words in behind(service, MOST_ENDPOINTS)
            for part in _parts(f"→ {words}", width - 28)
        ]
        height = 58 + 16 * len(lines)
        name = shortened(service.name, width - 50, 13.5, bold=True)
        y = self._y
        self._put(
            rect(x, y, width, height, rx=9, class_="fill-paper stroke-edge", stroke_width=1.3),
            _badge(letter(number), x + 12, y + 11),
            text(x + 38, y + 24, name, class_="fill-ink", font_size=13.5, font_weight=700),
            text(x + 14, y + 43, shortened(kind(service), width - 28, 12), class_="fill-muted",
                 font_size=12),
        )  # fmt: skip
        for at, (words, look) in enumerate(lines):
            shown = shortened(words, width - 28, 11, mono=True)
            self._put(text(x + 14, y + 61 + 16 * at, shown, class_=look, font_size=11))
        return height

    def _description(self) -> str:
        graph = self._graph
        nodes = ", ".join(f"{node.name} with {len(node.pods)} pods" for node in graph.nodes)
        services = ", ".join(
            f"{letter(number)} is {service.name}" for number, service in enumerate(graph.services)
        )
        return (
            f"Clients {_names(graph.clients)} reach the nodes through the router. Nodes:"
            f" {nodes or 'none'}. Services: {services or 'none'}."
        )


def _badge(words: str, x: float, y: float) -> Markup:
    """Return a letter in a disc, as large for one letter as for two."""
    size = 11 if len(words) < 2 else 9
    return group(
        [
            rect(x, y, _BADGE, _BADGE, rx=_BADGE / 2, class_="fill-request"),
            text(x + _BADGE / 2, y + 12.6, words, class_="fill-paper", font_size=size,
                 font_weight=700, text_anchor="middle"),
        ]
    )  # fmt: skip


def _parts(words: str, room: float) -> list[str]:
    """Return a line, or two where the addresses of two families find no room in one."""
    first, comma, second = words.partition(", [")
    if not comma or text_width(words, 11, mono=True) <= room:
        return [words]
    return [f"{first},", f"  [{second}"]


def _pod_height(pod: Pods) -> float:
    return _POD_H + (len(pod.addresses) - 1) * _POD_LINE_H


def _host_card(host: GraphHost) -> _Card:
    return _Card(host.name, tuple(map(str, host.addresses)))


def _node_card(node: GraphNode, pods: Sequence[Pods]) -> _Card:
    lines = (*map(str, node.addresses), *own_addresses(node))
    return _Card(node.name, lines, tuple(pods), is_node=True)


def _names(hosts: Iterable[GraphHost]) -> str:
    return ", ".join(host.name for host in hosts) or "none"
