"""Words that every layer shares about packets: address families and transport protocols."""

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from netlab.model.topology import Address, Network


class Family(StrEnum):
    """An address family, as Kubernetes' ``ipFamilies`` spells it."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"

    def holds(self, address: Address | Network) -> bool:
        """Tell whether ``address`` is of this family."""
        return address.version == (4 if self is Family.IPV4 else 6)


def host_network(address: Address) -> Network:
    """Return the network that is ``address`` alone.

    What ``ip_network`` does, but without a detour through text: a large cluster needs many.

    >>> from ipaddress import ip_address
    >>> host_network(ip_address("192.0.2.1"))
    IPv4Network('192.0.2.1/32')
    """
    whole = (int(address), address.max_prefixlen)
    return IPv4Network(whole) if address.version == 4 else IPv6Network(whole)


class Protocol(StrEnum):
    """A transport protocol, as a ServicePort spells it."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"
