"""A running lab's Services, endpoints and nodes, read from its control plane."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Protocol

from netlab.model.addresses import Address, Family
from netlab.model.hosts import Host, HostKind

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePort:
    """One port of a Service that has a ClusterIP."""

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

    def service_ports(self, *protocols: str) -> list[ServicePort]:
        """Return every port of every Service with a ClusterIP, sorted by name.

        Args:
            protocols: Those that are wanted, as Kubernetes writes them; TCP alone when left out.
        """
        services = self.objects.get("/api/v1/services")["items"]
        slices = self.objects.get("/apis/discovery.k8s.io/v1/endpointslices")["items"]
        ports = [
            port
            for service in services
            for port in _ports(service, slices)
            if port.protocol in (protocols or ("TCP",))
        ]
        return sorted(ports, key=lambda port: (port.namespace, port.name, port.port, port.protocol))

    def gateways(self) -> dict[str, Address]:
        """Return the address of each node on its pods' network, by node."""
        nodes = self.objects.get("/api/v1/nodes")["items"]
        return {
            node["metadata"]["name"]: ip_network(node["spec"]["podCIDR"])[1]
            for node in nodes
            if node["spec"].get("podCIDR")
        }

    def names(self) -> dict[Address, str]:
        """Return what to call each address of the lab."""
        names: dict[Address, str] = {}
        for port in self.service_ports():
            names[port.cluster_ip] = f"Service {port.name}"
        for node, gateway in self.gateways().items():
            names[gateway] = f"{node} gateway"
        for host in self.read_hosts():
            for address in host.addresses:
                names.setdefault(address, host.name)
        return names


def cluster_ips(service: Mapping[str, Any]) -> list[Address]:
    """Return every ClusterIP of a Service, of both families; none when it is headless."""
    spec = service["spec"]
    found = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return [ip_address(one) for one in found if one not in {None, "", "None"}]


def slice_family(piece: Mapping[str, Any]) -> Family | None:
    """Return the family of an EndpointSlice's addresses; None of one that holds names (FQDN)."""
    kind = piece.get("addressType")
    return Family(kind) if kind in set(Family) else None


def _ports(service: Body, slices: list[Body]) -> Iterator[ServicePort]:
    spec, meta = service["spec"], service["metadata"]
    if spec.get("clusterIP") in {None, "", "None"}:
        return
    for port in spec.get("ports", []):
        yield ServicePort(
            namespace=meta["namespace"],
            name=meta["name"],
            port_name=port.get("name", ""),
            cluster_ip=ip_address(spec["clusterIP"]),
            port=port["port"],
            node_port=port.get("nodePort"),
            policy=spec.get("externalTrafficPolicy", "Cluster"),
            backends=tuple(_backends(meta, port, slices)),
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
