"""How kube-proxy tells a node's own pods from the rest.

Source: Kubernetes, ``pkg/proxy/util/localdetector.go``.
"""

from collections.abc import Iterable

from netlab.kube.kinds.service.view import ProxyNode
from netlab.model.addresses import Family, Network
from netlab.model.kube_proxy import DetectLocalMode, ProxyConfiguration
from netlab.netfilter.iptables.matches import InInterface, Match, Source


def local_match(
    configuration: ProxyConfiguration, node: ProxyNode, family: Family, *, inverted: bool = False
) -> Match | None:
    """Return the match for packets from pods, or from elsewhere when ``inverted``.

    None when nothing tells pods apart.
    """
    match configuration.detect_local_mode:
        case DetectLocalMode.CLUSTER_CIDR:
            return _from(configuration.cluster_cidrs, family, inverted=inverted)
        case DetectLocalMode.NODE_CIDR:
            return _from(node.pod_cidrs, family, inverted=inverted)
        case DetectLocalMode.BRIDGE_INTERFACE:
            return _by(configuration.bridge_interface, "", inverted=inverted)
        case DetectLocalMode.INTERFACE_NAME_PREFIX:
            return _by(configuration.interface_name_prefix, "+", inverted=inverted)


def _from(networks: Iterable[Network], family: Family, *, inverted: bool) -> Match | None:
    network = next((network for network in networks if family.holds(network)), None)
    return Source(network, inverted) if network is not None else None


def _by(ifname: str, rest: str, *, inverted: bool) -> Match | None:
    return InInterface(ifname + rest, inverted) if ifname else None
