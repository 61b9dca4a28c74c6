"""A lab as its user drew it: nodes, clients and the networks between them.

Addresses are ``ipaddress`` values throughout, and every name and address here has been checked by
``netlab.spec``: no two are equal, each lies in its network.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Cni(StrEnum):
    """How pods are wired to their node."""

    PTP = "ptp"
    """A routed veth pair for each pod, with the gateway address on the node's end."""
    BRIDGE = "bridge"
    """All pods of a node on the bridge ``cni0``; needs br_netfilter."""


class ProxyMode(StrEnum):
    """How kube-proxy speaks to the kernel."""

    IPTABLES = "iptables"
    NFTABLES = "nftables"
    """A table of its own; needs the program ``nft``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """The address ranges of a lab; none overlaps another."""

    nodes: Network
    """InternalIPs, and the load balancer's; the router holds the first address."""
    pods: Network
    """The cluster CIDR; each node has a part of it."""
    services: Network
    """ClusterIPs; the first address is the Service ``kubernetes``."""
    clients: Network
    """The internet; the router holds the first address."""
    external_ips: Network
    """ExternalIPs of nodes, translated 1:1 by the router."""
    vips: Network
    """Addresses of LoadBalancer Services; the router sends them to the load balancer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyNode:
    """A Kubernetes node."""

    name: str
    address: Address
    """InternalIP."""
    external_ip: Address
    pod_cidr: Network
    """The first address is the gateway of the node's pods."""
    labels: tuple[tuple[str, str], ...] = ()
    """Node labels beyond those netlab sets, sorted by key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyClient:
    """A host on the internet."""

    name: str
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """A lab's hosts and networks; its Kubernetes objects are kept apart, as plain manifests."""

    name: str
    networks: Networks
    nodes: tuple[TopologyNode, ...]
    clients: tuple[TopologyClient, ...]
    lb: Address
    """The load balancer's own address, among the nodes'."""
    mtu: int = 1460
    """Bytes; 1460 is what the tutorials' cloud uses."""
    cni: Cni = Cni.PTP
    proxy_mode: ProxyMode = ProxyMode.IPTABLES
    """Of kube-proxy on every node."""
    message: str = ""
    """Shown when ``up`` is done."""

    def node(self, name: str) -> TopologyNode | None:
        """Return the node called ``name``, or None."""
        return next((node for node in self.nodes if node.name == name), None)


Manifest = dict[str, object]
"""A Kubernetes object as its YAML or JSON reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyFile:
    """A whole topology file."""

    topology: Topology
    manifests: tuple[Manifest, ...] = field(default=())
    """The Kubernetes objects to apply at ``up``, in the file's order."""
