"""The steps of the tutorial *Using Source IP*, run on a lab and held against what it says.

Theory of operation
-------------------
An experiment makes what it lacks, waits until every node's rules follow it, opens captures on every
host of the way, makes all its requests at once, and closes the captures. What a request should show
is worked out afterwards, from the pod that the captures say it reached: with several pods, which
one answers is the kernel's choice. The call that tells most is made once more and traced, for the
picture at the end. Then everything is put back.

Source: https://kubernetes.io/docs/tutorials/services/source-ip/
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from netlab.client.cluster import Cluster, ServicePort
from netlab.errors import LabError
from netlab.lab.demo.captures import Capture, captures_directory
from netlab.lab.demo.judge import Judge
from netlab.lab.demo.node_rules import dropped, read_rules
from netlab.lab.demo.stage import Stage
from netlab.model.addresses import Address, Family
from netlab.model.hosts import Host, HostKind
from netlab.model.packets import AddrPort
from netlab.trace.findings import Finding
from netlab.trace.reconstruct import reconstruct
from netlab.trace.session.calls import Call, make_calls
from netlab.trace.session.tracing import TraceRequest, trace
from netlab.trace.trace import Trace

TIMEOUT_S: Final = 1.5
"""Long enough for the second SYN, which the kernel sends after one second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One part of the tutorial."""

    name: str
    summary: str
    policy: str | None
    """The externalTrafficPolicy it needs; None when it calls the ClusterIP."""
    moral: str
    """What a teacher would say of its last picture, in one sentence."""

    @property
    def service(self) -> str:
        """The Service it calls."""
        return "nodeport" if self.policy else "clusterip"


EXPERIMENTS: Final = (
    Experiment(
        name="clusterip",
        summary="pods and nodes call a ClusterIP: a pod's address is kept",
        policy=None,
        moral="Inside the cluster a Service changes whom you call and never who you are: the node"
        " swaps the destination for a pod's, and connection tracking swaps it back in the answer.",
    ),
    Experiment(
        name="nodeport",
        summary="a client calls a NodePort on every node: its address is hidden",
        policy="Cluster",
        moral="Any node answers for every pod, and the price is the caller's address: the node that"
        " passes a packet on puts its own there, so that the answer comes back through it.",
    ),
    Experiment(
        name="nodeport-local",
        summary="the same under policy Local: its address is kept",
        policy="Local",
        moral="Local keeps the caller's address by refusing the second hop: a node without the pod"
        " drops the packet, and only health checks can tell a load balancer not to ask it.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The end of an experiment."""

    findings: tuple[Finding, ...]
    names: dict[Address, str]
    captures: Path
    """Directory of the pcap files."""
    frames_lost: int
    """Frames the captures had no room for; above 0, paths may have gaps."""
    picture: Trace
    """The call that tells most, made once more and traced."""

    def holds(self) -> bool:
        """Tell whether the kernel did all that the document says."""
        return all(finding.holds for finding in self.findings)


def run_experiment(
    experiment: Experiment,
    cluster: Cluster,
    say: Callable[[str], None],
    family: Family | None = None,
) -> Report:
    """Run one experiment and put everything back, also when it fails or is interrupted.

    Args:
        experiment: One of ``EXPERIMENTS``.
        cluster: The running lab.
        say: Takes one line of progress.
        family: Of the addresses that are called; None for the Service's own first family.

    Raises:
        LabError: The lab lacks a client or a node, or objects did not come to life in time.
        KernelError: A capture could not be opened.
    """
    with ExitStack() as undo:
        stage = Stage(cluster, undo, say, family)
        stage.deployment()
        stage.service(experiment.service, "NodePort" if experiment.policy else "ClusterIP")
        if experiment.policy:
            stage.policy(experiment.service, experiment.policy)
        port = stage.settled(experiment.service)
        calls = _from_client(cluster, port) if experiment.policy else _inside(stage, cluster, port)
        return _observe(experiment, cluster, port, calls)


def _from_client(cluster: Cluster, port: ServicePort) -> list[Call]:
    """Return calls of the first client to the NodePort on each node."""
    clients, nodes = cluster.hosts(HostKind.CLIENT), cluster.hosts(HostKind.NODE)
    if not clients or port.node_port is None:
        raise LabError("this experiment needs a client in the lab, and a Service with a NodePort")
    addresses = [address for node in nodes if (address := node.address(port.family)) is not None]
    return [
        Call(caller=clients[0], target=AddrPort(address, port.node_port)) for address in addresses
    ]


def _inside(stage: Stage, cluster: Cluster, port: ServicePort) -> list[Call]:
    """Return calls to the ClusterIP from a pod and a process beside the backend, and elsewhere."""
    nodes = {node.name: node for node in cluster.hosts(HostKind.NODE)}
    beside = next(b.node for b in port.backends)
    if beside not in nodes:
        raise LabError(f"the endpoint of Service {port.name} is on no node of this lab")
    elsewhere = [name for name in nodes if name != beside][:1]
    pods = [stage.caller_pod(name) for name in (beside, *elsewhere)]
    callers = [stage.pod_host(pod) for pod in pods]
    callers += [nodes[name] for name in (beside, *elsewhere)]
    return [Call(caller=caller, target=AddrPort(port.cluster_ip, port.port)) for caller in callers]


def _observe(
    experiment: Experiment, cluster: Cluster, port: ServicePort, calls: Sequence[Call]
) -> Report:
    nodes = cluster.hosts(HostKind.NODE)
    before = {node.name: dropped(read_rules(node, port.family), port) for node in nodes}
    with Capture(_on_the_way(cluster, port, calls), _ports(port)) as capture:
        outcomes = make_calls(calls, timeout_s=TIMEOUT_S, listeners=capture.listeners)
    after = {node.name: dropped(read_rules(node, port.family), port) for node in nodes}
    directory = captures_directory(cluster.lab, experiment.name)
    capture.save(directory)
    seen = capture.observations()
    judge = Judge(
        lab=cluster.lab,
        port=port,
        nodes=tuple(nodes),
        pods=tuple(cluster.hosts(HostKind.POD)),
        gateways=cluster.gateways(),
        before=before,
        after=after,
    )
    findings = [
        judge.finding(call, outcome, reconstruct(seen, outcome.flow) if outcome.flow else None)
        for call, outcome in zip(calls, outcomes, strict=True)
    ]
    return Report(
        findings=tuple(findings),
        names=cluster.names(),
        captures=directory,
        frames_lost=capture.dropped(),
        picture=_picture(cluster, port, calls),
    )


def _picture(cluster: Cluster, port: ServicePort, calls: Sequence[Call]) -> Trace:
    """Trace the first call that has to pass on to another node; without one, the first call."""
    nodes = {node.address(port.family): node.name for node in cluster.hosts(HostKind.NODE)}
    call = next((call for call in calls if _passes_on(call, port, nodes)), calls[0])
    called = nodes.get(call.target.address)
    url = f"http://{called}:{call.target.port}" if called else f"http://{port.name}"
    request = TraceRequest(
        caller=call.caller.name, target=url, timeout_s=TIMEOUT_S, family=port.family
    )
    return trace(cluster, request, time.clock_gettime(time.CLOCK_REALTIME))


def _passes_on(call: Call, port: ServicePort, nodes: Mapping[Address | None, str]) -> bool:
    node = nodes.get(call.target.address) or call.caller.node
    return node is not None and not port.has_backend_on(node)


def _ports(port: ServicePort) -> list[int]:
    numbers = {port.port, *(backend.port for backend in port.backends)}
    return sorted(numbers | ({port.node_port} if port.node_port else set()))


def _on_the_way(cluster: Cluster, port: ServicePort, calls: Sequence[Call]) -> list[Host]:
    """Return every host that a packet of ``calls`` may pass."""
    endpoints = {backend.address for backend in port.backends}
    pods = [host for host in cluster.hosts(HostKind.POD) if endpoints.intersection(host.addresses)]
    between = [*cluster.hosts(HostKind.ROUTER), *cluster.hosts(HostKind.NODE)]
    hosts = [*(call.caller for call in calls), *between, *pods]
    return list({host.netns: host for host in hosts}.values())
