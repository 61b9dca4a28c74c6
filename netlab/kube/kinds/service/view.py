"""Typed views of the Kubernetes objects that decide where a Service's packets go.

Each ``..._of`` function reads a plain object, as JSON decodes it, and fills in Kubernetes' defaults
for what is missing. They never fail: a field of the wrong type counts as missing, and an address
that is none is left out, as kube-proxy leaves it out. Telling users what is wrong with an object is
the API's work.

Source: Kubernetes API reference, Service v1 and EndpointSlice discovery.k8s.io/v1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from netlab.model.addresses import Address, Network, parse_cidr, parse_ip
from netlab.model.packets import Protocol

SERVICE_NAME_LABEL: Final = "kubernetes.io/service-name"
LEFT_ALONE_LABELS: Final = (
    "service.kubernetes.io/service-proxy-name",
    "service.kubernetes.io/headless",
)
"""kube-proxy does not look at Services and EndpointSlices with one of them, whatever its value."""
AFFINITY_TIMEOUT_S: Final = 10_800
"""Three hours, the default of ``sessionAffinityConfig.clientIP.timeoutSeconds``."""

Object = Mapping[str, object]
"""A Kubernetes object, or a part of one, as JSON decodes it."""


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
    load_balancer_source_ranges: tuple[Network, ...] = ()
    """Empty lets everybody in."""
    internal_traffic_policy: str = "Cluster"
    external_traffic_policy: str = "Cluster"
    health_check_node_port: int | None = None
    session_affinity: str = "None"
    session_affinity_timeout_s: int = AFFINITY_TIMEOUT_S
    is_left_alone: bool = False
    """Whether a label keeps kube-proxy from it."""

    @property
    def is_proxied(self) -> bool:
        """Whether kube-proxy lays rules for it."""
        return bool(self.cluster_ips) and not self.is_left_alone


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
    """Empty for a slice that belongs to no Service, or that a label keeps kube-proxy from."""
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
    metadata, spec = _part(obj, "metadata"), _part(obj, "spec")
    kind = _text(spec, "type", "ClusterIP")
    client_ip = _part(_part(spec, "sessionAffinityConfig"), "clientIP")
    return Service(
        namespace=_text(metadata, "namespace", "default"),
        name=_text(metadata, "name"),
        type=kind,
        cluster_ips=() if kind == "ExternalName" else _cluster_ips(spec),
        ports=tuple(_service_port_of(port) for port in _parts(spec, "ports")),
        external_ips=_addresses(_texts(spec, "externalIPs")),
        load_balancer_vips=_vips(obj) if kind == "LoadBalancer" else (),
        load_balancer_source_ranges=_networks(_texts(spec, "loadBalancerSourceRanges")),
        internal_traffic_policy=_text(spec, "internalTrafficPolicy", "Cluster"),
        external_traffic_policy=_text(spec, "externalTrafficPolicy", "Cluster"),
        health_check_node_port=_number(spec, "healthCheckNodePort") or None,
        session_affinity=_text(spec, "sessionAffinity", "None"),
        session_affinity_timeout_s=_number(client_ip, "timeoutSeconds") or AFFINITY_TIMEOUT_S,
        is_left_alone=_is_left_alone(metadata),
    )


def endpoint_slice_of(obj: Object) -> EndpointSlice:
    """Return the view of an EndpointSlice object."""
    metadata = _part(obj, "metadata")
    return EndpointSlice(
        namespace=_text(metadata, "namespace", "default"),
        name=_text(metadata, "name"),
        service_name=(
            "" if _is_left_alone(metadata) else _text(_part(metadata, "labels"), SERVICE_NAME_LABEL)
        ),
        address_type=_text(obj, "addressType", "IPv4"),
        ports=tuple(
            EndpointPort(
                name=_text(port, "name"),
                protocol=_protocol(port),
                port=_number(port, "port"),
            )
            for port in _parts(obj, "ports")
        ),
        endpoints=tuple(_endpoint_of(endpoint) for endpoint in _parts(obj, "endpoints")),
    )


def _is_left_alone(metadata: Object) -> bool:
    """Tell whether kube-proxy asks the API server to leave an object out.

    Source: Kubernetes, ``cmd/kube-proxy/app/server.go`` (Run).
    """
    return any(label in _part(metadata, "labels") for label in LEFT_ALONE_LABELS)


def _service_port_of(port: Object) -> ServicePort:
    number = _number(port, "port") or 0
    target = port.get("targetPort")
    return ServicePort(
        name=_text(port, "name"),
        protocol=_protocol(port),
        port=number,
        target_port=target if isinstance(target, int | str) and target else number,
        node_port=_number(port, "nodePort") or None,
    )


def _endpoint_of(endpoint: Object) -> Endpoint:
    conditions, hints = _part(endpoint, "conditions"), _part(endpoint, "hints")
    ready = _flag(conditions, "ready", default=True)
    return Endpoint(
        addresses=_addresses(_texts(endpoint, "addresses")),
        node_name=_text(endpoint, "nodeName") or None,
        zone=_text(endpoint, "zone") or None,
        ready=ready,
        serving=_flag(conditions, "serving", default=True),
        terminating=_flag(conditions, "terminating", default=False),
        zone_hints=frozenset(_text(zone, "name") for zone in _parts(hints, "forZones")),
        node_hints=frozenset(_text(node, "name") for node in _parts(hints, "forNodes")),
    )


def _cluster_ips(spec: Object) -> tuple[Address, ...]:
    return _addresses(_texts(spec, "clusterIPs") or [_text(spec, "clusterIP")])


def _vips(obj: Object) -> tuple[Address, ...]:
    ingress = _parts(_part(_part(obj, "status"), "loadBalancer"), "ingress")
    return _addresses(
        [_text(place, "ip") for place in ingress if _text(place, "ipMode", "VIP") == "VIP"]
    )


def _protocol(port: Object) -> Protocol:
    text = _text(port, "protocol", "TCP")
    return Protocol(text) if text in set(Protocol) else Protocol.TCP


def _addresses(texts: list[str]) -> tuple[Address, ...]:
    """Return the addresses among ``texts``; ``None`` of a headless Service is not one."""
    return tuple(address for text in texts if (address := parse_ip(text)) is not None)


def _networks(texts: list[str]) -> tuple[Network, ...]:
    return tuple(found for text in texts if (found := parse_cidr(text.strip())) is not None)


def _part(obj: Object, key: str) -> Object:
    value = obj.get(key)
    return value if isinstance(value, Mapping) else {}


def _parts(obj: Object, key: str) -> list[Object]:
    value = obj.get(key)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _texts(obj: Object, key: str) -> list[str]:
    value = obj.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _text(obj: Object, key: str, default: str = "") -> str:
    value = obj.get(key)
    return value if isinstance(value, str) and value else default


def _number(obj: Object, key: str) -> int | None:
    value = obj.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _flag(obj: Object, key: str, *, default: bool) -> bool:
    value = obj.get(key)
    return value if isinstance(value, bool) else default
