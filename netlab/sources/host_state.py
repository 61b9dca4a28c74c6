"""What a host's kernel holds besides rules and routes, as values: read when a verdict asks.

A packet's own evidence comes first. This is what the network was like just after, for the cause.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from netlab.model.addresses import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One interface."""

    index: int
    peer: int
    """Index of the other end of a veth pair, in its own namespace; 0 where there is none."""
    mtu: int
    """Bytes."""
    mac: str
    is_up: bool = True
    has_carrier: bool = True
    asks_neighbours: bool = True
    """Whether ARP and neighbour discovery are on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A socket that waits for callers."""

    protocol: str
    """``TCP`` or ``UDP``."""
    address: Address
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """What one namespace holds."""

    links: Mapping[str, Link] = field(default_factory=dict)
    """By name, without ``lo``."""
    addresses: frozenset[Address] = frozenset()
    """Those of all interfaces but ``lo``."""
    neighbours: Mapping[str, str] = field(default_factory=dict)
    """The MAC address known for each address."""
    listening: tuple[Listening, ...] = ()
    tracked: int = 0
    """Entries of connection tracking."""
    most_tracked: int = 0
    """How many there may be; 0 where that is not known."""
    tables: tuple[str, ...] = ()
    """Tables of nftables that are neither kube-proxy's nor iptables': ``bridge mine``."""
    has_policy_rules: bool = False
    """Whether ``ip rule`` has more than the three rules that every namespace has."""


UNKNOWN: Final = HostState()
"""Of a host that is gone."""

AskHost = Callable[[str], HostState]
"""Returns what a host holds now."""
