"""A node as the rest of the lab sees it: its addresses and its pods' networks."""

from dataclasses import dataclass
from typing import Final

from netlab.kube.fields import Object, addresses, networks, part, parts, text, texts
from netlab.model.addresses import Address, Network

ZONE_LABEL: Final = "topology.kubernetes.io/zone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node, as far as packets can tell."""

    name: str
    internal_ips: tuple[Address, ...] = ()
    external_ips: tuple[Address, ...] = ()
    pod_cidrs: tuple[Network, ...] = ()
    """One of each family; the first address of each is the gateway of the node's pods."""
    zone: str = ""

    @property
    def gateways(self) -> tuple[Address, ...]:
        """Its addresses on its pods' networks."""
        return tuple(cidr[1] for cidr in self.pod_cidrs if cidr.num_addresses > 1)


def node_of(obj: Object) -> Node:
    """Return the view of a Node object."""
    metadata, spec, status = part(obj, "metadata"), part(obj, "spec"), part(obj, "status")
    held = [(text(one, "type"), text(one, "address")) for one in parts(status, "addresses")]
    cidrs = dict.fromkeys([*texts(spec, "podCIDRs"), text(spec, "podCIDR")])
    return Node(
        name=text(metadata, "name"),
        internal_ips=addresses(address for kind, address in held if kind == "InternalIP"),
        external_ips=addresses(address for kind, address in held if kind == "ExternalIP"),
        pod_cidrs=networks(one for one in cidrs if one),
        zone=text(part(metadata, "labels"), ZONE_LABEL),
    )
