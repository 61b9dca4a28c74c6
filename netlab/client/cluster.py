"""A running lab's Services, endpoints and nodes, read from its control plane."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from netlab.kube.kinds.node_view import Node, node_of
from netlab.kube.kinds.service.no_endpoints import why_no_port
from netlab.kube.kinds.service.view import EndpointSlice, Service, endpoint_slice_of, service_of
from netlab.kube.kinds.service.view import ServicePort as Port
from netlab.model.addresses import Address, Family, Network, family_of
from netlab.model.hosts import Host, HostKind
from netlab.model.packets import AddrPort

Body = dict[str, Any]
"""A Kubernetes object or list as JSON."""


class Objects(Protocol):
    """The Kubernetes API, by path."""

    def get(self, path: str, /) -> Body:
        """Return an object or a list."""

    def create(self, path: str, body: Body, /) -> Body:
        """Make an object in the collection ``path``."""

    def patch(self, path: str, body: Body, content_type: str, /) -> Body:
        """Change an object."""

    def delete(self, path: str, /) -> Body:
        """Delete an object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """An endpoint of a Service port."""

    address: Address
    port: int
    node: str | None

    def __str__(self) -> str:
        """Return address and port as rules spell them."""
        return str(AddrPort(self.address, self.port))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePort:
    """One port of a Service that has a ClusterIP, in one address family."""

    namespace: str
    name: str
    port_name: str
    cluster_ip: Address
    port: int
    node_port: int | None
    policy: str
    """externalTrafficPolicy: ``Cluster`` or ``Local``."""
    backends: tuple[Backend, ...]
    """Those that are ready."""
    unready: tuple[Backend, ...] = ()
    protocol: str = "TCP"
    type: str = "ClusterIP"
    balancer_addresses: tuple[Address, ...] = ()
    """Where its load balancer answers, in this family."""
    why_no_port: str = ""
    """Why none of its endpoints has such a port; empty where one has, or where it has none."""

    @property
    def key(self) -> str:
        """The name kube-proxy gives it in comments: ``default/web`` or ``default/web:http``."""
        full = f"{self.namespace}/{self.name}"
        return f"{full}:{self.port_name}" if self.port_name else full

    @property
    def family(self) -> Family:
        """The family of its ClusterIP and its endpoints."""
        return family_of(self.cluster_ip)

    def has_backend_on(self, node: str) -> bool:
        """Tell whether a ready endpoint runs on ``node``."""
        return any(backend.node == node for backend in self.backends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A running lab as experiments see it: objects through the API, hosts in the kernel."""

    lab: str
    objects: Objects
    read_hosts: Callable[[], tuple[Host, ...]]

    def hosts(self, kind: HostKind) -> list[Host]:
        """Return the hosts of a kind that have an address, or all routers."""
        return [
            host
            for host in self.read_hosts()
            if host.kind is kind and (host.addresses or kind is HostKind.ROUTER)
        ]

    def service_ports(self, *protocols: str, family: Family | None = None) -> list[ServicePort]:
        """Return every port of every Service with a ClusterIP, sorted by name.

        Args:
            protocols: Those that are wanted, as Kubernetes writes them; TCP alone when left out.
            family: Of the ClusterIPs and endpoints; a Service that has none of it is left out. None
                for each Service's own first family.
        """
        slices = self.slices()
        ports = [
            port
            for service in self.services()
            for port in ports_of(service, slices, family)
            if port.protocol in (protocols or ("TCP",))
        ]
        return sorted(ports, key=lambda port: (port.namespace, port.name, port.port, port.protocol))

    def services(self) -> list[Service]:
        """Return every Service, by namespace and name."""
        return [service_of(one) for one in self.objects.get("/api/v1/services")["items"]]

    def slices(self) -> list[EndpointSlice]:
        """Return every EndpointSlice."""
        found = self.objects.get("/apis/discovery.k8s.io/v1/endpointslices")["items"]
        return [endpoint_slice_of(one) for one in found]

    def nodes(self) -> list[Node]:
        """Return every node, by name."""
        return [node_of(one) for one in self.objects.get("/api/v1/nodes")["items"]]

    def pod_networks(self) -> dict[str, tuple[Network, ...]]:
        """Return the networks of each node's pods, one of each family, by node."""
        return {node.name: node.pod_cidrs for node in self.nodes() if node.pod_cidrs}

    def gateways(self) -> dict[str, tuple[Address, ...]]:
        """Return the addresses of each node on its pods' networks, one of each family, by node."""
        return {node.name: node.gateways for node in self.nodes() if node.gateways}

    def external_ips(self) -> dict[str, tuple[Address, ...]]:
        """Return the ExternalIPs of each node, by node."""
        return {node.name: node.external_ips for node in self.nodes()}


def ports_of(
    service: Service, slices: Iterable[EndpointSlice], family: Family | None
) -> Iterator[ServicePort]:
    """Yield the ports of a Service in one family, or its own first; none where it has no ClusterIP.

    Args:
        service: The Service.
        slices: Of the lab.
        family: Of its ClusterIP and endpoints; None for its own first family.
    """
    cluster_ip = next(
        (one for one in service.cluster_ips if family is None or family.holds(one)), None
    )
    if cluster_ip is None:
        return
    ours = [
        piece
        for piece in slices
        if (piece.namespace, piece.service_name) == (service.namespace, service.name)
        and piece.address_type == family_of(cluster_ip)
    ]
    for port in service.ports:
        yield ServicePort(
            namespace=service.namespace,
            name=service.name,
            port_name=port.name,
            cluster_ip=cluster_ip,
            port=port.port,
            node_port=port.node_port,
            policy=service.external_traffic_policy,
            backends=tuple(_backends(port, ours, ready=True)),
            unready=tuple(_backends(port, ours, ready=False)),
            protocol=port.protocol,
            type=service.type,
            balancer_addresses=tuple(
                one for one in service.balancer_addresses if family_of(one) == family_of(cluster_ip)
            ),
            why_no_port=why_no_port(service, port, ours, family_of(cluster_ip)),
        )


def _backends(port: Port, slices: Iterable[EndpointSlice], *, ready: bool) -> Iterator[Backend]:
    for piece in slices:
        numbers = [
            own.port
            for own in piece.ports
            if (own.name, own.protocol) == (port.name, port.protocol) and own.port is not None
        ]
        for endpoint in piece.endpoints:
            for number in numbers if endpoint.ready is ready and endpoint.addresses else ():
                address = endpoint.addresses[0]
                yield Backend(address=address, port=number, node=endpoint.node_name)
