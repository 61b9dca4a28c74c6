"""Call every Service from every kind of place in the lab."""

from collections.abc import Callable, Sequence
from typing import Final

from netlab.lab.calls import Call, make_calls
from netlab.lab.cluster import Cluster, ServicePort
from netlab.model.hosts import Host, HostKind
from netlab.path.matrix import MatrixRow, ServiceMatrix, Target
from netlab.path.observations import AddrPort

TIMEOUT_S: Final = 1.2
"""A lab answers within milliseconds; this leaves room for a second SYN."""

API_SERVICE: Final = ("default", "kubernetes")
"""The API server's own Service, which no pod stands behind."""


def read_matrix(cluster: Cluster, say: Callable[[str], None]) -> tuple[ServiceMatrix, ...]:
    """Make every call and return the results, a matrix for each Service port, sorted by name.

    Callers are the clients, the nodes, and one running pod of each node. Services without TCP
    ports or ClusterIP are left out, and so is ``kubernetes``.

    Args:
        cluster: The running lab.
        say: Takes a line about each caller that is missing.
    """
    nodes = cluster.hosts(HostKind.NODE)
    callers = [*cluster.hosts(HostKind.CLIENT), *nodes, *_pods(cluster, nodes, say)]
    ports = [p for p in cluster.service_ports() if (p.namespace, p.name) != API_SERVICE]
    targets = [(port, _targets(port, nodes)) for port in ports]
    calls = [
        Call(caller=caller, target=target.address)
        for _, ways in targets
        for caller in callers
        for target in ways
    ]
    outcomes = iter(make_calls(calls, timeout_s=TIMEOUT_S))
    return tuple(
        ServiceMatrix(
            service=port.key,
            policy=port.policy if port.node_port else "",
            targets=ways,
            rows=tuple(
                MatrixRow(
                    caller=caller.name,
                    kind=caller.kind,
                    node=caller.node or "",
                    outcomes=tuple(next(outcomes) for _ in ways),
                )
                for caller in callers
            ),
        )
        for port, ways in targets
    )


def _pods(cluster: Cluster, nodes: Sequence[Host], say: Callable[[str], None]) -> list[Host]:
    """Return the first pod of each node, by name."""
    first: dict[str | None, Host] = {}
    for pod in sorted(cluster.hosts(HostKind.POD), key=lambda pod: pod.name):
        first.setdefault(pod.node, pod)
    for node in nodes:
        if node.name not in first:
            say(f"{node.name} runs no pod, so no pod of it calls.")
    return [first[node.name] for node in nodes if node.name in first]


def _targets(port: ServicePort, nodes: Sequence[Host]) -> tuple[Target, ...]:
    ways = [Target(name="ClusterIP", address=AddrPort(port.cluster_ip, port.port))]
    if port.node_port is not None:
        ways += [
            Target(name=node.name, address=AddrPort(node.addresses[0], port.node_port))
            for node in nodes
        ]
    return tuple(ways)
