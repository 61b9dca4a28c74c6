"""A lab as a flowchart in Mermaid's language."""

from collections.abc import Iterator, Sequence
from typing import Final

from netlab.model.graph import GraphHost, GraphNode, GraphService, LabGraph
from netlab.render.graph.words import Pods, fold, kind, pod_networks, service_addresses
from netlab.render.trace.mermaid import escaped

MOST_PODS: Final = 6


def render_graph_mermaid(graph: LabGraph, *, every_pod: bool = False) -> str:
    """Return the flowchart: a subgraph for each node, and arrows from Services to their pods.

    Args:
        graph: The lab.
        every_pod: Draw each pod, however many there are.
    """
    return "\n".join(_Flowchart(graph, None if every_pod else MOST_PODS).lines()) + "\n"


class _Flowchart:
    def __init__(self, graph: LabGraph, most: int | None) -> None:
        self._graph = graph
        self._pods = [fold(node, most) for node in graph.nodes]
        self._ids: dict[str, str] = {}
        """The drawn box of each pod."""

    def lines(self) -> Iterator[str]:
        """Yield the flowchart, line by line."""
        graph = self._graph
        yield "flowchart TB"
        yield f"  %% lab {escaped(graph.lab)}, topology {escaped(graph.topology)}"
        for number, client in enumerate(graph.clients):
            yield f'  c{number}(["{_host(client)}"])'
        if graph.router is not None:
            yield f'  router{{{{"{_host(graph.router)}"}}}}'
            yield from (f"  c{number} --- router" for number in range(len(graph.clients)))
        for number, balancer in enumerate(graph.balancers):
            yield f'  lb{number}["{_host(balancer)}"]'
            yield from self._to_router(f"lb{number}")
        for number, (node, pods) in enumerate(zip(graph.nodes, self._pods, strict=True)):
            yield from self._node(number, node, pods)
        for number, service in enumerate(graph.services):
            yield from self._service(number, service)

    def _to_router(self, other: str) -> Iterator[str]:
        if self._graph.router is not None:
            yield f"  router --- {other}"

    def _node(self, number: int, node: GraphNode, pods: Sequence[Pods]) -> Iterator[str]:
        yield f'  subgraph n{number}["{_lines(node.name, *map(str, node.addresses))}"]'
        yield f'    g{number}("{_lines(*pod_networks(node))}")'
        for at, pod in enumerate(pods):
            name = f"p{number}x{at}"
            self._ids |= dict.fromkeys(pod.members, name)
            yield f'    {name}["{_lines(pod.name, *pod.details())}"]'
            yield f"    g{number} --- {name}"
        yield "  end"
        yield from self._to_router(f"g{number}")

    def _service(self, number: int, service: GraphService) -> Iterator[str]:
        yield f'  s{number}>"{_lines(service.name, kind(service), *service_addresses(service))}"]'
        ends = [self._ids[end.pod] for end in service.endpoints if end.pod in self._ids]
        yield from (f"  s{number} -.-> {name}" for name in dict.fromkeys(ends))


def _host(host: GraphHost) -> str:
    return _lines(host.name, *map(str, host.addresses))


def _lines(*lines: str) -> str:
    return "<br/>".join(escaped(line) for line in lines if line)
