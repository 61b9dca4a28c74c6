"""UDP connections to hostPorts, as conntrack keeps them, when the pod behind a hostPort is another.

Rules choose for the first packet only: a client that keeps sending from one port would go on to the
address of a pod that is gone. So its entry is removed, and the next packet meets the rules.

Source: containernetworking/plugins, ``plugins/meta/portmap`` (deletePortmapStaleConnections).
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any, Final

from netlab.cni.attachment import gateway
from netlab.cni.portmap import mapped_pods
from netlab.kube.objects import Object, spec_of
from netlab.model.addresses import Address, Family, require_ip
from netlab.model.names import NetnsFamily, host_netns
from netlab.model.topology import Topology, TopologyNode
from netlab.netns_agent.requests import CleanUdp
from netlab.netns_agent.udp_entries import Place, UdpServices

_LOOPBACK: Final = {Family.IPV4: "127.0.0.1", Family.IPV6: "::1"}
_UDP: Final = "udp"

Leads = dict[Place, frozenset[Place]]
"""Pods' addresses and ports, by an address of the node and a hostPort."""


class HostPortConntrack:
    """Removes the entries that lead to the wrong pod.

    Args:
        lab: Name.
        call: Sends a request to the agent of the namespaces.
    """

    def __init__(self, lab: str, call: Callable[[object], Awaitable[Any]]) -> None:
        self._lab = lab
        self._call = call
        self._led: dict[NetnsFamily, Leads] = {}

    async def clean(
        self, topology: Topology, pods: Iterable[Object], keys: Collection[NetnsFamily]
    ) -> None:
        """Look through the entries of nodes that have other rules for hostPorts than before.

        Raises:
            NetlabError: The kernel refused.
        """
        pods = list(pods)
        for node in topology.nodes:
            for family in topology.families:
                key = NetnsFamily(host_netns(self._lab, node.name), family)
                if key not in keys:
                    continue
                led, leads = self._led.get(key, {}), udp_leads(node, pods, family)
                gone = frozenset(led.keys() - leads.keys())
                if led != leads:
                    services = UdpServices(by_address=leads, by_node_port={}, gone=gone)
                    await self._call(CleanUdp(keys=(key,), services=services))
                self._led[key] = leads


def udp_leads(node: TopologyNode, pods: Iterable[Object], family: Family) -> Leads:
    """Return where the UDP hostPorts of a node lead in one address family."""
    own = [pod for pod in pods if spec_of(pod).get("nodeName") == node.name]
    found: dict[Place, set[Place]] = {}
    for pod in mapped_pods(node, own, family):
        for port in pod.ports:
            if port.protocol == _UDP:
                addresses = [port.host_ip] if port.host_ip else _addresses(node, family)
                for address in addresses:
                    places = found.setdefault((address, port.host_port), set())
                    places.add((pod.address, port.container_port))
    return {place: frozenset(places) for place, places in found.items()}


def _addresses(node: TopologyNode, family: Family) -> list[Address]:
    return [
        require_ip(_LOOPBACK[family]),
        *(gateway(cidr) for cidr in node.pod_cidrs if family.holds(cidr)),
        *(address for address in node.addresses if family.holds(address)),
    ]
