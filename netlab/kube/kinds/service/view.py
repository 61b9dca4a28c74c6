"""Typed views of the Kubernetes objects that decide where a Service's packets go.

Each ``..._of`` function reads a plain object, as JSON decodes it, and fills in Kubernetes' defaults
for what is missing. They never fail: a field of the wrong type counts as missing, and an address
that is none is left out, as kube-proxy leaves it out. Telling users what is wrong with an object is
the API's work.

Source: Kubernetes API reference, Service v1 and EndpointSlice discovery.k8s.io/v1.
"""

from dataclasses import dataclass
from typing import Final

from netlab.kube.fields import (
    Object,
    addresses,
    flag,
    networks,
    number,
    part,
    parts,
    text,
    texts,
)
from netlab.kube.kinds.service.load_balancer import addresses_of
from netlab.model.addresses import Address, Network
from netlab.model.packets import Protocol

SERVICE_NAME_LABEL: Final = "kubernetes.io/service-name"
SERVICE_PROXY_LABELS: Final = (
    "service.kubernetes.io/service-proxy-name",
    "service.kubernetes.io/headless",
)
"""kube-proxy does not look at Services and EndpointSlices with one of them, whatever its value."""
AFFINITY_TIMEOUT_S: Final = 10_800
"""Three hours, the default of ``sessionAffinityConfig.clientIP.timeoutSeconds``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePort:
    """One port of a Service."""

    name: str = ""
    protocol: Protocol = Protocol.TCP
    port: int
    target_port: int | str
    """A number, or the name of a container's port."""
    node_port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A Service, as far as packets can tell."""

    namespace: str
    name: str
    type: str = "ClusterIP"
    cluster_ips: tuple[Address, ...] = ()
    """Empty for a headless Service and for an ExternalName."""
    ports: tuple[ServicePort, ...] = ()
    external_ips: tuple[Address, ...] = ()
    load_balancer_vips: tuple[Address, ...] = ()
    """Ingress addresses of ipMode VIP: those whose packets arrive with the address unchanged."""
    ingress_ips: tuple[Address, ...] = ()
    """Every address of its load balancer, whatever the ipMode."""
    balancer_addresses: tuple[Address, ...] = ()
    """Where its load balancer answers: those addresses, or the ones behind its host name."""
    load_balancer_source_ranges: tuple[Network, ...] = ()
    """Empty lets everybody in."""
    internal_traffic_policy: str = "Cluster"
    external_traffic_policy: str = "Cluster"
    health_check_node_port: int | None = None
    session_affinity: str = "None"
    session_affinity_timeout_s: int = AFFINITY_TIMEOUT_S
    is_skipped: bool = False
    """Whether a label keeps kube-proxy from it."""
    is_headless: bool = False
    """Whether it has no address of its own, and its name means its endpoints."""
    external_name: str = ""
    """What an ExternalName stands for."""

    @property
    def is_external(self) -> bool:
        """Whether packets from outside the cluster can be for it."""
        return self.type in {"NodePort", "LoadBalancer"} or bool(self.external_ips)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Every address that it can be called at."""
        return (*self.cluster_ips, *self.external_ips, *self.ingress_ips)

    @property
    def is_proxied(self) -> bool:
        """Whether kube-proxy lays rules for it."""
        return bool(self.cluster_ips) and not self.is_skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPort:
    """One port of an EndpointSlice, the same on all of its endpoints."""

    name: str = ""
    protocol: Protocol = Protocol.TCP
    port: int | None = None
    """None stands for all ports, which kube-proxy cannot serve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One backend in an EndpointSlice."""

    addresses: tuple[Address, ...]
    """kube-proxy uses the first; the rest mean the same endpoint."""
    pod: str = ""
    """The name of the pod behind it; empty where it is none."""
    node_name: str | None = None
    zone: str | None = None
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    zone_hints: frozenset[str] = frozenset()
    node_hints: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSlice:
    """A part of a Service's endpoints."""

    namespace: str
    name: str
    service_name: str
    """Empty for a slice that belongs to no Service."""
    is_skipped: bool = False
    """Whether a label keeps kube-proxy from it."""
    address_type: str = "IPv4"
    ports: tuple[EndpointPort, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyNode:
    """The node that a ruleset is for."""

    name: str
    addresses: tuple[Address, ...]
    """Addresses local to the node, loopback aside; the first of a family is its node IP."""
    pod_cidrs: tuple[Network, ...] = ()
    zone: str = ""


def service_of(obj: Object) -> Service:
    """Return the view of a Service object."""
    metadata, spec = part(obj, "metadata"), part(obj, "spec")
    kind = text(spec, "type", "ClusterIP")
    client_ip = part(part(spec, "sessionAffinityConfig"), "clientIP")
    return Service(
        namespace=text(metadata, "namespace", "default"),
        name=text(metadata, "name"),
        type=kind,
        cluster_ips=() if kind == "ExternalName" else _cluster_ips(spec),
        ports=tuple(_service_port_of(port) for port in parts(spec, "ports")),
        external_ips=addresses(texts(spec, "externalIPs")),
        load_balancer_vips=_ingress(obj, "VIP") if kind == "LoadBalancer" else (),
        ingress_ips=_ingress(obj) if kind == "LoadBalancer" else (),
        balancer_addresses=addresses_of(obj) if kind == "LoadBalancer" else (),
        load_balancer_source_ranges=networks(texts(spec, "loadBalancerSourceRanges")),
        internal_traffic_policy=text(spec, "internalTrafficPolicy", "Cluster"),
        external_traffic_policy=text(spec, "externalTrafficPolicy", "Cluster"),
        health_check_node_port=number(spec, "healthCheckNodePort") or None,
        session_affinity=text(spec, "sessionAffinity", "None"),
        session_affinity_timeout_s=number(client_ip, "timeoutSeconds") or AFFINITY_TIMEOUT_S,
        is_skipped=_is_skipped(metadata),
        is_headless="None" in (*texts(spec, "clusterIPs"), text(spec, "clusterIP")),
        external_name=text(spec, "externalName"),
    )


def endpoint_slice_of(obj: Object) -> EndpointSlice:
    """Return the view of an EndpointSlice object."""
    metadata = part(obj, "metadata")
    return EndpointSlice(
        namespace=text(metadata, "namespace", "default"),
        name=text(metadata, "name"),
        service_name=text(part(metadata, "labels"), SERVICE_NAME_LABEL),
        is_skipped=_is_skipped(metadata),
        address_type=text(obj, "addressType", "IPv4"),
        ports=tuple(
            EndpointPort(
                name=text(port, "name"),
                protocol=_protocol(port),
                port=number(port, "port"),
            )
            for port in parts(obj, "ports")
        ),
        endpoints=tuple(_endpoint_of(endpoint) for endpoint in parts(obj, "endpoints")),
    )


def _is_skipped(metadata: Object) -> bool:
    """Tell whether kube-proxy asks the API server to leave an object out.

    Source: Kubernetes, ``cmd/kube-proxy/app/server.go`` (Run).
    """
    return any(label in part(metadata, "labels") for label in SERVICE_PROXY_LABELS)


def _service_port_of(port: Object) -> ServicePort:
    own = number(port, "port") or 0
    target = port.get("targetPort")
    return ServicePort(
        name=text(port, "name"),
        protocol=_protocol(port),
        port=own,
        target_port=target if isinstance(target, int | str) and target else own,
        node_port=number(port, "nodePort") or None,
    )


def _endpoint_of(endpoint: Object) -> Endpoint:
    conditions, hints = part(endpoint, "conditions"), part(endpoint, "hints")
    target = part(endpoint, "targetRef")
    ready = flag(conditions, "ready", default=True)
    return Endpoint(
        addresses=addresses(texts(endpoint, "addresses")),
        pod=text(target, "name") if text(target, "kind") == "Pod" else "",
        node_name=text(endpoint, "nodeName") or None,
        zone=text(endpoint, "zone") or None,
        ready=ready,
        serving=flag(conditions, "serving", default=True),
        terminating=flag(conditions, "terminating", default=False),
        zone_hints=frozenset(text(zone, "name") for zone in parts(hints, "forZones")),
        node_hints=frozenset(text(node, "name") for node in parts(hints, "forNodes")),
    )


def _cluster_ips(spec: Object) -> tuple[Address, ...]:
    return addresses(texts(spec, "clusterIPs") or [text(spec, "clusterIP")])


def _ingress(obj: Object, mode: str = "") -> tuple[Address, ...]:
    """Return the load balancer's addresses, those of one ipMode or all."""
    ingress = parts(part(part(obj, "status"), "loadBalancer"), "ingress")
    wanted = (one for one in ingress if not mode or text(one, "ipMode", "VIP") == mode)
    return addresses(text(one, "ip") for one in wanted)


def _protocol(port: Object) -> Protocol:
    name = text(port, "protocol", "TCP")
    return Protocol(name) if name in set(Protocol) else Protocol.TCP
