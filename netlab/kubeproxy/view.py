"""Kubernetes objects to what the rules of one node are compiled from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import nearest
from netlab.errors import SpecError
from netlab.kube.kinds.node_view import node_of
from netlab.kube.kinds.service.view import (
    EndpointSlice,
    ProxyNode,
    Service,
    endpoint_slice_of,
    service_of,
)
from netlab.kube.metadata import text_of
from netlab.kube.proxy_configuration import configuration_of
from netlab.kube.proxy_objects import ProxyObjects
from netlab.model.addresses import Family, Network, parse_cidr
from netlab.model.kube_proxy import ProxyConfiguration, ProxyMode

Object = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyView:
    """What kube-proxy on one node knows."""

    node: ProxyNode
    services: tuple[Service, ...]
    slices: tuple[EndpointSlice, ...]
    service_cidrs: tuple[Network, ...] = ()
    """Where ClusterIPs come from, of all ServiceCIDRs; nftables mode alone asks for it."""
    configuration: ProxyConfiguration

    @property
    def mode(self) -> ProxyMode:
        """Of kube-proxy."""
        return self.configuration.mode

    @property
    def family(self) -> Family:
        """The family of the node's first address."""
        first = next(iter(self.node.addresses), None)
        return next((family for family in Family if first and family.holds(first)), Family.IPV4)


def proxy_view(objects: ProxyObjects, node_name: str, mode: ProxyMode | None = None) -> ProxyView:
    """Return what kube-proxy on the node called ``node_name`` knows.

    Args:
        objects: Checked; see ``netlab.kube.proxy_objects``.
        node_name: Of a Node among them.
        mode: Instead of the configuration's.

    Raises:
        SpecError: There is no such Node, or it has no address.
    """
    node = proxy_node_of(_node_called(node_name, objects))
    if not node.addresses:
        hint = "status.addresses needs one of type InternalIP"
        raise SpecError(f"Node {node_name} has no IP address", hint=hint)
    return ProxyView(
        node=node,
        services=tuple(map(service_of, objects.of_kind("Service"))),
        slices=tuple(map(endpoint_slice_of, objects.of_kind("EndpointSlice"))),
        service_cidrs=_service_cidrs(objects.of_kind("ServiceCIDR")),
        configuration=configuration_of(objects.configuration, mode).for_node(node.addresses),
    )


def proxy_node_of(obj: Object) -> ProxyNode:
    """Return the view of a Node object.

    Its addresses are its InternalIPs. ExternalIPs, which most clouds translate before a packet
    arrives, count for a family without any InternalIP only.

    Source: Kubernetes, ``pkg/util/node`` (GetNodeHostIPs).
    """
    node = node_of(obj)
    held = {address.version for address in node.internal_ips}
    return ProxyNode(
        name=node.name,
        addresses=(
            *node.internal_ips,
            *(one for one in node.external_ips if one.version not in held),
        ),
        pod_cidrs=node.pod_cidrs,
        zone=node.zone,
    )


def _node_called(name: str, objects: ProxyObjects) -> Object:
    nodes = {
        text_of(mapping(node.get("metadata")), "name"): node for node in objects.of_kind("Node")
    }
    if name in nodes:
        return nodes[name]
    if not nodes:
        raise SpecError(f"no Node {name}: the files hold none", hint="add its Node object")
    hint = nearest(name, nodes) or f"the files hold {', '.join(sorted(nodes)[:5])}"
    raise SpecError(f"no Node {name} in the files", hint=hint)


def _networks(texts: Iterable[str]) -> tuple[Network, ...]:
    return tuple(found for text in texts if (found := parse_cidr(text.strip())) is not None)


def _service_cidrs(objects: Iterable[Object]) -> tuple[Network, ...]:
    found = (mapping(each.get("spec")).get("cidrs") for each in objects)
    return _networks(dict.fromkeys(str(cidr) for cidrs in found for cidr in entries(cidrs)))
