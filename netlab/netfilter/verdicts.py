"""A packet at a node, and what the rules can do with it."""

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Final, Protocol

from netlab.model.addresses import Address
from netlab.model.packets import AddrPort

NEW: Final = frozenset({"NEW"})
DNAT: Final = "DNAT"
SNAT: Final = "SNAT"
"""States of a connection whose destination, or source, a rule has chosen."""
ANY_SOURCE_PORT: Final = 32768
"""The first port that Linux gives to outgoing connections (``ip_local_port_range``)."""


Endpoints = tuple[tuple[AddrPort, Fraction], ...]
"""Each destination that NAT may pick, with its chance, in the order of the rules."""


class Hook(StrEnum):
    """A place in the kernel where packets meet rules; also the built-in chain's name."""

    PREROUTING = "PREROUTING"
    INPUT = "INPUT"
    FORWARD = "FORWARD"
    OUTPUT = "OUTPUT"
    POSTROUTING = "POSTROUTING"


class Verdict(StrEnum):
    """What becomes of a packet."""

    ENDPOINTS = "ENDPOINTS"
    """Its destination was rewritten, and it passes."""
    ACCEPT = "ACCEPT"
    """A rule of table filter lets it pass; its destination stays."""
    DROP = "DROP"
    REJECT = "REJECT"
    NONE = "NONE"
    """No rule decides: it follows the routes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """A packet as it enters a node, or as a process of the node sends it."""

    source: Address
    destination: Address
    protocol: str
    """As ``Protocol`` spells it, or another that has no ports, such as ``ICMP``."""
    destination_port: int
    source_port: int = ANY_SOURCE_PORT
    is_made_here: bool = False
    """Whether a process of the node sends it: it meets OUTPUT instead of PREROUTING."""
    in_interface: str = ""
    """Where it came in; empty when it did not, or when nobody knows. Matches no ``-i`` then."""
    out_interface: str | None = None
    """Where it leaves; empty when it does not, None when nobody knows its route."""
    states: frozenset[str] = NEW
    """What conntrack says of it, in the words of ``--ctstate``."""
    mark: int = 0


class HitRule(Protocol):
    """What rules of iptables and of nftables have in common; ``str`` of one is its text."""

    @property
    def chain(self) -> str:
        """The chain it is in."""

    @property
    def comment(self) -> str:
        """What it says of itself; maybe nothing."""

    @property
    def leads_to(self) -> str:
        """The chain that it sends packets to; empty when it does not."""

    @property
    def is_dnat(self) -> bool:
        """Whether it rewrites the destination."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matched."""

    table: str
    rule: HitRule
    index: int = field(default=0, compare=False)
    """Number of the rule in its chain, from 1; 0 when nobody counted."""

    def __str__(self) -> str:
        return f"{self.table}: {self.rule}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One way a packet can go."""

    verdict: Verdict
    chance: Fraction
    """The chances of all outcomes of a packet add up to 1."""
    destination: Address
    destination_port: int
    is_masqueraded: bool
    """Whether its source becomes an address of the interface it leaves by."""
    source: Address
    """Its source when no interface's address replaces it."""
    hits: tuple[Hit, ...]
    """The rules that matched, in the packet's order."""
    alike: Endpoints = ()
    """Every endpoint with its chance, where one outcome stands for all; else nothing."""

    @property
    def endpoint(self) -> str | None:
        """The rewritten destination as ``address:port``; None when no endpoint gets the packet."""
        if self.verdict is not Verdict.ENDPOINTS:
            return None
        host = self.destination
        return f"{host if host.version == 4 else f'[{host}]'}:{self.destination_port}"
