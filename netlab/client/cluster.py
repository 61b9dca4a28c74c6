"""A running lab's Services, endpoints and nodes, read from its control plane."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Protocol

from netlab.model.addresses import Address, Family, family_of
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
    """A ready endpoint of a Service port."""

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
    protocol: str = "TCP"
    type: str = "ClusterIP"

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
        services = self.objects.get("/api/v1/services")["items"]
        slices = self.objects.get("/apis/discovery.k8s.io/v1/endpointslices")["items"]
        ports = [
            port
            for service in services
            for port in _ports(service, slices, family)
            if port.protocol in (protocols or ("TCP",))
        ]
        return sorted(ports, key=lambda port: (port.namespace, port.name, port.port, port.protocol))

    def gateways(self) -> dict[str, tuple[Address, ...]]:
        """Return the addresses of each node on its pods' networks, one of each family, by node."""
        nodes = self.objects.get("/api/v1/nodes")["items"]
        return {
            node["metadata"]["name"]: tuple(ip_network(one)[1] for one in node["spec"]["podCIDRs"])
            for node in nodes
            if node["spec"].get("podCIDRs")
        }

    def external_ips(self) -> dict[str, tuple[Address, ...]]:
        """Return the ExternalIPs of each node, by node."""
        nodes = self.objects.get("/api/v1/nodes")["items"]
        return {
            node["metadata"]["name"]: tuple(
                ip_address(one["address"])
                for one in (node.get("status") or {}).get("addresses") or []
                if one["type"] == "ExternalIP"
            )
            for node in nodes
        }

    def names(self) -> dict[Address, str]:
        """Return what to call each address of the lab."""
        names: dict[Address, str] = {}
        for service in self.objects.get("/api/v1/services")["items"]:
            for address in cluster_ips(service):
                names[address] = f"Service {service['metadata']['name']}"
        for node, gateways in self.gateways().items():
            names |= dict.fromkeys(gateways, f"{node} gateway")
        for host in self.read_hosts():
            for address in host.addresses:
                names.setdefault(address, host.name)
        return names


def cluster_ips(service: Mapping[str, Any]) -> list[Address]:
    """Return every ClusterIP of a Service, of both families; none when it is headless."""
    spec = service["spec"]
    found = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return [ip_address(one) for one in found if one not in {None, "", "None"}]


def service_addresses(service: Mapping[str, Any]) -> list[Address]:
    """Return every address that a Service can be called at: its ClusterIPs, and those outside."""
    ingress = (service.get("status") or {}).get("loadBalancer", {}).get("ingress") or []
    outside = [*(service["spec"].get("externalIPs") or []), *(one.get("ip") for one in ingress)]
    return [*cluster_ips(service), *(ip_address(one) for one in outside if one)]


def slice_family(piece: Mapping[str, Any]) -> Family | None:
    """Return the family of an EndpointSlice's addresses; None of one that holds names (FQDN)."""
    kind = piece.get("addressType")
    return Family(kind) if kind in set(Family) else None


def _ports(service: Body, slices: list[Body], family: Family | None) -> Iterator[ServicePort]:
    spec, meta = service["spec"], service["metadata"]
    addresses = cluster_ips(service)
    cluster_ip = next((a for a in addresses if family is None or family.holds(a)), None)
    if cluster_ip is None:
        return
    ours = [piece for piece in slices if slice_family(piece) is family_of(cluster_ip)]
    for port in spec.get("ports", []):
        yield ServicePort(
            namespace=meta["namespace"],
            name=meta["name"],
            port_name=port.get("name", ""),
            cluster_ip=cluster_ip,
            port=port["port"],
            node_port=port.get("nodePort"),
            policy=spec.get("externalTrafficPolicy", "Cluster"),
            backends=tuple(_backends(meta, port, ours)),
            protocol=port.get("protocol", "TCP"),
            type=spec.get("type", "ClusterIP"),
        )


def _backends(
    meta: Mapping[str, Any], service_port: Mapping[str, Any], slices: list[Body]
) -> Iterator[Backend]:
    wanted = service_port.get("name", ""), service_port.get("protocol", "TCP")
    for piece in slices:
        labels = piece["metadata"].get("labels", {})
        ours = labels.get("kubernetes.io/service-name") == meta["name"]
        if not ours or piece["metadata"]["namespace"] != meta["namespace"]:
            continue
        numbers = [
            p["port"]
            for p in piece.get("ports") or []
            if (p.get("name", ""), p.get("protocol", "TCP")) == wanted
        ]
        for endpoint in piece.get("endpoints") or []:
            # Kubernetes reads a condition that is not there as true.
            if endpoint.get("conditions", {}).get("ready", True) is not False:
                for number in numbers:
                    address = ip_address(endpoint["addresses"][0])
                    node = endpoint.get("nodeName")
                    yield Backend(address=address, port=number, node=node)
