"""Which endpoints of a Service port a node may use.

Two sets are chosen, each on its own. The cluster set serves policy Cluster: the ready endpoints,
narrowed by topology hints, or those that are still serving while they terminate when no endpoint
anywhere is ready. The local set serves policy Local: the node's own ready endpoints, or its own
that serve while they terminate.

Source: kube-proxy, ``pkg/proxy/topology.go``; KEP-1669 (terminating endpoints), KEP-2433 (hints).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from netlab.kube.kinds.service.view import Endpoint, EndpointSlice, ProxyNode
from netlab.model.addresses import Address, Family
from netlab.model.packets import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class PortKey:
    """What joins a Service's port to ports of its EndpointSlices."""

    namespace: str
    service: str
    port: str
    protocol: Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One endpoint of one Service port, as one node sees it."""

    address: Address
    port: int
    is_local: bool = False
    """Whether it runs on the node; an endpoint without a node name is remote."""
    is_ready: bool = True
    is_draining: bool = False
    """Terminating, but still serving: the last resort."""
    is_terminating: bool = False
    zone_hints: frozenset[str] = frozenset()
    node_hints: frozenset[str] = frozenset()
    text: str = field(init=False, compare=False)
    """``address:port``, an IPv6 address in brackets."""

    def __post_init__(self) -> None:
        host = str(self.address) if self.address.version == 4 else f"[{self.address}]"
        object.__setattr__(self, "text", f"{host}:{self.port}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """The endpoints a node may use for one Service port, each set ordered by ``Backend.text``."""

    cluster: tuple[Backend, ...] | None
    """None when nothing of the Service goes by policy Cluster."""
    local: tuple[Backend, ...] | None
    """None when nothing of the Service goes by policy Local."""
    exist_anywhere: bool
    """Whether any endpoint of the cluster can serve."""

    @property
    def reachable(self) -> tuple[Backend, ...]:
        """Every endpoint of either set."""
        chosen = {backend.text: backend for backend in (*(self.cluster or ()), *(self.local or ()))}
        return tuple(chosen[text] for text in sorted(chosen))


def backends_by_port(
    slices: Iterable[EndpointSlice], node: ProxyNode, family: Family
) -> Mapping[PortKey, Sequence[Backend]]:
    """Return the endpoints of every Service port, ordered by ``Backend.text``.

    Where two slices have the same endpoint, the entry that does not terminate counts, then the one
    on this node, then the one of the slice whose name comes first.
    """
    found: defaultdict[PortKey, dict[str, Backend]] = defaultdict(dict)
    for piece in sorted(slices, key=lambda piece: (piece.namespace, piece.name)):
        if piece.address_type != family or not piece.service_name or piece.is_skipped:
            continue
        for key, backend in _backends_of(piece, node):
            known = found[key].get(backend.text)
            if known is None or _rank(backend) > _rank(known):
                found[key][backend.text] = backend
    return {key: [backends[text] for text in sorted(backends)] for key, backends in found.items()}


def select_backends(
    backends: Sequence[Backend], node: ProxyNode, *, uses_cluster: bool, uses_local: bool
) -> Backends:
    """Choose among ``backends`` for ``node``.

    Args:
        backends: All endpoints of the Service port.
        node: The node the packets are on.
        uses_cluster: Whether anything of the Service goes by policy Cluster.
        uses_local: Whether anything of the Service goes by policy Local.
    """
    cluster = _near(_ready(backends), node) or _draining(backends)
    own = [backend for backend in backends if backend.is_local]
    local = _ready(own) or _draining(own)
    return Backends(
        cluster=tuple(cluster) if uses_cluster else None,
        local=tuple(local) if uses_local else None,
        exist_anywhere=bool(_ready(backends) or _draining(backends)),
    )


def _backends_of(piece: EndpointSlice, node: ProxyNode) -> Iterator[tuple[PortKey, Backend]]:
    for port in piece.ports:
        if not port.port:
            continue
        key = PortKey(
            namespace=piece.namespace,
            service=piece.service_name,
            port=port.name,
            protocol=port.protocol,
        )
        for endpoint in piece.endpoints:
            if endpoint.addresses:
                yield key, _backend_of(endpoint, port.port, node)


def _backend_of(endpoint: Endpoint, port: int, node: ProxyNode) -> Backend:
    return Backend(
        address=endpoint.addresses[0],
        port=port,
        is_local=endpoint.node_name == node.name,
        is_ready=endpoint.ready,
        is_draining=endpoint.serving and endpoint.terminating,
        is_terminating=endpoint.terminating,
        zone_hints=endpoint.zone_hints,
        node_hints=endpoint.node_hints,
    )


def _rank(backend: Backend) -> tuple[bool, bool]:
    return not backend.is_terminating, backend.is_local


def _ready(backends: Sequence[Backend]) -> list[Backend]:
    return [backend for backend in backends if backend.is_ready]


def _draining(backends: Sequence[Backend]) -> list[Backend]:
    return [backend for backend in backends if backend.is_draining and not backend.is_ready]


def _near(ready: list[Backend], node: ProxyNode) -> list[Backend]:
    """Narrow ``ready`` to the hinted ones: for the node, else for its zone, else all.

    One endpoint without a hint makes all hints of its kind void: the slice is then only half
    written, and a node must not lose endpoints to that.
    """
    if ready and all(backend.node_hints for backend in ready):
        here = [backend for backend in ready if node.name in backend.node_hints]
        if here:
            return here
    if node.zone and ready and all(backend.zone_hints for backend in ready):
        here = [backend for backend in ready if node.zone in backend.zone_hints]
        if here:
            return here
    return ready
