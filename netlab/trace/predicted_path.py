"""Paths that a packet can take, as the rules and routes of every host predict them.

::

    PredictedPath > PredictedVisit > Hit                a rule that will match
                                   > PredictedRewrite   an address that NAT will change
                  > End
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from netlab.model.packets import AddrPort, Nat

if TYPE_CHECKING:  # rules as values cost a trace a tenth of its time, and few ask for a prediction
    from fractions import Fraction

    from netlab.netfilter.verdicts import Endpoints, Hit


class End(StrEnum):
    """How a packet's way ends."""

    DELIVERED = "delivered"
    """It comes to a host that has its destination address, with or without a socket for it."""
    DROPPED = "dropped"
    """By a rule."""
    REJECTED = "rejected"
    UNROUTED = "dropped by routing"
    UNSENT = "never sent"
    LOST = "lost"
    """Nobody has the address that it is sent to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedRewrite:
    """An address that changes in a host."""

    kind: Nat
    before: AddrPort
    after: AddrPort
    """Port 0 where the kernel chooses one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedVisit:
    """One stay in one host."""

    host: str
    hits: "tuple[Hit, ...]" = ()
    rewrites: tuple[PredictedRewrite, ...] = ()
    is_bridged: bool = False
    """It passes a bridge, and no rule or route of the host is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedPath:
    """One way that the first packet of a connection can go."""

    chance: "Fraction"
    """The chances of all ways add up to 1."""
    visits: tuple[PredictedVisit, ...]
    end: End
    destination: AddrPort
    """Whom it is for in the end."""
    alike: "Endpoints" = ()
    """Every endpoint with its chance, where this way stands for all; else nothing."""

    @property
    def host(self) -> str:
        """Where it ends."""
        return self.visits[-1].host

    def words(self) -> str:
        """Return the end as a person would say it."""
        match self.end:
            case End.DELIVERED:
                return f"delivered to {self.host}"
            case End.DROPPED | End.REJECTED:
                rule = self.visits[-1].hits[-1:]
                by = f" by {rule[0].table} {rule[0].rule.chain} #{rule[0].index}" if rule else ""
                return f"{self.end} on {self.host}{by}"
            case End.UNROUTED:
                return f"dropped on {self.host}: no route to {self.destination.address}"
            case End.UNSENT:
                return f"{self.host} sends nothing: no route to {self.destination.address}"
            case End.LOST:
                return f"lost behind {self.host}: no host has {self.destination.address}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that was predicted and not seen, or seen and not predicted."""

    host: str
    """Empty when it is about the way as a whole."""
    what: str
    """``way``, ``rules``, ``rewrites`` or ``end``."""
    predicted: str
    observed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the rules predicted, held against what the kernel did."""

    paths: tuple[PredictedPath, ...]
    """Every way, the likeliest first; empty when nothing could be predicted."""
    taken: int = 0
    """The way that comes nearest to what was seen."""
    differences: tuple[Difference, ...] = ()
    remarks: tuple[str, ...] = ()
    """What could not be predicted or compared, and why."""

    def holds(self) -> bool:
        """Tell whether something was predicted, and the kernel did just that."""
        return bool(self.paths) and not self.differences

    def endpoints(self) -> "dict[AddrPort, Fraction]":
        """Return the chance of each destination that a packet is delivered to."""
        chances: dict[AddrPort, Fraction] = {}
        for path in self.paths:
            if path.end is End.DELIVERED:
                before = chances.get(path.destination)
                chances[path.destination] = before + path.chance if before else path.chance
        return chances
