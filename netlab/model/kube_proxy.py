"""kube-proxy's configuration, for a topology's nodes and for files of a cluster's.

Source: Kubernetes, ``KubeProxyConfiguration`` (kubeproxy.config.k8s.io/v1alpha1).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Final

from netlab.model.addresses import Address, Family, Network, host_network

DEFAULT_MASQUERADE_BIT: Final = 14

_LOOPBACK: Final = IPv4Network("127.0.0.0/8")


class ProxyMode(StrEnum):
    """How kube-proxy speaks to the kernel."""

    IPTABLES = "iptables"
    NFTABLES = "nftables"
    """A table of its own; needs the program ``nft``."""


class DetectLocalMode(StrEnum):
    """What makes a packet come from a pod of this node or cluster."""

    CLUSTER_CIDR = "ClusterCIDR"
    NODE_CIDR = "NodeCIDR"
    BRIDGE_INTERFACE = "BridgeInterface"
    INTERFACE_NAME_PREFIX = "InterfaceNamePrefix"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfiguration:
    """What kube-proxy can be told, with its defaults."""

    mode: ProxyMode = ProxyMode.IPTABLES
    cluster_cidrs: tuple[Network, ...] = ()
    """All pods' addresses, at most one network a family."""
    detect_local_mode: DetectLocalMode = DetectLocalMode.CLUSTER_CIDR
    bridge_interface: str = ""
    interface_name_prefix: str = ""
    masquerade_all: bool = False
    """Masquerade every packet for a ClusterIP."""
    masquerade_bit: int = DEFAULT_MASQUERADE_BIT
    """The bit of the packet mark that asks for masquerading."""
    localhost_node_ports: bool = True
    """Whether NodePorts answer on 127.0.0.1; mode iptables and IPv4 only."""
    node_port_addresses: tuple[Network, ...] = ()
    """Local addresses in these networks answer for NodePorts; see ``node_port_networks``."""
    primary_node_ports: bool = False
    """Whether NodePorts answer on each node's first address of a family alone: ``for_node``."""
    random_fully: bool = True
    """Choose the source port of masqueraded connections at random."""
    conntrack_tcp_be_liberal: bool = False
    """Whether the kernel takes packets outside the TCP window for valid."""

    @property
    def masquerade_mark(self) -> int:
        """The mark with only the masquerade bit set."""
        return 1 << self.masquerade_bit

    def for_node(self, addresses: Iterable[Address]) -> "ProxyConfiguration":
        """Return what it means on a node with these addresses, its first ones first."""
        if not self.primary_node_ports:
            return self
        first = {address.version: address for address in reversed(list(addresses))}
        networks = tuple(map(host_network, sorted(first.values(), key=lambda one: one.version)))
        return replace(self, node_port_addresses=networks)

    def node_port_networks(self, family: Family) -> tuple[Network, ...]:
        """Return the networks whose local addresses answer for NodePorts; empty for all addresses.

        A family that ``node_port_addresses`` does not speak of is not restricted.

        Source: kube-proxy, ``pkg/proxy/util/nodeport_addresses.go`` (NewNodePortAddresses).
        """
        networks = tuple(each for each in self.node_port_addresses if family.holds(each))
        return () if any(each.prefixlen == 0 for each in networks) else networks

    def has_localhost_node_ports(self) -> bool:
        """Return whether NodePorts answer on 127.0.0.1, for which a node needs a sysctl."""
        networks = [network for network in self.node_port_addresses if network.version == 4]
        wanted = not networks or any(network.overlaps(_LOOPBACK) for network in networks)
        is_asked = self.localhost_node_ports and not self.primary_node_ports
        return self.mode is ProxyMode.IPTABLES and is_asked and wanted
