"""A topology and its placed pods to the state that every namespace must have."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from netlab.cni import cloud
from netlab.cni.attachment import Attachment
from netlab.cni.kinds import KINDS
from netlab.model.links import LabState, NetnsState
from netlab.model.names import LB, ROUTER, NetnsName, host_netns, pod_netns
from netlab.model.pods import PodPlacement
from netlab.model.topology import Topology, TopologyNode
from netlab.model.vips import Vip


def build_lab(
    lab: str, topology: Topology, pods: Iterable[PodPlacement], vips: Iterable[Vip] = ()
) -> LabState:
    """Return the state of every namespace of the lab: router first, then hosts, nodes and pods.

    Args:
        lab: Name.
        topology: Its hosts and networks.
        pods: One on a node that the topology does not have is left out.
        vips: The addresses of LoadBalancer Services.
    """
    state: dict[NetnsName, NetnsState] = dict(_hosts(lab, topology))
    state[host_netns(lab, LB)] = cloud.load_balancer(lab, topology, vips)
    pods_of: dict[str, list[PodPlacement]] = defaultdict(list)
    for pod in pods:
        pods_of[pod.node].append(pod)
    attached = _attachments(lab, topology).of(
        (node, pod) for node in topology.nodes for pod in pods_of[node.name]
    )
    for node in topology.nodes:
        netns = host_netns(lab, node.name)
        state[netns] = _with_pods(state[netns], [attached[pod] for pod in pods_of[node.name]])
        for pod in pods_of[node.name]:
            state[pod_netns(lab, pod.namespace, pod.name)] = attached[pod].pod
    return state


@lru_cache(maxsize=4)
def _hosts(lab: str, topology: Topology) -> tuple[tuple[NetnsName, NetnsState], ...]:
    kind = KINDS[topology.cni]
    clients = (
        (host_netns(lab, client.name), cloud.client(lab, topology, client))
        for client in topology.clients
    )
    nodes = []
    for node in topology.nodes:
        state = cloud.node(lab, topology, node)
        links = state.links + kind.node_links(lab, topology, node)
        nodes.append((host_netns(lab, node.name), replace(state, links=links)))
    return (
        (host_netns(lab, ROUTER), cloud.router(lab, topology)),
        (host_netns(lab, LB), cloud.load_balancer(lab, topology)),
        *clients,
        *nodes,
    )


class _Attachments:
    """How pods are attached in one topology; a change of one pod builds no thousand others."""

    def __init__(self, lab: str, topology: Topology) -> None:
        self._lab = lab
        self._topology = topology
        self._kind = KINDS[topology.cni]
        self._last: dict[PodPlacement, Attachment] = {}

    def of(
        self, placed: Iterable[tuple[TopologyNode, PodPlacement]]
    ) -> Mapping[PodPlacement, Attachment]:
        """Return how each of these pods is attached; all others are forgotten."""
        last = self._last
        self._last = {pod: last.get(pod) or self._attach(node, pod) for node, pod in placed}
        return self._last

    def _attach(self, node: TopologyNode, pod: PodPlacement) -> Attachment:
        return self._kind.attach(self._lab, self._topology, node, pod)


# A topology is as large as the lab: it is hashed once a call.
@lru_cache(maxsize=1)
def _attachments(lab: str, topology: Topology) -> _Attachments:
    return _Attachments(lab, topology)


def _with_pods(node: NetnsState, attachments: list[Attachment]) -> NetnsState:
    return replace(
        node,
        links=node.links + tuple(attachment.node_link for attachment in attachments),
        routes=node.routes
        + tuple(route for attachment in attachments for route in attachment.node_routes),
    )
