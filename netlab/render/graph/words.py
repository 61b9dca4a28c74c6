"""What every drawing of a lab says of pods and Services, and how it folds many pods into few."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from netlab.model.addresses import Address
from netlab.model.graph import GraphNode, GraphPod, GraphService

ELLIPSIS = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """One pod, or several drawn as one."""

    name: str
    addresses: str
    late: str
    """``not ready``, or how many are not; empty when all are."""
    members: tuple[str, ...]
    """Names of the pods."""

    def detail(self) -> str:
        """Return addresses and readiness."""
        return f"{self.addresses}, {self.late}" if self.late else self.addresses


def fold(node: GraphNode, most: int | None) -> list[Pods]:
    """Return what to draw of a node's pods.

    Up to ``most`` pods are drawn one by one. Of more, those with one owner become one, and if that
    is not enough, the rest becomes one, too.

    Args:
        node: And its pods.
        most: None draws every pod.
    """
    if most is None or len(node.pods) <= most:
        return [_group(pod.name, [pod]) for pod in node.pods]
    owners: dict[str, list[GraphPod]] = {}
    for pod in node.pods:
        owners.setdefault(pod.owner or pod.name, []).append(pod)
    groups = list(owners.items())
    shown, rest = (groups, []) if len(groups) <= most else (groups[: most - 1], groups[most - 1 :])
    folded = [_owned(owner, pods) for owner, pods in shown]
    others = [pod for _, pods in rest for pod in pods]
    return [*folded, _group(f"{len(others)} more pods", others)] if others else folded


def doors(service: GraphService) -> list[str]:
    """Return where a Service can be called, a line for each port."""
    places = [str(address) for address in (*service.cluster_ips, *service.external)]
    lines = []
    for port in service.ports:
        name = f" {port.name}" if port.name else ""
        where = ", ".join(_end(place, port.port) for place in places) or f"port {port.port}"
        nodes = f", NodePort {port.node_port}" if port.node_port else ""
        lines.append(f"{where}/{port.protocol}{name}{nodes}")
    return lines


def kind(service: GraphService) -> str:
    """Return a Service's type and policy."""
    headless = ", headless" if not service.cluster_ips and service.type == "ClusterIP" else ""
    policy = f", externalTrafficPolicy {service.policy}" if service.policy else ""
    return f"{service.type}{headless}{policy}"


def behind(service: GraphService, most: int) -> list[str]:
    """Return what is behind a Service: each endpoint, or how many there are on which node."""
    if not service.endpoints:
        return ["no endpoint"]
    if len(service.endpoints) > most:
        nodes = Counter(endpoint.node or "elsewhere" for endpoint in service.endpoints)
        where = ", ".join(f"{number} on {node}" for node, number in nodes.items())
        if len(nodes) > most and len(set(nodes.values())) == 1:
            where = f"{next(iter(nodes.values()))} on each of {len(nodes)} nodes"
        unready = sum(not endpoint.is_ready for endpoint in service.endpoints)
        late = f"; {unready} not ready" if unready else ""
        return [f"{len(service.endpoints)} endpoints: {where}{late}"]
    lines = []
    for endpoint in service.endpoints:
        ends = ", ".join(_end(str(endpoint.address), port) for port in endpoint.ports)
        on = f" on {endpoint.node}" if endpoint.node else ""
        late = "" if endpoint.is_ready else ", not ready"
        lines.append(f"{endpoint.pod} {ends or endpoint.address}{on}{late}".strip())
    return lines


def clipped(text: str, room: int) -> str:
    """Return ``text``, or its beginning and its end where it has no room.

    >>> clipped("source-ip-app-746d9df86c-7rv95", 16)
    'source-i…c-7rv95'
    """
    if len(text) <= room:
        return text
    if room < 3:
        return ELLIPSIS[:room]
    tail = (room - 1) // 2
    return f"{text[: room - 1 - tail]}{ELLIPSIS}{text[len(text) - tail :]}"


def _owned(owner: str, pods: Sequence[GraphPod]) -> Pods:
    name = pods[0].name if len(pods) == 1 else f"{owner} x{len(pods)}"
    return _group(name, pods)


def _group(name: str, pods: Sequence[GraphPod]) -> Pods:
    late = sum(not pod.is_ready for pod in pods)
    number = "" if len(pods) == 1 else f"{late} "
    return Pods(
        name=name,
        addresses=_range([pod.address for pod in pods if pod.address is not None]),
        late=f"{number}not ready" if late else "",
        members=tuple(pod.name for pod in pods),
    )


def _range(addresses: Sequence[Address]) -> str:
    """Return the first and the last address; of the last what differs, if that is its end."""
    if not addresses:
        return "no address"
    ends = sorted(addresses, key=lambda a: (a.version, a.packed))
    first, last = str(ends[0]), str(ends[-1])
    network, dot, own = last.rpartition(".")
    if first == last:
        return first
    is_same = dot and first.rpartition(".")[0] == network
    return f"{first} {ELLIPSIS} {dot + own if is_same else last}"


def _end(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ip_address(address).version == 6 else f"{address}:{port}"
