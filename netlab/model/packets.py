"""Words that every layer shares about packets: address families and transport protocols."""

from enum import StrEnum

from netlab.model.topology import Address, Network


class Family(StrEnum):
    """An address family, as Kubernetes' ``ipFamilies`` spells it."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"

    def holds(self, address: Address | Network) -> bool:
        """Tell whether ``address`` is of this family."""
        return address.version == (4 if self is Family.IPV4 else 6)


class Protocol(StrEnum):
    """A transport protocol, as a ServicePort spells it."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"
