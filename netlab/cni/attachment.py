"""What a CNI kind says of one pod: the pod's side, and the node's side of the wire."""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Interface, IPv6Interface, ip_network

from netlab.model.addresses import Address, Network
from netlab.model.links import Interface, Link, NetnsState, Route

ETH0 = "eth0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """Both ends of a pod's wire."""

    pod: NetnsState
    node_link: Link
    node_routes: tuple[Route, ...] = ()


def gateway(pod_cidr: Network) -> Address:
    """Return the first address of a node's pod network, which the node itself holds.

    >>> from ipaddress import ip_network
    >>> gateway(ip_network("10.244.1.0/24"))
    IPv4Address('10.244.1.1')
    """
    return pod_cidr[1]


def interface(address: Address, prefixlen: int | None = None) -> Interface:
    """Return ``address`` with a prefix length, by default that of a single host."""
    length = address.max_prefixlen if prefixlen is None else prefixlen
    if address.version == 4:
        return IPv4Interface((address, length))
    return IPv6Interface((address, length))


@lru_cache(maxsize=64)
def host_route(address: Address, ifname: str) -> Route:
    """Return the route to one address that is on the link; the pods of a node share one value."""
    return Route(destination=ip_network(address), ifname=ifname)


@lru_cache(maxsize=64)
def default_route(via: Address) -> Route:
    """Return the route of last resort, through ``via``."""
    return Route(destination=ip_network("0.0.0.0/0" if via.version == 4 else "::/0"), gateway=via)
