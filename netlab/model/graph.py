"""A running lab as a drawing needs it: who hangs on what network, and who stands behind a Service.

::

    clients ── router ─┬─ load balancer
                       └─ nodes ── pods      Services ─▶ endpoints
"""

from dataclasses import dataclass

from netlab.model.addresses import Address, Network


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphHost:
    """A client, the router or the load balancer."""

    name: str
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphPod:
    """A pod on its node."""

    name: str
    """As users type it: ``web-1``, or ``prod/web-1`` outside namespace ``default``."""
    addresses: tuple[Address, ...]
    """One of each family, the main one's first; empty as long as it has none."""
    is_ready: bool
    owner: str = ""
    """What made it and others like it, named as a pod is; empty for a pod of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """A node and its pods, sorted by name."""

    name: str
    addresses: tuple[Address, ...]
    """InternalIPs."""
    external: tuple[Address, ...] = ()
    """ExternalIPs."""
    gateways: tuple[Address, ...] = ()
    """Its own addresses on the pods' networks."""
    pod_cidrs: tuple[Network, ...] = ()
    """One of each family."""
    pods: tuple[GraphPod, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphPort:
    """One port of a Service."""

    name: str
    protocol: str
    """``TCP``, ``UDP`` or ``SCTP``."""
    port: int
    node_port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEndpoint:
    """An address behind a Service; a pod of two families has two."""

    address: Address
    ports: tuple[int, ...]
    pod: str = ""
    """Name of the pod as ``GraphPod`` has it; empty when it is none of the lab."""
    node: str = ""
    is_ready: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphService:
    """A Service and what is behind it."""

    name: str
    """``namespace/name``."""
    type: str
    cluster_ips: tuple[Address, ...]
    """Empty for a headless Service."""
    external: tuple[Address, ...] = ()
    """externalIPs, and the addresses of its load balancer."""
    policy: str = ""
    """externalTrafficPolicy; empty where it has no meaning."""
    ports: tuple[GraphPort, ...] = ()
    endpoints: tuple[GraphEndpoint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabGraph:
    """The whole lab; hosts stand as the lab has them, all else is sorted by name."""

    lab: str
    topology: str
    clients: tuple[GraphHost, ...]
    router: GraphHost | None
    balancers: tuple[GraphHost, ...]
    nodes: tuple[GraphNode, ...]
    services: tuple[GraphService, ...]
