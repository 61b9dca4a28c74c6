"""One port of one Service, with everything a node needs to know to lay its rules."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from netlab.kube.kinds.service.view import ProxyNode, Service, ServicePort
from netlab.kubeproxy.backends import Backend, Backends, PortKey, backends_by_port, select_backends
from netlab.kubeproxy.iptables.names import port_hash, service_port_name
from netlab.kubeproxy.service_map import ServiceEndpoints
from netlab.model.addresses import Address, Family, Network


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxiedPort:
    """A Service port as one node serves it in one address family."""

    name: str
    """``namespace/service:port``."""
    protocol: str
    """Lower case, as iptables wants it."""
    cluster_ip: Address
    port: int
    node_port: int | None
    external_ips: tuple[Address, ...]
    vips: tuple[Address, ...]
    source_ranges: tuple[Network, ...]
    health_check_node_port: int | None
    affinity_timeout_s: int | None
    """None without session affinity."""
    internal_is_local: bool
    external_is_local: bool
    suffix: str
    """What its chains' names end in."""
    backends: Backends

    @property
    def svc_chain(self) -> str:
        """The chain that balances over the cluster set."""
        return f"KUBE-SVC-{self.suffix}"

    @property
    def svl_chain(self) -> str:
        """The chain that balances over the local set."""
        return f"KUBE-SVL-{self.suffix}"

    @property
    def ext_chain(self) -> str:
        """The chain every packet for an external destination goes through."""
        return f"KUBE-EXT-{self.suffix}"

    @property
    def fw_chain(self) -> str:
        """The chain that lets the source ranges through to a VIP."""
        return f"KUBE-FW-{self.suffix}"

    @property
    def internal_chain(self) -> str:
        """The chain that serves the ClusterIP."""
        return self.svl_chain if self.internal_is_local else self.svc_chain

    @property
    def is_external(self) -> bool:
        """Whether anything but the ClusterIP leads to it."""
        return bool(self.node_port or self.external_ips or self.vips)

    @property
    def has_endpoints(self) -> bool:
        """Whether any endpoint of the cluster can serve."""
        return self.backends.exist_anywhere

    @property
    def serves_internal(self) -> bool:
        """Whether the ClusterIP leads to an endpoint from this node."""
        return self.has_endpoints and not (self.internal_is_local and not self.backends.local)

    @property
    def serves_external(self) -> bool:
        """Whether an outsider's packet leads to an endpoint from this node."""
        return self.has_endpoints and not (self.external_is_local and not self.backends.local)

    @property
    def has_firewall(self) -> bool:
        """Whether its VIPs are for some sources only."""
        return bool(self.has_endpoints and self.vips and self.source_ranges)


def ports_of(served: ServiceEndpoints | None, node: ProxyNode, family: Family) -> list[ProxiedPort]:
    """Return the ports of one Service that kube-proxy serves on ``node``, by name.

    Headless Services, ExternalNames, those of another proxy and those without a ClusterIP of
    ``family`` have none; so has a Service that is not there.
    """
    if served is None or not served.service.is_proxied:
        return []
    service = served.service
    if not any(family.holds(ip) for ip in service.cluster_ips):
        return []
    backends = backends_by_port(served.slices, node, family)
    return [
        _proxied_port(service, port, node, family, backends)
        for port in sorted(service.ports, key=lambda port: (port.name, port.protocol, port.port))
    ]


def _proxied_port(
    service: Service,
    port: ServicePort,
    node: ProxyNode,
    family: Family,
    backends: Mapping[PortKey, Sequence[Backend]],
) -> ProxiedPort:
    name = service_port_name(service.namespace, service.name, port.name)
    key = PortKey(
        namespace=service.namespace, service=service.name, port=port.name, protocol=port.protocol
    )
    external_ips = tuple(_of(family, service.external_ips))
    vips = tuple(_of(family, service.load_balancer_vips))
    internal_is_local = service.internal_traffic_policy == "Local"
    external_is_local = service.external_traffic_policy == "Local"
    is_external = bool(port.node_port or external_ips or vips)
    return ProxiedPort(
        name=name,
        protocol=port.protocol.lower(),
        cluster_ip=next(_of(family, service.cluster_ips)),
        port=port.port,
        node_port=port.node_port,
        external_ips=external_ips,
        vips=vips,
        source_ranges=_source_ranges(service, family),
        health_check_node_port=_health_check(service),
        affinity_timeout_s=(
            service.session_affinity_timeout_s if service.session_affinity == "ClientIP" else None
        ),
        internal_is_local=internal_is_local,
        external_is_local=external_is_local,
        suffix=port_hash(name, port.protocol.lower()),
        backends=select_backends(
            backends.get(key, ()),
            node,
            uses_cluster=not internal_is_local or is_external,
            uses_local=internal_is_local or (external_is_local and is_external),
        ),
    )


def _of(family: Family, addresses: Iterable[Address]) -> Iterator[Address]:
    return (address for address in addresses if family.holds(address))


def _source_ranges(service: Service, family: Family) -> tuple[Network, ...]:
    """Return who may call the VIPs; empty for everybody, which a range of all addresses means too.

    Source: kube-proxy, ``pkg/proxy/serviceport.go`` (newBaseServiceInfo).
    """
    ranges = tuple(each for each in service.load_balancer_source_ranges if family.holds(each))
    return () if any(each.prefixlen == 0 for each in ranges) else ranges


def _health_check(service: Service) -> int | None:
    """Return the port balancers ask; only a LoadBalancer with external policy Local has one."""
    if service.type == "LoadBalancer" and service.external_traffic_policy == "Local":
        return service.health_check_node_port
    return None
