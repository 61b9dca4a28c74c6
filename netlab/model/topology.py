"""A lab as its user drew it: nodes, clients and the networks between them.

Addresses are ``ipaddress`` values throughout, and every name and address here has been checked by
``netlab.topology``: no two are equal, each lies in its network.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from netlab.model.addresses import Address, Family, Network, family_of
from netlab.model.kube_proxy import ProxyConfiguration

API_VERSION: Final = "netlab/v1"
KIND: Final = "Topology"
"""What the document of a topology file says it is."""


class Cni(StrEnum):
    """How pods are wired to their node."""

    PTP = "ptp"
    """A routed veth pair for each pod, with the gateway address on the node's end."""
    BRIDGE = "bridge"
    """All pods of a node on the bridge ``cni0``; needs br_netfilter."""


class LoadBalancerClass(StrEnum):
    """The kinds of load balancers, by a Service's ``spec.loadBalancerClass``."""

    PASSTHROUGH = "netlab/passthrough"
    """Packets are forwarded as they are: destination and source stay, replies go straight back."""
    PROXY = "netlab/proxy"
    """Connections end at the balancer, which makes one of its own to a node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheckOptions:
    """How the load balancer asks nodes whether they are fit to be sent to."""

    interval_s: float = 5.0
    timeout_s: float = 2.0
    unhealthy_threshold: int = 2
    """Failures in a row after which a node is out."""
    healthy_threshold: int = 1
    """Answers in a row after which it is back in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancerOptions:
    """What the cloud's load balancer is like."""

    default_class: LoadBalancerClass = LoadBalancerClass.PASSTHROUGH
    """Of Services that ask for none."""
    gives_hostnames: bool = False
    """Whether the status of a proxy's Service tells a host name, as on AWS, and no address."""
    health_check: HealthCheckOptions = HealthCheckOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """The address ranges of one family in a lab; none overlaps another."""

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
    addresses: tuple[Address, ...]
    """InternalIPs, one of each family of the lab, in the order of its networks."""
    external_ips: tuple[Address, ...]
    """One of each family."""
    pod_cidrs: tuple[Network, ...]
    """One of each family; the first address is the gateway of the node's pods."""
    labels: tuple[tuple[str, str], ...] = ()
    """Node labels beyond those netlab sets, sorted by key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyClient:
    """A host on the internet."""

    name: str
    addresses: tuple[Address, ...]
    """One of each family of the lab."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyImage:
    """What stands for a container image, beside those that netlab knows."""

    name: str
    """With or without registry, without a tag; ``unknown`` for all that nothing else stands for."""
    command: tuple[str, ...]
    """A program and its arguments; empty for an echo server on the container's ports, or where the
    containers of a root file system of its own name theirs."""
    rootfs: str = ""
    """A directory of the host with the root file system; empty for the host's programs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """A lab's hosts and networks; its Kubernetes objects are kept apart, as plain manifests."""

    name: str
    networks: tuple[Networks, ...]
    """One or two, each of a family of its own; the first is of the main family, which addresses are
    of when nobody says otherwise."""
    nodes: tuple[TopologyNode, ...]
    clients: tuple[TopologyClient, ...]
    lb: tuple[Address, ...]
    """The load balancer's own addresses, among the nodes', one of each family."""
    mtu: int = 1460
    """Bytes; 1460 is what the tutorials' cloud uses."""
    cni: Cni = Cni.PTP
    proxy: ProxyConfiguration = field(default_factory=ProxyConfiguration)
    load_balancer: LoadBalancerOptions = LoadBalancerOptions()
    dns_replicas: int = 0
    """Pods of the cluster's DNS server; 0 for a lab without one."""
    images: tuple[TopologyImage, ...] = ()
    message: str = ""
    """Shown when ``up`` is done."""

    @property
    def families(self) -> tuple[Family, ...]:
        """The address families of the lab, the main one first."""
        return tuple(family_of(networks.nodes) for networks in self.networks)

    @property
    def service_networks(self) -> tuple[Network, ...]:
        """The networks of ClusterIPs, one of each family."""
        return tuple(networks.services for networks in self.networks)

    def node(self, name: str) -> TopologyNode | None:
        """Return the node called ``name``, or None."""
        return next((node for node in self.nodes if node.name == name), None)


Manifest = dict[str, object]
"""A Kubernetes object as its YAML or JSON reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestFile:
    """A whole file of Kubernetes objects."""

    manifests: tuple[Manifest, ...] = field(default=())
    """In the file's order."""
    left_out: tuple[str, ...] = ()
    """Objects that a lab has no use for, a line a kind."""
    warnings: tuple[str, ...] = ()
    """Fields that are right, and that nothing in a lab acts on."""
    refused: str = ""
    """What is wrong with objects that are not among the manifests, a line a problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyFile(ManifestFile):
    """A whole topology file; its manifests are applied at ``up``."""

    topology: Topology
