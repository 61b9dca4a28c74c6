"""What every network namespace of a lab must hold.

A ``LabState`` maps the name of each namespace to its ``NetnsState``. The same values describe what
the plan wants and what the kernel holds, so that the two can be compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Interface

from netlab.model.addresses import Address, Network
from netlab.model.names import NetnsName

Interface = IPv4Interface | IPv6Interface
"""An address with its prefix length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The other end of a veth pair."""

    netns: NetnsName
    ifname: str
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A network interface, up, with its addresses: a veth end, or a bridge when it has no peer."""

    ifname: str
    mac: str
    mtu: int
    addresses: tuple[Interface, ...] = ()
    master: str | None = None
    """The bridge that this link is a port of."""
    hairpin: bool = False
    """Whether the bridge sends a frame back out of the port it came in by."""
    peer: Peer | None = field(default=None, compare=False)
    """Not compared: the MAC address, a digest of netns and ifname, says whose link it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextHop:
    """One of the ways of a route that has several."""

    gateway: Address
    weight: int = 1
    """Its share of the connections, beside the other ways' weights; 1 to 256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An entry of the main routing table."""

    destination: Network
    ifname: str | None = None
    gateway: Address | None = None
    """None for what is on the link itself."""
    nexthops: tuple[NextHop, ...] = ()
    """Two or more ways, over which the kernel spreads connections; then there is no gateway."""
    is_unreachable: bool = False
    """Whether packets for the destination are refused, with an ICMP error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sysctl:
    """A kernel setting of one namespace."""

    key: str
    value: str
    if_present: bool = field(default=False, compare=False)
    """The setting may be absent, with a module that is not loaded (br_netfilter); then it is left
    out. Not compared: what a namespace holds is there."""
    fallback: str = field(default="", compare=False)
    """The value for kernels that do not know the first one; empty when all do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetnsState:
    """One network namespace; the loopback interface is always up and not listed."""

    sysctls: tuple[Sysctl, ...] = ()
    links: tuple[Link, ...] = ()
    """In the order of creation: a bridge comes before its ports."""
    routes: tuple[Route, ...] = ()
    """In the order of creation: the route to a gateway comes before the routes through it."""


LabState = Mapping[NetnsName, NetnsState]
