"""kube-proxy's configuration, and how it tells a node's own pods from the rest.

Source: Kubernetes, ``KubeProxyConfiguration`` (kubeproxy.config.k8s.io/v1alpha1).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from netlab.kube.kinds.service.view import ProxyNode
from netlab.model.addresses import Family, Network
from netlab.model.topology import DetectLocalMode
from netlab.netfilter.iptables.matches import InInterface, Match, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfiguration:
    """What kube-proxy can be told, with its defaults."""

    cluster_cidrs: tuple[Network, ...] = ()
    """All pods' addresses, at most one network a family."""
    detect_local_mode: DetectLocalMode = DetectLocalMode.CLUSTER_CIDR
    bridge_interface: str = ""
    interface_name_prefix: str = ""
    masquerade_all: bool = False
    """Masquerade every packet for a ClusterIP."""
    masquerade_bit: int = 14
    """The bit of the packet mark that asks for masquerading."""
    localhost_node_ports: bool = True
    """Whether NodePorts answer on 127.0.0.1; IPv4 only."""
    node_port_addresses: tuple[Network, ...] = ()
    """Local addresses in these networks answer for NodePorts; see ``node_port_networks``."""
    random_fully: bool = True
    """Choose the source port of masqueraded connections at random."""
    conntrack_tcp_be_liberal: bool = False
    """Whether the kernel takes packets outside the TCP window for valid."""

    @property
    def masquerade_mark(self) -> int:
        """The mark with only the masquerade bit set."""
        return 1 << self.masquerade_bit

    def node_port_networks(self, family: Family) -> tuple[Network, ...]:
        """Return the networks whose local addresses answer for NodePorts; empty for all addresses.

        A family that ``node_port_addresses`` does not speak of is not restricted.

        Source: kube-proxy, ``pkg/proxy/util/nodeport_addresses.go`` (NewNodePortAddresses).
        """
        networks = tuple(each for each in self.node_port_addresses if family.holds(each))
        return () if any(each.prefixlen == 0 for each in networks) else networks

    def is_local_match(
        self, node: ProxyNode, family: Family, *, inverted: bool = False
    ) -> Match | None:
        """Return the match for packets from pods, or from elsewhere when ``inverted``.

        None when nothing tells pods apart.
        """
        match self.detect_local_mode:
            case DetectLocalMode.CLUSTER_CIDR:
                return _from(self.cluster_cidrs, family, inverted=inverted)
            case DetectLocalMode.NODE_CIDR:
                return _from(node.pod_cidrs, family, inverted=inverted)
            case DetectLocalMode.BRIDGE_INTERFACE:
                return _by(self.bridge_interface, "", inverted=inverted)
            case DetectLocalMode.INTERFACE_NAME_PREFIX:
                return _by(self.interface_name_prefix, "+", inverted=inverted)


def _from(networks: Iterable[Network], family: Family, *, inverted: bool) -> Match | None:
    network = next((network for network in networks if family.holds(network)), None)
    return Source(network, inverted) if network is not None else None


def _by(ifname: str, rest: str, *, inverted: bool) -> Match | None:
    return InInterface(ifname + rest, inverted) if ifname else None
