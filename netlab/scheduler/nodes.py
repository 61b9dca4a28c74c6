"""What the scheduler knows of a node: its object, and what its pods take of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from netlab.kube.objects import (
    Object,
    is_terminating,
    items_of,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
)
from netlab.kube.quantity import milli
from netlab.kube.resources import key_of
from netlab.kube.unreadable import UnreadableObjects

MEASURED: Final = ("cpu", "memory", "ephemeral-storage")
_ANY_HOST: Final = ("", "0.0.0.0", "::")  # noqa: S104 (what a hostIP of these means)

HostPort = tuple[str, str, int]
"""Protocol, host address (empty for all of them) and number."""


@dataclass(slots=True, kw_only=True)
class NodeState:
    """A node while pods are placed on it; placing changes it."""

    node: Object
    pods: list[Object] = field(default_factory=list)
    requested: Counter[str] = field(default_factory=Counter)
    """Thousandths of each resource that its pods have asked for."""
    host_ports: set[HostPort] = field(default_factory=set)
    repelling: list[Object] = field(default_factory=list)
    """Those of its pods that may want others to stay away."""

    @property
    def name(self) -> str:
        """The node's name."""
        return name_of(self.node)

    @property
    def labels(self) -> Mapping[str, str]:
        """The node's labels."""
        return labels_of(self.node)

    def add(self, pod: Object) -> None:
        """Count a pod as the node's."""
        requested, host_ports = requests_of(pod), host_ports_of(pod)
        self.pods.append(pod)
        if (spec_of(pod).get("affinity") or {}).get("podAntiAffinity"):
            self.repelling.append(pod)
        self.requested.update(requested)
        self.host_ports.update(host_ports)

    def allocatable(self, resource: str) -> int | None:
        """Return the thousandths of a resource that pods may have; None where it is not told."""
        amount = (status_of(self.node).get("allocatable") or {}).get(resource)
        return None if amount is None else milli(amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Everything that a decision looks at."""

    nodes: Sequence[NodeState]
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The labels of each namespace."""

    def pods(self) -> Iterable[tuple[NodeState, Object]]:
        """Yield every pod that has a node, with it."""
        return ((state, pod) for state in self.nodes for pod in state.pods)


def cluster_of(
    nodes: Iterable[Object],
    bound: Iterable[Object],
    namespaces: Mapping[str, Mapping[str, str]],
    unreadable: UnreadableObjects,
) -> Cluster:
    """Return the cluster's state.

    Args:
        nodes: All nodes, by name.
        bound: Every pod that has a node.
        namespaces: The labels of each namespace.
        unreadable: Takes the pods that cannot be read; they count for nothing.
    """
    states = {name_of(node): NodeState(node=node) for node in nodes}
    for pod in bound:
        state = states.get(spec_of(pod)["nodeName"])
        if state is not None and status_of(pod).get("phase") not in {"Succeeded", "Failed"}:
            unreadable.read(key_of(pod), partial(state.add, pod))
    return Cluster(nodes=list(states.values()), namespaces=namespaces)


def requests_of(pod: Object) -> Counter[str]:
    """Return what a pod asks for, in thousandths.

    That is its containers' sum, or what an init container asks for if it is more.

    Source: Kubernetes, ``component-helpers/resource`` (PodRequests).
    """
    total: Counter[str] = Counter()
    for container in items_of(spec_of(pod), "containers"):
        total.update(_requests(container))
    for container in items_of(spec_of(pod), "initContainers"):
        asked = _requests(container)
        if container.get("restartPolicy") == "Always":
            total.update(asked)
        else:
            total |= asked
    return total


def host_ports_of(pod: Object) -> set[HostPort]:
    """Return the ports of its node that a pod takes."""
    return {
        (port.get("protocol") or "TCP", _host_address(port), port["hostPort"])
        for container in items_of(spec_of(pod), "containers")
        for port in items_of(container, "ports")
        if port.get("hostPort")
    }


def is_counted(pod: Object, namespace: str) -> bool:
    """Return whether a pod counts where pods of ``namespace`` are spread."""
    return namespace_of(pod) == namespace and not is_terminating(pod)


def _requests(container: Object) -> Counter[str]:
    requests = (container.get("resources") or {}).get("requests")
    if not requests:
        return Counter()
    return Counter({name: milli(requests.get(name)) for name in MEASURED if requests.get(name)})


def _host_address(port: Object) -> str:
    address = port.get("hostIP") or ""
    return "" if address in _ANY_HOST else address
