"""Addresses and their families."""

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Family(StrEnum):
    """An address family, as Kubernetes' ``ipFamilies`` spells it."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"

    def holds(self, address: Address | Network) -> bool:
        """Tell whether ``address`` is of this family."""
        return address.version == (4 if self is Family.IPV4 else 6)


def family_of(address: Address | Network) -> Family:
    """Return the family that ``address`` is of."""
    return Family.IPV4 if address.version == 4 else Family.IPV6


def host_network(address: Address) -> Network:
    """Return the network that is ``address`` alone.

    What ``ip_network`` does, but without a detour through text: a large cluster needs many.

    >>> from ipaddress import ip_address
    >>> host_network(ip_address("192.0.2.1"))
    IPv4Network('192.0.2.1/32')
    """
    whole = (int(address), address.max_prefixlen)
    return IPv4Network(whole) if address.version == 4 else IPv6Network(whole)
