"""Kubernetes objects to what the rules of one node are compiled from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

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
from netlab.kube.proxy_configuration import PRIMARY
from netlab.kube.proxy_objects import ProxyObjects
from netlab.kubeproxy.configuration import ProxyConfiguration
from netlab.model.addresses import Family, Network, parse_cidr
from netlab.model.topology import DetectLocalMode, ProxyMode

Object = Mapping[str, object]

_MASQUERADE_BIT: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyView:
    """What kube-proxy on one node knows."""

    node: ProxyNode
    services: tuple[Service, ...]
    slices: tuple[EndpointSlice, ...]
    service_cidrs: tuple[Network, ...] = ()
    """Where ClusterIPs come from, of all ServiceCIDRs; nftables mode alone asks for it."""
    configuration: ProxyConfiguration
    mode: ProxyMode

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
    wanted = mode or ProxyMode(text_of(objects.configuration, "mode", ProxyMode.IPTABLES))
    return ProxyView(
        node=node,
        services=tuple(map(service_of, objects.of_kind("Service"))),
        slices=tuple(map(endpoint_slice_of, objects.of_kind("EndpointSlice"))),
        service_cidrs=_service_cidrs(objects.of_kind("ServiceCIDR")),
        configuration=configuration_of(objects.configuration, wanted, node),
        mode=wanted,
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


def configuration_of(obj: Object, mode: ProxyMode, node: ProxyNode) -> ProxyConfiguration:
    """Return the view of a KubeProxyConfiguration; an empty one has kube-proxy's defaults."""
    own = mapping(obj.get(mode))
    detect_local = mapping(obj.get("detectLocal"))
    bit, localhost = own.get("masqueradeBit"), own.get("localhostNodePorts")
    return ProxyConfiguration(
        cluster_cidrs=_networks(text_of(obj, "clusterCIDR").split(",")),
        detect_local_mode=DetectLocalMode(
            text_of(obj, "detectLocalMode", DetectLocalMode.CLUSTER_CIDR)
        ),
        bridge_interface=text_of(detect_local, "bridgeInterface"),
        interface_name_prefix=text_of(detect_local, "interfaceNamePrefix"),
        masquerade_all=own.get("masqueradeAll") is True,
        masquerade_bit=bit if isinstance(bit, int) else _MASQUERADE_BIT,
        localhost_node_ports=localhost is not False,
        node_port_addresses=_node_port_addresses(entries(obj.get("nodePortAddresses")), node),
        conntrack_tcp_be_liberal=mapping(obj.get("conntrack")).get("tcpBeLiberal") is True,
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


def _node_port_addresses(texts: list[object], node: ProxyNode) -> tuple[Network, ...]:
    if texts != [PRIMARY]:
        return _networks(map(str, texts))
    first = {address.version: address for address in reversed(node.addresses)}
    return tuple(map(ip_network, first.values()))
