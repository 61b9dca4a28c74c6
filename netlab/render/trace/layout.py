"""Where hosts stand in the picture of a trace.

Theory of operation
-------------------
Clients stand on the left, the router beside them, the load balancer and the nodes on the right,
with their pods inside.
Each wire of the path has a line of its own, a *lane*; the lanes of a host lie one below the other
at its edge, so a host is as high as the path needs. The router reaches from the top to the bottom,
so that every wire to it is straight, and the lanes of a node and of its first pod lie at the same
heights. Hosts that the path does not pass are small, and of many only a few are drawn.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from netlab.model.hosts import Host, HostKind
from netlab.render.trace.drawn_visits import DrawnVisit, Wire

WIDTH: Final = 800.0
MARGIN: Final = 16.0
LANE: Final = 21.0
"""From one wire of the path to the next."""
CHIP: Final = 20.0
"""Height of a line that says what was done to a packet."""
TITLE: Final = 47.0
"""Height of a host's name and address."""
POD_TITLE: Final = 37.0
"""The same in a pod, which stands ``TITLE - POD_TITLE`` below the upper edge of its node."""
_CLIENT: Final = 122.0
_ROUTER: Final = 128.0
_WIRE: Final = 56.0
_POD: Final = 188.0
_IDLE: Final = 30.0
_GAP: Final = 10.0
_FEW: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A host's place."""

    host: Host
    x: float
    y: float
    width: float
    height: float
    title: float = TITLE
    is_on_path: bool = True
    note: str = ""
    """What is said beside the name; without a name, how many hosts are not drawn."""

    @property
    def right(self) -> float:
        """The x of its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of its lower edge."""
        return self.y + self.height

    def lane(self, index: int) -> float:
        """Return the y of a wire of the path, counted from 0."""
        return self.y + self.title + (index + 0.5) * LANE - 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The boxes of a picture; a pod's comes after its node's."""

    boxes: tuple[Box, ...]
    top: float
    bottom: float

    def box(self, host: str) -> Box:
        """Return the box of a host that the path passes."""
        return next(box for box in self.boxes if box.host.name == host)


def column(host: Host) -> int:
    """Return how far on the right a host stands: client 0, router 1, node 2, pod in a node 3.

    The load balancer stands with the nodes: it is on their network.
    """
    if host.kind is HostKind.POD:
        return 3 if host.node else 2
    return {HostKind.CLIENT: 0, HostKind.ROUTER: 1}.get(host.kind, 2)


def lies_inside(inner: Host, outer: Host) -> bool:
    """Tell whether ``inner`` is a pod that is drawn in the node ``outer``."""
    return column(inner) == 3 and inner.node == outer.name


def lay_out(
    hosts: Mapping[str, Host], drawn_visits: Sequence[DrawnVisit], wires: Sequence[Wire], top: float
) -> Layout:
    """Return where each host stands: the ones that are on the path, and some others.

    Args:
        hosts: All of the lab, and all that the path passes.
        drawn_visits: The path.
        wires: Its wires.
        top: The y of the upper edge.
    """
    return _Placing(hosts, drawn_visits, wires).layout(top)


class _Placing:
    def __init__(
        self, hosts: Mapping[str, Host], drawn_visits: Sequence[DrawnVisit], wires: Sequence[Wire]
    ) -> None:
        self._hosts = list(hosts.values())
        self._lanes = dict.fromkeys((drawn.host for drawn in drawn_visits), 0)
        self._chips = dict.fromkeys(self._lanes, 0)
        for wire in wires:
            start, end = hosts[wire.start.host], hosts[wire.end.host]
            # The wire between a node and its pod has its lane at the pod.
            for host, other in ((start, end), (end, start)):
                self._lanes[host.name] += not lies_inside(other, host)
        for drawn in drawn_visits:
            self._chips[drawn.host] += len(drawn.rewrites) + drawn.ends_badly
            # What starts or ends in a node's own socket needs a line of its own.
            alone = drawn.is_first and drawn.is_last
            self._lanes[drawn.host] += alone

    def layout(self, top: float) -> Layout:
        passed = [host for host in self._hosts if host.name in self._lanes]
        left = [host for host in passed if column(host) == 0]
        routers = [host for host in passed if column(host) == 1]
        router_x = MARGIN + (_CLIENT + _WIRE if left else 0)
        nodes_x = router_x + (_ROUTER + _WIRE + 8 if routers else 0)
        nodes = list(self._nodes(nodes_x, top))
        clients = list(self._stack(left, MARGIN, top))
        bottom = max((box.bottom for box in [*nodes, *clients]), default=top)
        if len(clients) == 1:
            clients = [self._beside(clients[0], nodes, top, bottom)]
        tall = [
            Box(host=host, x=router_x, y=top, width=_ROUTER, height=bottom - top)
            for host in routers
        ]
        return Layout(boxes=(*clients, *tall, *nodes), top=top, bottom=bottom)

    def _beside(self, client: Box, nodes: Sequence[Box], top: float, bottom: float) -> Box:
        """Put a lone client where its first wire runs straight to the first node."""
        order = {name: i for i, name in enumerate(self._lanes)}
        passed = [box for box in nodes if box.host.name in order]
        if not passed:
            return client
        first = min(passed, key=lambda box: order[box.host.name])
        return replace(client, y=max(min(first.y, bottom - client.height), top))

    def _stack(self, hosts: Sequence[Host], x: float, y: float) -> Iterator[Box]:
        for host in hosts:
            height = self._height(host, TITLE)
            yield Box(host=host, x=x, y=y, width=_CLIENT, height=height)
            y += height + _GAP

    def _height(self, host: Host, title: float) -> float:
        return title + self._lanes[host.name] * LANE + self._chips_height(host) + 4

    def _chips_height(self, host: Host) -> float:
        chips = self._chips.get(host.name, 0)
        return chips * CHIP + 8 if chips else 0

    def _nodes(self, x: float, y: float) -> Iterator[Box]:
        width = WIDTH - MARGIN - x
        standing = [host for host in self._hosts if column(host) == 2]
        nodes = [host for host in standing if host.kind is HostKind.NODE]
        idle = [host for host in nodes if not self._is_used(host)]
        for host in standing:
            if self._is_used(host):
                for box in self._used_node(host, x, y, width):
                    yield box
                    y = max(y, box.bottom)
                y += _GAP + (4 if any(pod.node == host.name for pod in self._hosts) else 0)
            elif host in idle[:_FEW]:
                note = _count(len(self._pods_of(host)), "pod")
                yield _idle(host, x, y, width, note)
                y += _IDLE + _GAP
        if len(idle) > _FEW:
            nobody = replace(idle[0], name="", addresses=())
            yield _idle(nobody, x, y, width, f"and {_count(len(idle) - _FEW, 'more node')}")

    def _is_used(self, node: Host) -> bool:
        return any(host.name in self._lanes for host in (node, *self._pods_of(node)))

    def _pods_of(self, node: Host) -> list[Host]:
        return [host for host in self._hosts if lies_inside(host, node)]

    def _used_node(self, node: Host, x: float, y: float, width: float) -> Iterator[Box]:
        self._lanes.setdefault(node.name, 0)
        left = x + width - _POD - _GAP
        pods = list(self._pods(self._pods_of(node), left, y + TITLE - POD_TITLE))
        stacked = max((box.bottom for box in pods), default=y) - y
        if self._lanes[node.name]:
            # Else what was done stands beside the pods, where no wire needs the room.
            stacked += self._chips_height(node)
        height = max(self._height(node, TITLE), stacked + (_GAP if pods else 0))
        yield Box(host=node, x=x, y=y, width=width, height=height)
        yield from pods

    def _pods(self, pods: Sequence[Host], x: float, y: float) -> Iterator[Box]:
        idle = [pod for pod in pods if pod.name not in self._lanes]
        for pod in pods:
            if pod.name in self._lanes:
                height = self._height(pod, POD_TITLE)
                yield Box(host=pod, x=x, y=y, width=_POD, height=height, title=POD_TITLE)
                y += height + _GAP
        if idle:
            one = len(idle) == 1
            nobody = idle[0] if one else replace(idle[0], name="", addresses=())
            note = "" if one else f"and {_count(len(idle), 'more pod')}"
            yield _idle(nobody, x, y, _POD, note)


def _idle(host: Host, x: float, y: float, width: float, note: str) -> Box:
    return Box(host=host, x=x, y=y, width=width, height=_IDLE, is_on_path=False, note=note)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}" if number else f"no {word}"
