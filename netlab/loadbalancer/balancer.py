"""A Service of type LoadBalancer as the cloud's load balancer serves it.

Source: Kubernetes, ``staging/src/k8s.io/cloud-provider/controllers/service/controller.go``, for
which nodes take part; KEP-1860 (ipMode); ``k8s.io/api/core/v1``, ServiceSpec.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from netlab.kube.kinds.service.load_balancer import addresses_of, class_of, proxy_protocol_of
from netlab.kube.objects import (
    items_of,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
)
from netlab.model.addresses import Address, Network, parse_cidr, parse_ip
from netlab.model.topology import LoadBalancerClass

PROXY_HEALTH_PORT: Final = 10256
"""kube-proxy's own, which answers for the node as a whole."""
HEALTH_PATH: Final = "/healthz"
EXCLUDE_LABEL: Final = "node.kubernetes.io/exclude-from-external-load-balancers"
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z", re.ASCII)
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?\Z", re.ASCII)
_TO_BE_DELETED: Final = "ToBeDeletedByClusterAutoscaler"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancerPort:
    """A port that the balancer takes connections on."""

    name: str
    protocol: str
    """``TCP``, ``UDP`` or ``SCTP``."""
    port: int
    node_port: int | None
    """Where a proxy reaches a node; None where none was allocated."""
    is_http: bool = False
    """Whether ``appProtocol`` says that HTTP is spoken."""

    def __post_init__(self) -> None:
        """Refuse what HAProxy would: one wrong number costs all balancers their configuration.

        Raises:
            ValueError: A number is no port.
        """
        for number in (self.port, self.node_port):
            if number is not None and not 0 < number < 1 << 16:
                raise ValueError(f"{number} is no port")


@dataclass(frozen=True, slots=True, kw_only=True)
class Balancer:
    """One Service's load balancer."""

    namespace: str
    name: str
    kind: LoadBalancerClass
    addresses: tuple[Address, ...]
    """One of each of the Service's families."""
    ports: tuple[BalancerPort, ...]
    health_port: int
    """Of every node: kube-proxy's, or the Service's own where its policy is Local."""
    source_ranges: tuple[Network, ...] = ()
    """Who may connect; empty for everybody."""
    proxy_protocol: str = ""
    """``v1`` or ``v2``; empty to speak none."""
    is_sticky: bool = False
    """Whether a client's connections go to the same node (``sessionAffinity: ClientIP``)."""

    def __post_init__(self) -> None:
        """Refuse a name that would not be one word of HAProxy's configuration.

        Raises:
            ValueError: It is none of Kubernetes'.
        """
        _require(_LABEL, self.namespace)
        _require(_LABEL, self.name)

    @property
    def key(self) -> str:
        """Namespace and name, as messages spell them."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancedNode:
    """A node that takes part."""

    name: str
    addresses: tuple[Address, ...]
    """InternalIPs."""

    def __post_init__(self) -> None:
        """Refuse a name that would not be one word of HAProxy's configuration.

        Raises:
            ValueError: It is none of Kubernetes'.
        """
        _require(_SUBDOMAIN, self.name)


def _require(form: re.Pattern[str], name: str) -> None:
    if not form.match(name):
        raise ValueError(f"{name!r} is no name")


def balancer_of(service: Mapping[str, Any], default: LoadBalancerClass) -> Balancer | None:
    """Return the balancer of a Service; None while it has no address, or is another's.

    Args:
        service: As stored.
        default: The kind of those that do not ask for one.
    """
    kind, addresses, spec = class_of(service, default), addresses_of(service), spec_of(service)
    if kind is None or not addresses:
        return None
    ranges = (parse_cidr(text.strip()) for text in spec.get("loadBalancerSourceRanges") or ())
    is_local = spec.get("externalTrafficPolicy") == "Local"
    return Balancer(
        namespace=namespace_of(service),
        name=name_of(service),
        kind=kind,
        addresses=addresses,
        ports=tuple(
            BalancerPort(
                name=port.get("name") or "",
                protocol=port.get("protocol") or "TCP",
                port=port["port"],
                node_port=port.get("nodePort") or None,
                is_http=str(port.get("appProtocol") or "").lower() == "http",
            )
            for port in items_of(spec, "ports")
        ),
        health_port=(spec.get("healthCheckNodePort") if is_local else 0) or PROXY_HEALTH_PORT,
        source_ranges=tuple(one for one in ranges if one is not None),
        proxy_protocol=proxy_protocol_of(service),
        is_sticky=spec.get("sessionAffinity") == "ClientIP",
    )


def balanced_nodes(nodes: Iterable[Mapping[str, Any]]) -> tuple[BalancedNode, ...]:
    """Return the nodes that load balancers send to, in the order of their names.

    Those that are not ready, are to be deleted, or carry the label that excludes them, do not take
    part; a node that is cordoned does.
    """
    found = [
        BalancedNode(
            name=name_of(node),
            addresses=tuple(
                address
                for one in items_of(status_of(node), "addresses")
                if one.get("type") == "InternalIP"
                and (address := parse_ip(one.get("address"))) is not None
            ),
        )
        for node in nodes
        if _takes_part(node)
    ]
    return tuple(sorted(found, key=lambda node: node.name))


def _takes_part(node: Mapping[str, Any]) -> bool:
    ready = [one for one in items_of(status_of(node), "conditions") if one.get("type") == "Ready"]
    taints = {one.get("key") for one in items_of(spec_of(node), "taints")}
    return (
        all(one.get("status") == "True" for one in ready)
        and EXCLUDE_LABEL not in labels_of(node)
        and _TO_BE_DELETED not in taints
    )
