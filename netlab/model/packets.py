"""Words that every layer shares about packets."""

from enum import StrEnum
from typing import NamedTuple

from netlab.model.addresses import Address


class Protocol(StrEnum):
    """A transport protocol, as a ServicePort spells it."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"


class Direction(StrEnum):
    """The way a packet went through an interface, as its own host sees it."""

    IN = "in"
    OUT = "out"


class AddrPort(NamedTuple):
    """One end of a connection."""

    address: Address
    port: int
    """0 where the protocol has no ports."""

    def __str__(self) -> str:
        """Return ``address:port`` as a URL writes it, an IPv6 address in brackets."""
        if self.address.version == 6:
            return f"[{self.address}]:{self.port}"
        return f"{self.address}:{self.port}"


class AddressPair(NamedTuple):
    """Source and destination of a packet."""

    source: AddrPort
    destination: AddrPort

    def reversed(self) -> "AddressPair":
        """Return the pair an answer carries."""
        return AddressPair(self.destination, self.source)


class Nat(StrEnum):
    """What NAT did to an address."""

    DNAT = "DNAT"
    SNAT = "SNAT"
    UN_DNAT = "un-DNAT"
    """A reply gets back the source that the client called."""
    UN_SNAT = "un-SNAT"
    """A reply gets back the destination that the request came from."""
