"""The steps of both tutorials, run on a lab and held against what they say.

Theory of operation
-------------------
An experiment makes what it lacks, waits until every node's rules follow it, and makes all its calls
at once while they are traced. What a call should show is worked out afterwards, from the pod that
the trace says it reached: with several pods, which one answers is the kernel's choice. Then
everything is put back.

Source: https://kubernetes.io/docs/tutorials/services/source-ip/,
https://kubernetes.io/docs/tutorials/services/connect-applications-service/
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from netlab.capture.pcap import write_pcaps
from netlab.client.cluster import Cluster, ServicePort
from netlab.errors import LabError
from netlab.lab.demo.assertions import Assertions
from netlab.lab.demo.fixtures import MY_NGINX, SOURCE_IP_APP, Application, Fixtures
from netlab.lab.experiment_marks import put_back
from netlab.linux.timeouts import scaled
from netlab.model.addresses import Family
from netlab.model.hosts import HostKind
from netlab.model.packets import AddrPort
from netlab.model.rundir import rundir
from netlab.model.topology import LoadBalancerClass
from netlab.render.demo import Step
from netlab.trace.session.exchange import Call, target_at
from netlab.trace.session.tracing import TIMEOUT_S, trace_calls
from netlab.trace.trace import Trace

if TYPE_CHECKING:
    from netlab.linux.frames import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One part of a tutorial."""

    name: str
    summary: str
    policy: str | None
    """The externalTrafficPolicy it needs; None when it calls the ClusterIP."""
    closing: str
    """What there is to remember of the whole."""
    service: str
    """The Service it calls; made as the tutorial makes it when the lab has none of the name."""
    application: Application = SOURCE_IP_APP
    """What answers there."""
    balancer: LoadBalancerClass | None = None
    """The kind of load balancer that it calls; None when it calls none."""

    @property
    def type_(self) -> str:
        """The Service's type."""
        if self.balancer is not None:
            return "LoadBalancer"
        return "NodePort" if self.policy else "ClusterIP"


EXPERIMENTS: Final = (
    Experiment(
        name="connect-applications",
        service="my-nginx",
        application=MY_NGINX,
        summary="two nginx pods behind one address: any node and any pod reaches them",
        policy=None,
        closing="The ClusterIP is on no interface: it is a rule on every node, which picks one of"
        " the ready pods and rewrites the destination. Pods come and go, the address stays; the"
        " name my-nginx, and in pods that were started after the Service the variables"
        " MY_NGINX_SERVICE_HOST and MY_NGINX_SERVICE_PORT, lead to it.",
    ),
    Experiment(
        name="clusterip",
        service="clusterip",
        summary="pods and nodes call a ClusterIP: a pod's address is kept",
        policy=None,
        closing="A pod that calls another pod's ClusterIP keeps its address: only the destination"
        " is swapped, and connection tracking swaps it back in the answer. A node's own process,"
        " and a pod that reaches itself, are masqueraded.",
    ),
    Experiment(
        name="nodeport",
        service="nodeport",
        summary="a client calls a NodePort on every node: its address is hidden",
        policy="Cluster",
        closing="Any node answers for every pod, and the price is the caller's address: the node"
        " that was called puts an address of its own there, so that the answer comes back through"
        " it. It does so even where it runs the pod itself.",
    ),
    Experiment(
        name="nodeport-local",
        service="nodeport",
        summary="the same under policy Local: its address is kept",
        policy="Local",
        closing="Local keeps the caller's address by refusing the second hop: a node without the"
        " pod drops what comes from outside, and a load balancer has to find out, by"
        " healthCheckNodePort or from EndpointSlices, which nodes to ask.",
    ),
    Experiment(
        name="loadbalancer",
        service="loadbalancer",
        summary="a client calls a load balancer that forwards packets: its address is hidden",
        policy="Cluster",
        balancer=LoadBalancerClass.PASSTHROUGH,
        closing="The balancer forwards the packet as it is and never sees the answer. Each"
        " connection goes to one of the healthy nodes, whether or not it runs a pod, and what that"
        " node does is what it does for its NodePort: it hides the caller.",
    ),
    Experiment(
        name="loadbalancer-local",
        service="loadbalancer",
        summary="the same under policy Local: its address is kept, and every call is answered",
        policy="Local",
        balancer=LoadBalancerClass.PASSTHROUGH,
        closing="The balancer asks every node at healthCheckNodePort whether it has a ready pod of"
        " the Service, and sends to those that have. So no call meets a node that would drop it,"
        " and the pod sees the client.",
    ),
    Experiment(
        name="loadbalancer-proxy",
        service="loadbalancer-proxy",
        summary="a client calls a load balancer that is a proxy: the pod sees the balancer",
        policy="Local",
        balancer=LoadBalancerClass.PROXY,
        closing="At a proxy the client's connection ends, and another begins: to the node and the"
        " pod the balancer is the caller, whatever the policy says. Who the client is, the proxy"
        " has to tell: in X-Forwarded-For and Forwarded, or by the PROXY protocol.",
    ),
)
_BALANCED_CALLS: Final = 4
"""So many calls show that connections spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The end of an experiment."""

    steps: tuple[Step, ...]
    captures: Path
    """Directory of the pcap files."""
    put_back: tuple[str, ...] = ()
    """What was otherwise during the experiment, as it is again: ``Pod caller-node1 is gone``."""

    def holds(self) -> bool:
        """Tell whether the kernel did all that was expected."""
        return all(step.holds for step in self.steps)


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
    """
    for line in put_back(cluster.objects):
        say(line)
    with ExitStack() as undo:
        fixtures = Fixtures(cluster, undo, say, family)
        fixtures.deployment(experiment.application)
        fixtures.service(
            experiment.service, experiment.application, experiment.type_, experiment.balancer
        )
        if experiment.policy:
            fixtures.policy(experiment.service, experiment.policy)
        port = fixtures.settled(experiment.service)
        if experiment.balancer is not None:
            calls = _to_balancer(fixtures, cluster, port)
        elif experiment.policy is not None:
            calls = _from_client(cluster, port)
        else:
            calls = _inside(fixtures, cluster, port)
        report = _observe(experiment, cluster, port, calls)
        return replace(report, put_back=tuple(fixtures.put_back))


def _to_balancer(fixtures: Fixtures, cluster: Cluster, port: ServicePort) -> list[Call]:
    """Return calls of the first client to the Service's external address."""
    clients = cluster.hosts(HostKind.CLIENT)
    if not clients:
        raise LabError("this experiment needs a client in the lab")
    address = fixtures.external_address(port)
    target = replace(target_at(AddrPort(address, port.port)), text=f"http://{port.name}")
    call = Call(caller=clients[0], target=target)
    fixtures.answered(call)
    return [call] * _BALANCED_CALLS


def _from_client(cluster: Cluster, port: ServicePort) -> list[Call]:
    """Return calls of the first client to the NodePort on each node."""
    clients, nodes = cluster.hosts(HostKind.CLIENT), cluster.hosts(HostKind.NODE)
    if not clients or port.node_port is None:
        raise LabError("this experiment needs a client in the lab, and a Service with a NodePort")
    named = [(node.name, address) for node in nodes if (address := node.address(port.family))]
    return [
        Call(
            caller=clients[0],
            target=replace(
                target_at(AddrPort(address, port.node_port)), text=f"http://{name}:{port.node_port}"
            ),
        )
        for name, address in named
    ]


def _inside(fixtures: Fixtures, cluster: Cluster, port: ServicePort) -> list[Call]:
    """Return calls to the ClusterIP from a pod and a process beside the backend, and elsewhere."""
    nodes = {node.name: node for node in cluster.hosts(HostKind.NODE)}
    beside = next(b.node for b in port.backends)
    if beside not in nodes:
        raise LabError(f"the endpoint of Service {port.name} is on no node of this lab")
    elsewhere = [name for name in nodes if name != beside][:1]
    pods = [fixtures.caller_pod(name) for name in (beside, *elsewhere)]
    callers = [fixtures.pod_host(pod) for pod in pods]
    callers += [nodes[name] for name in (beside, *elsewhere)]
    if len(port.backends) == 1:
        # With several it might reach another one.
        own = port.backends[0].address
        callers += [pod for pod in cluster.hosts(HostKind.POD) if own in pod.addresses]
    target = target_at(AddrPort(port.cluster_ip, port.port))
    target = replace(target, text=f"http://{port.name}")
    return [Call(caller=caller, target=target) for caller in callers]


def _observe(
    experiment: Experiment, cluster: Cluster, port: ServicePort, calls: list[Call]
) -> Report:
    directory = rundir(cluster.lab) / "captures" / experiment.name
    frames: list[Frame] = []
    now = time.clock_gettime(time.CLOCK_REALTIME)
    traced = trace_calls(cluster, calls, scaled(TIMEOUT_S), now, frames.extend)
    write_pcaps(directory, frames)
    assertions = Assertions(
        lab=cluster.lab,
        port=port,
        nodes=tuple(cluster.hosts(HostKind.NODE)),
        pods=tuple(cluster.hosts(HostKind.POD)),
        gateways=cluster.gateways(),
        balancer=next(iter(cluster.hosts(HostKind.LB)), None) if experiment.balancer else None,
        is_proxied=experiment.balancer is LoadBalancerClass.PROXY,
        echoes=experiment.application.echoes,
    )
    steps = [
        assertions.step(call, outcome, _without_hint(trace))
        for call, (outcome, trace) in zip(calls, traced, strict=True)
    ]
    return Report(steps=tuple(steps), captures=directory)


def _without_hint(trace: Trace) -> Trace:
    """Return a trace that gives nothing to try: when it is read, the lab is as it was before."""
    return replace(trace, verdict=replace(trace.verdict, hint=""))
