"""Call every Service from every kind of place in the lab."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from netlab.client.cluster import Cluster, ServicePort
from netlab.lab.caller_pods import bring_callers
from netlab.lab.experiment_marks import put_back
from netlab.lab.policies import POLICIES, PROTOCOLS, PolicyTrial
from netlab.linux.timeouts import scaled
from netlab.model.addresses import Family
from netlab.model.hosts import Host, HostKind
from netlab.model.packets import AddrPort
from netlab.trace.decision import Decision
from netlab.trace.matrix import (
    CLUSTER_IP,
    LOAD_BALANCER,
    Cell,
    MatrixRow,
    ServiceMatrix,
    Target,
    cell_of,
)
from netlab.trace.outcomes import Outcome, Result
from netlab.trace.session.decisions import Decisions
from netlab.trace.session.exchange import Call, make_calls, target_at

TIMEOUT_S: Final = 1.2
"""A lab answers within milliseconds; this leaves room for a second SYN."""

API_SERVICE: Final = ("default", "kubernetes")
"""The API server's own Service, which no pod stands behind."""

_SCHEMES: Final = {"TCP": "http", "UDP": "udp"}

Say = Callable[[str], None]

_Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRequest:
    """What is wanted of a matrix."""

    decisions: bool = False
    """Whether to predict what decides each call, too."""
    family: Family | None = None
    """Of the addresses that are called; Services that have none of it are left out. None for each
    Service's own first family."""
    brings_callers: bool = True
    """Whether a node whose pods all stand behind Services gets one more, which calls."""


def read_matrix(cluster: Cluster, say: Say, request: MatrixRequest) -> tuple[ServiceMatrix, ...]:
    """Make every call and return the results, a matrix for each Service port, sorted by name.

    Callers are the clients, the nodes, one running pod of each node, and those that are brought.
    Services without a ClusterIP or a port of TCP or UDP are left out, and so is ``kubernetes``.

    Args:
        cluster: The running lab.
        say: Takes a line about what is made, each caller that is missing, and what could not be
            predicted.
        request: What is wanted.
    """
    with ExitStack() as undo:
        calling = _Calling(cluster, undo, say, request)
        ports = _ports(cluster, request.family)
        targets = [_targets(port, calling.nodes, port.policy) for port in ports]
        return _matrices(calling, ports, [targets], [calling.make(ports, targets)])


def try_policies(cluster: Cluster, say: Say, request: MatrixRequest) -> tuple[ServiceMatrix, ...]:
    """Do the same under both policies for each Service of type NodePort, and put them back.

    What no policy matters to is called once. The policies are put back also when this fails or is
    interrupted.

    Raises:
        LabError: The rules of a node did not follow a policy in time.
    """
    for line in put_back(cluster.objects):
        say(line)
    with ExitStack() as undo:
        calling = _Calling(cluster, undo, say, request)
        trial = PolicyTrial(cluster, undo, say, request.family)
        before = _ports(cluster, request.family)
        rounds, results = [], []
        for policy in POLICIES:
            trial.set_all(policy)
            targets = [_tried(port, calling.nodes, policy) for port in before]
            rounds.append(targets)
            results.append(calling.make(before, targets))
        return _matrices(calling, before, rounds, results)


class _Calling:
    """The callers of a lab, and how they call."""

    def __init__(self, cluster: Cluster, undo: ExitStack, say: Say, request: MatrixRequest) -> None:
        brought = bring_callers(cluster, undo, say) if request.brings_callers else []
        self._hosts = cluster.read_hosts()
        self._say = say
        self._decisions = request.decisions
        self.nodes = cluster.hosts(HostKind.NODE)
        pods = _pods(cluster, self.nodes, brought, say)
        self.callers = [*cluster.hosts(HostKind.CLIENT), *self.nodes, *pods]
        self._owners = {address: host.name for host in self._hosts for address in host.addresses}

    def make(
        self, ports: Sequence[ServicePort], targets: Sequence[tuple[Target, ...]]
    ) -> list[list[_Row]]:
        """Return the results of every caller, for each port."""
        wanted = [
            Call(caller=caller, target=target_at(target.address, _SCHEMES[port.protocol]))
            for port, ways in zip(ports, targets, strict=True)
            for caller in self.callers
            for target in ways
        ]
        cells = iter(self._cells(wanted))
        return [[tuple(next(cells) for _ in ways) for _ in self.callers] for ways in targets]

    def _cells(self, calls: Sequence[Call]) -> list[Cell]:
        decided = self._decided(calls) if self._decisions else [None] * len(calls)
        outcomes = make_calls(calls, timeout_s=scaled(TIMEOUT_S))
        if not self._decisions:
            decided = self._of_silent(calls, outcomes)
        return [
            cell_of(outcome, self._owners, decision)
            for outcome, decision in zip(outcomes, decided, strict=True)
        ]

    def _of_silent(
        self, calls: Sequence[Call], outcomes: Sequence[Outcome]
    ) -> list[Decision | None]:
        """Return what decides the calls without an answer: a drop and a lost reply look alike."""
        silent = [
            call
            for call, outcome in zip(calls, outcomes, strict=True)
            if outcome.result is Result.TIMEOUT
        ]
        found = iter(self._decided(silent) if silent else ())
        return [next(found) if outcome.result is Result.TIMEOUT else None for outcome in outcomes]

    def _decided(self, calls: Sequence[Call]) -> Sequence[Decision | None]:
        with Decisions(self._hosts) as rules:
            found = [rules.decide(c.caller, c.target.address, c.target.protocol) for c in calls]
        for remark in rules.remarks:
            self._say(f"Not predicted: {remark}.")
        return found


def _matrices(
    calling: _Calling,
    ports: Sequence[ServicePort],
    rounds: Sequence[Sequence[tuple[Target, ...]]],
    results: Sequence[Sequence[Sequence[_Row]]],
) -> tuple[ServiceMatrix, ...]:
    """Return a matrix for each port, the targets and cells of all rounds side by side."""
    return tuple(
        ServiceMatrix(
            service=port.key,
            protocol=port.protocol,
            policy=port.policy if port.node_port else "",
            targets=sum((targets[at] for targets in rounds), ()),
            rows=tuple(
                MatrixRow(
                    caller=caller.name,
                    kind=caller.kind,
                    node=caller.node or "",
                    cells=sum((found[at][row] for found in results), ()),
                )
                for row, caller in enumerate(calling.callers)
            ),
        )
        for at, port in enumerate(ports)
    )


def _ports(cluster: Cluster, family: Family | None) -> list[ServicePort]:
    ports = cluster.service_ports(*PROTOCOLS, family=family)
    return [port for port in ports if (port.namespace, port.name) != API_SERVICE]


def _pods(cluster: Cluster, nodes: Sequence[Host], brought: Sequence[Host], say: Say) -> list[Host]:
    """Return the first pod of each node by name, and the one that was brought there."""
    names = {pod.name for pod in brought}
    own = [pod for pod in cluster.hosts(HostKind.POD) if pod.name not in names]
    found: list[Host] = []
    for node in nodes:
        here = [*sorted(_on(node, own), key=lambda pod: pod.name)[:1], *_on(node, brought)]
        if not here:
            say(f"{node.name} has no pod that could call.")
        found += here
    return found


def _on(node: Host, pods: Sequence[Host]) -> list[Host]:
    return [pod for pod in pods if pod.node == node.name]


def _tried(port: ServicePort, nodes: Sequence[Host], policy: str) -> tuple[Target, ...]:
    """Return what to call while NodePort Services have ``policy``."""
    is_first = policy == POLICIES[0]
    if port.type != "NodePort":
        return _targets(port, nodes, port.policy) if is_first else ()
    targets = _targets(port, nodes, policy)
    return targets if is_first else targets[1:]


def _targets(port: ServicePort, nodes: Sequence[Host], policy: str) -> tuple[Target, ...]:
    ways = [Target(name=CLUSTER_IP, address=AddrPort(port.cluster_ip, port.port))]
    if port.node_port is not None:
        ways += [
            Target(name=node.name, address=AddrPort(address, port.node_port), policy=policy)
            for node in nodes
            if (address := node.address(port.family)) is not None
        ]
    ways += [
        Target(name=LOAD_BALANCER, address=AddrPort(address, port.port), policy=policy)
        for address in port.balancer_addresses
    ]
    return tuple(ways)
