"""A lab in graphviz's language: ``dot -Tsvg``."""

from collections.abc import Iterator, Sequence
from typing import Final

from netlab.model.graph import GraphHost, GraphNode, GraphService, LabGraph
from netlab.render.graph.words import Pods, fold, kind, pod_networks, service_addresses
from netlab.render.printable import printable

MOST_PODS: Final = 6


def render_graph_dot(graph: LabGraph, *, every_pod: bool = False) -> str:
    """Return the digraph: a cluster for each node, dashed arrows from Services to their pods.

    Args:
        graph: The lab.
        every_pod: Draw each pod, however many there are.
    """
    return "\n".join(_Digraph(graph, None if every_pod else MOST_PODS).lines()) + "\n"


class _Digraph:
    def __init__(self, graph: LabGraph, most: int | None) -> None:
        self._graph = graph
        self._pods = [fold(node, most) for node in graph.nodes]
        self._ids: dict[str, str] = {}
        """The drawn box of each pod."""

    def lines(self) -> Iterator[str]:
        """Yield the digraph, line by line."""
        graph = self._graph
        yield f"digraph {_quoted(f'lab {graph.lab}')} {{"
        yield '  graph [compound=true, fontname="Helvetica", ranksep=0.6];'
        yield '  node [shape=box, style=rounded, fontname="Helvetica", fontsize=11];'
        yield "  edge [dir=none];"
        for number, client in enumerate(graph.clients):
            yield f"  c{number} [label={_host(client)}];"
        if graph.router is not None:
            yield f"  router [shape=octagon, style=solid, label={_host(graph.router)}];"
            yield from (f"  c{number} -> router;" for number in range(len(graph.clients)))
        for number, balancer in enumerate(graph.balancers):
            yield f"  lb{number} [label={_host(balancer)}];"
            yield from self._to_router(f"lb{number}", "")
        for number, (node, pods) in enumerate(zip(graph.nodes, self._pods, strict=True)):
            yield from self._node(number, node, pods)
        for number, service in enumerate(graph.services):
            yield from self._service(number, service)
        if graph.services:
            names = "; ".join(f"s{number}" for number in range(len(graph.services)))
            yield f"  {{ rank=sink; {names}; }}"
        yield "}"

    def _to_router(self, other: str, attributes: str) -> Iterator[str]:
        if self._graph.router is not None:
            yield f"  router -> {other}{attributes};"

    def _node(self, number: int, node: GraphNode, pods: Sequence[Pods]) -> Iterator[str]:
        yield f"  subgraph cluster_n{number} {{"
        yield f"    label={_lines(node.name, *map(str, node.addresses))};"
        yield "    style=rounded;"
        label = _lines(*pod_networks(node))
        yield f"    g{number} [shape=plaintext, style=solid, label={label}];"
        for at, pod in enumerate(pods):
            name = f"p{number}x{at}"
            self._ids |= dict.fromkeys(pod.members, name)
            yield f"    {name} [label={_lines(pod.name, *pod.details())}];"
            yield f"    g{number} -> {name};"
        yield "  }"
        yield from self._to_router(f"g{number}", f" [lhead=cluster_n{number}]")

    def _service(self, number: int, service: GraphService) -> Iterator[str]:
        label = _lines(service.name, kind(service), *service_addresses(service))
        yield f"  s{number} [shape=note, style=solid, margin=0.15, label={label}];"
        ends = [self._ids[end.pod] for end in service.endpoints if end.pod in self._ids]
        for name in dict.fromkeys(ends):
            yield f"  {name} -> s{number} [dir=back, style=dashed];"


def _host(host: GraphHost) -> str:
    return _lines(host.name, *map(str, host.addresses))


def _lines(*lines: str) -> str:
    r"""Return lines as one string; dot reads ``\n`` in it as a new line.

    >>> print(_lines('a"b', "c\\d"))
    "a\"b\nc\\d"
    """
    return '"' + "\\n".join(_escaped(line) for line in lines if line) + '"'


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    # dot reads HTML's entities in a string.
    plain = printable(text).replace("&", "&amp;")
    return plain.replace("\\", "\\\\").replace('"', '\\"')
