"""What every drawing of a lab says of pods and Services, and how it folds many pods into few."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from netlab.model.addresses import Address
from netlab.model.graph import GraphEndpoint, GraphNode, GraphPod, GraphService

ELLIPSIS = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """One pod, or several drawn as one."""

    name: str
    addresses: tuple[str, ...]
    """A text for each address family, the main one's first."""
    late: str
    """``not ready``, or how many are not; empty when all are."""
    members: tuple[str, ...]
    """Names of the pods."""

    def details(self) -> list[str]:
        """Return addresses and readiness, a line for each address family."""
        *others, last = self.addresses
        return [*others, f"{last}, {self.late}" if self.late else last]


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


def service_addresses(service: GraphService) -> list[str]:
    """Return where a Service can be called, a line for each port."""
    addresses = [str(address) for address in (*service.cluster_ips, *service.external)]
    lines = []
    for port in service.ports:
        name = f" {port.name}" if port.name else ""
        where = ", ".join(_end(address, port.port) for address in addresses) or f"port {port.port}"
        nodes = f", NodePort {port.node_port}" if port.node_port else ""
        lines.append(f"{where}/{port.protocol}{name}{nodes}")
    return lines


def kind(service: GraphService) -> str:
    """Return a Service's type and policy."""
    headless = ", headless" if not service.cluster_ips and service.type == "ClusterIP" else ""
    policy = f", externalTrafficPolicy {service.policy}" if service.policy else ""
    return f"{service.type}{headless}{policy}"


def behind(service: GraphService, most: int) -> list[str]:
    """Return what is behind a Service: each endpoint, or how many there are on which node.

    The addresses that a pod has in two families count as one endpoint.
    """
    ends: dict[tuple[object, str, bool], list[GraphEndpoint]] = {}
    for one in service.endpoints:
        ends.setdefault((one.pod or one.address, one.node, one.is_ready), []).append(one)
    if not ends:
        return ["no endpoint"]
    if len(ends) > most:
        nodes = Counter(node or "elsewhere" for _, node, _ in ends)
        where = ", ".join(f"{number} on {node}" for node, number in nodes.items())
        if len(nodes) > most and len(set(nodes.values())) == 1:
            where = f"{next(iter(nodes.values()))} on each of {len(nodes)} nodes"
        unready = sum(not is_ready for _, _, is_ready in ends)
        late = f"; {unready} not ready" if unready else ""
        return [f"{len(ends)} endpoints: {where}{late}"]
    return [_endpoint(same) for same in ends.values()]


def _endpoint(same: Sequence[GraphEndpoint]) -> str:
    """Return an endpoint with its address in each family."""
    one = same[0]
    ends = [_end(str(e.address), port) for e in same for port in e.ports]
    where = ", ".join(ends or [str(e.address) for e in same])
    on = f" on {one.node}" if one.node else ""
    late = "" if one.is_ready else ", not ready"
    return f"{one.pod} {where}{on}{late}".strip()


def pod_networks(node: GraphNode) -> list[str]:
    """Return a node's gateways and pod CIDRs, a line each."""
    lines = [f"gateway {gateway}" for gateway in node.gateways] or ["no pod network"]
    return [*lines, *map(str, node.pod_cidrs)]


def own_addresses(node: GraphNode) -> list[str]:
    """Return a node's addresses beyond its InternalIPs, those of a family together."""
    lines = [f"external {address}" for address in node.external]
    for pod_cidr, gateway in zip(node.pod_cidrs, node.gateways, strict=True):
        lines += [f"pods {pod_cidr}", f"gateway {gateway}"]
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
        addresses=_ranges([address for pod in pods for address in pod.addresses]),
        late=f"{number}not ready" if late else "",
        members=tuple(pod.name for pod in pods),
    )


def _ranges(addresses: Sequence[Address]) -> tuple[str, ...]:
    """Return a range of addresses for each family, in the order in which they occur."""
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address.version, []).append(address)
    return tuple(map(_range, families.values())) or ("no address",)


def _range(addresses: Sequence[Address]) -> str:
    """Return the first and the last address; of the last what differs, if that is its end.

    >>> _range([ip_address("fd00:10:244:1::2"), ip_address("fd00:10:244:1::b")])
    'fd00:10:244:1::2 … :b'
    """
    first, last = str(min(addresses)), str(max(addresses))
    network, mark, own = last.rpartition("." if addresses[0].version == 4 else ":")
    if first == last:
        return first
    is_same = mark and first.rpartition(mark)[0] == network
    return f"{first} {ELLIPSIS} {mark + own if is_same else last}"


def _end(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ip_address(address).version == 6 else f"{address}:{port}"
