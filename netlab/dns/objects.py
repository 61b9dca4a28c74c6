"""What DNS reads of Kubernetes objects, as JSON decodes them.

Source: Kubernetes API, Service v1 and EndpointSlice discovery.k8s.io/v1; CoreDNS,
``plugin/kubernetes/object``, for what counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
SERVICE_NAME_LABEL = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of a Service or of an EndpointSlice."""

    name: str
    protocol: str
    """In lower case."""
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A Service."""

    namespace: str
    name: str
    cluster_ips: tuple[str, ...] = ()
    """Empty for a headless Service and for an ExternalName."""
    external_name: str = ""
    ports: tuple[Port, ...] = ()

    @property
    def is_headless(self) -> bool:
        """Whether its name stands for its endpoints."""
        return not self.cluster_ips and not self.external_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address behind a Service that is ready, or that is published all the same."""

    address: str
    hostname: str
    """What comes before the Service's name: the pod's ``hostname``, or the address with dashes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSlice:
    """A part of a Service's endpoints."""

    namespace: str
    service: str
    ports: tuple[Port, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()


def dashed(address: str) -> str:
    """Return an address as a name's label.

    >>> dashed("10.244.1.2"), dashed("fd00::2")
    ('10-244-1-2', 'fd00--2')
    """
    return address.replace(".", "-").replace(":", "-")


def service_of(obj: Object) -> Service:
    """Return what DNS reads of a Service."""
    spec = obj.get("spec") or {}
    external_name = spec.get("externalName") or ""
    is_external = spec.get("type") == "ExternalName"
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP")]
    metadata = obj["metadata"]
    return Service(
        namespace=metadata["namespace"],
        name=metadata["name"],
        cluster_ips=() if is_external else tuple(one for one in addresses if one and one != "None"),
        external_name=external_name.rstrip(".").lower() if is_external else "",
        ports=_ports(spec.get("ports")),
    )


def endpoint_slice_of(obj: Object) -> EndpointSlice:
    """Return what DNS reads of an EndpointSlice.

    An endpoint counts when it is ready. The endpoints of a Service that publishes those which are
    not ready (``publishNotReadyAddresses``) are marked as ready by who makes the slice.
    """
    metadata = obj["metadata"]
    return EndpointSlice(
        namespace=metadata["namespace"],
        service=(metadata.get("labels") or {}).get(SERVICE_NAME_LABEL, ""),
        ports=_ports(obj.get("ports")),
        endpoints=tuple(
            Endpoint(address=address, hostname=endpoint.get("hostname") or dashed(address))
            for endpoint in obj.get("endpoints") or []
            if (endpoint.get("conditions") or {}).get("ready") is not False
            for address in endpoint.get("addresses") or []
            if obj.get("addressType") != "FQDN"
        ),
    )


def _ports(ports: Any) -> tuple[Port, ...]:  # noqa: ANN401 (JSON)
    return tuple(
        Port(
            name=port.get("name") or "",
            protocol=(port.get("protocol") or "TCP").lower(),
            number=port.get("port") or 0,
        )
        for port in ports or []
    )
