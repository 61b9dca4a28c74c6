"""The kernel-true way of each packet of a connection.

::

    Trace > Packet > Visit > Hop    an interface passed
                           > Step   what rules, NAT, routing and connection tracking did between
          > Verdict                 how it ended, and by what

A packet is one frame of the network layer on all its wires; a visit is one stay of it in one
namespace. Each statement comes from the kernel: hops from capture rings, rules and rewrites from
the rule trace, entries from conntrack events, routes from the namespace's own routing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from netlab.model.packets import AddressPair, AddrPort, Nat
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.sources.packet_key import PacketKey
from netlab.trace.paths import Hop, Way

DROP_SOURCE: Final = "kfree_skb"
"""The kernel's tracepoint at which each packet passes that is thrown away."""


class Result(StrEnum):
    """How a packet or a connection ended."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """The packet reached a host that has no socket for it."""
    REJECTED = "rejected"
    """A rule refused it and said so to the sender."""
    DROPPED = "dropped"
    """A rule, or the kernel's routing, threw it away."""
    LOST = "lost"
    """It was seen, then nowhere; what became of it is not known."""
    UNANSWERED = "unanswered"
    """It reached a socket's host, and nothing came back."""
    STRANGE = "answered by a stranger"
    """An answer came from an address that had not been called."""
    ASTRAY = "reply astray"
    """An answer went to another host than the caller."""
    UNSENT = "never sent"
    """The caller's own kernel refused before there was a packet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleHit:
    """A packet matched a rule, or reached a built-in chain's policy."""

    table: str
    chain: str
    index: int | None = None
    """Number of the rule in its chain, from 1; None for a policy or when it is not known."""
    handle: int | None = None
    text: str = ""
    """The ``-A`` line; empty for a policy."""
    comment: str = ""
    verdict: str = ""
    """``ACCEPT``, ``DROP``, ``JUMP``, ``GOTO``, ``RETURN``, ``CONTINUE``, ``REJECT``."""
    target: str = ""
    """The chain jumped to, or the extension that acts: ``DNAT``, ``MASQUERADE``, ``MARK``."""
    mark: int = 0
    """The packet's mark when the rule was left."""
    service: str = ""
    """``namespace/name`` or ``namespace/name:port``, as kube-proxy wrote it in the comment."""
    endpoint: str = ""
    """``address:port`` the rule sends to."""

    @property
    def is_policy(self) -> bool:
        """Whether no rule decided, but the chain's policy."""
        return self.handle is None and self.index is None and not self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """An address changed between two observation points."""

    kind: Nat
    before: AddrPort
    after: AddrPort
    seen_at: str
    """The point that saw the new address first."""
    by: RuleHit | None
    """The rule that asked for it; None when no rule was seen to."""
    is_repeated: bool = False
    """Whether the connection's entry repeats the decision that its first packet met."""

    def cause(self) -> str:
        """Return what rewrote: a chain and its rule's number, ``conntrack``, or that none knows."""
        if self.by is not None:
            number = f" #{self.by.index}" if self.by.index is not None else ""
            return f"{self.by.table} {self.by.chain}{number}"
        return "conntrack" if self.is_repeated else "a rule that was not traced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """Where the kernel sends a packet, as it answers when asked after the trace."""

    destination: str
    """The packet's destination address."""
    route: str = ""
    """The matching prefix, ``default`` or ``local``; empty when there is none."""
    via: str = ""
    ifname: str = ""
    table: int = 0
    error: str = ""
    """Why there is no way, in the kernel's words."""
    observed: str = ""
    """The interface by which the rule trace saw the packet leave; empty when it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The packet passed an observation point."""

    name: str
    ifname_in: str
    ifname_out: str
    mark: int
    tracked: str = ""
    """State of its connection, where the kernel tells: ``new``, ``established`` ..."""


Step = RuleHit | Rewritten | Routed | Point | ConntrackEntry


class Confidence(StrEnum):
    """How a statement about a packet is known."""

    KERNEL = "kernel"
    """The kernel said it of this very packet."""
    INFERRED = "inferred"
    """It follows from what was seen around the packet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why the kernel threw a packet away."""

    code: str
    """The kernel's own name for it, ``IP_RPFILTER``; empty where it has none."""
    host: str
    ifname: str = ""
    function: str = ""
    """Where in the kernel; empty when that is not known."""
    cause: str = ""
    """What that means, the same word on every kernel: see ``netlab.trace.drop_reasons``."""
    source: str = DROP_SOURCE
    """``kfree_skb``, or what it was concluded from: ``IpExt InNoRoutes +1``."""

    @property
    def is_unknown(self) -> bool:
        """Whether the kernel gave neither a reason nor the place in its code."""
        return not self.cause and not self.function and self.code in {"", "NOT_SPECIFIED"}

    @property
    def confidence(self) -> Confidence:
        """How it is known."""
        return Confidence.KERNEL if self.source == DROP_SOURCE else Confidence.INFERRED


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The end of a packet or of a connection."""

    result: Result
    host: str
    """Where it ended; empty when that is not known."""
    ifname: str = ""
    by: RuleHit | Routed | None = None
    reason: Reason | None = None
    """What the kernel itself calls it, or what its counters say; beside a rule or a route in
    ``by``, a second source that agrees."""
    words: str = ""
    """What happened, in a sentence."""
    why: str = ""
    """What stands behind it; empty when there is nothing to say."""
    hint: str = ""
    """What to try next."""

    @property
    def is_agreed(self) -> bool:
        """Whether the kernel's reason says the same as the rule or the route."""
        if self.by is None or self.reason is None:
            return False
        return isinstance(self.by, Routed) or self.reason.cause == "NETFILTER_DROP"

    @property
    def confidence(self) -> Confidence:
        """How it is known: by a message about the packet itself, or from what was seen around."""
        told = isinstance(self.by, RuleHit) or self.result in _SEEN_TO_ARRIVE
        if self.reason is not None and not told:
            return self.reason.confidence
        return Confidence.KERNEL if told else Confidence.INFERRED


_SEEN_TO_ARRIVE: Final = frozenset({Result.DELIVERED, Result.REFUSED, Result.STRANGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One stay of one packet in one namespace."""

    host: str
    hops: tuple[Hop, ...]
    """In the order of time; empty for a packet that left no socket's host or never got out."""
    steps: tuple[Step, ...]
    """In the kernel's order; they lie between the hops in and the hops out."""
    stopped_at: str = ""
    """The last observation point when the packet came no further; empty when it went on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One packet on its whole way."""

    number: int
    way: Way
    attempt: int
    """The try it belongs to, from 1."""
    kind: str
    """``SYN``, ``SYN-ACK``, ``RST``, ``UDP``, ``echo request`` ..."""
    key: PacketKey
    time_ns: int
    visits: tuple[Visit, ...]
    verdict: Verdict

    def hosts(self) -> list[str]:
        """Return the hosts it visited, in order."""
        return [visit.host for visit in self.visits]

    def steps(self) -> list[tuple[str, Step]]:
        """Return each step with its host, in order."""
        return [(visit.host, step) for visit in self.visits for step in visit.steps]

    def first_pair(self) -> AddressPair | None:
        """Return the addresses at its first interface."""
        hops = [hop for visit in self.visits for hop in visit.hops]
        return hops[0].pair if hops else None

    def last_pair(self) -> AddressPair | None:
        """Return the addresses at its last interface."""
        hops = [hop for visit in self.visits for hop in visit.hops]
        return hops[-1].pair if hops else None
