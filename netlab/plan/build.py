"""A topology and its placed pods to the state that every namespace must have."""

from collections import defaultdict
from collections.abc import Callable, Iterable
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
    attach = _attach(lab, topology)
    state[host_netns(lab, LB)] = cloud.load_balancer(lab, topology, vips)
    pods_of: dict[str, list[PodPlacement]] = defaultdict(list)
    for pod in pods:
        pods_of[pod.node].append(pod)
    for node in topology.nodes:
        netns = host_netns(lab, node.name)
        attachments = [attach(node, pod) for pod in pods_of[node.name]]
        state[netns] = _with_pods(state[netns], attachments)
        for pod, attachment in zip(pods_of[node.name], attachments, strict=True):
            state[pod_netns(lab, pod.namespace, pod.name)] = attachment.pod
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


@lru_cache(maxsize=4)
def _attach(lab: str, topology: Topology) -> Callable[[TopologyNode, PodPlacement], Attachment]:
    """Return what attaches pods in one topology, which is as large as the lab: hashed once."""

    # A change of one pod must not cost the building of a thousand others.
    @lru_cache(maxsize=8192)
    def attach(node: TopologyNode, pod: PodPlacement) -> Attachment:
        return KINDS[topology.cni].attach(lab, topology, node, pod)

    return attach


def _with_pods(node: NetnsState, attachments: list[Attachment]) -> NetnsState:
    return replace(
        node,
        links=node.links + tuple(attachment.node_link for attachment in attachments),
        routes=node.routes
        + tuple(route for attachment in attachments for route in attachment.node_routes),
    )
