"""The way of a packet through the lab, as far as captures prove it."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from netlab.model.packets import AddressPair, AddrPort, Direction, Nat


class Way(StrEnum):
    """Which end of the connection sent the packet."""

    REQUEST = "request"
    REPLY = "reply"


class Fate(StrEnum):
    """What became of one attempt to connect."""

    ANSWERED = "answered"
    REFUSED = "refused"
    """A RST came back."""
    REQUEST_LOST = "request lost"
    """No answer was seen leaving any host."""
    REPLY_LOST = "reply lost"
    """An answer was seen, never at the caller."""
    REPLY_STRANGE = "reply from a stranger"
    """An answer reached the caller from an address that it had not called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A TCP connection as its client's socket names it."""

    host: str
    """Where the socket is."""
    pair: AddressPair
    initial_sequence: int | None = None
    """Sequence number of the SYN. It finds the connection even when the client's own host
    rewrites the addresses before the first wire, as a node does that calls a ClusterIP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """A packet at one interface."""

    time_ns: int
    host: str
    ifname: str
    direction: Direction
    pair: AddressPair
    for_another: bool = False
    """The frame carried another host's MAC address; only a bridge port takes such a frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """An address changed inside a host."""

    kind: Nat
    host: str
    before: AddrPort
    after: AddrPort


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """One packet's hops in the order of time; at least one."""

    way: Way
    flags: str
    hops: tuple[Hop, ...]
    sent_as: AddressPair
    """Addresses the sending socket used, where it is known; else those of the first hop."""
    taken_as: AddressPair
    """Addresses the receiving socket knows, where it is known; else those of the last hop."""

    def rewrites_before(self, index: int) -> tuple[Rewrite, ...]:
        """Return what NAT did just before hop ``index``; ``len(hops)`` asks after the last one."""
        before = self.hops[index - 1].pair if index else self.sent_as
        at_end = index == len(self.hops)
        after = self.taken_as if at_end else self.hops[index].pair
        host = self.hops[-1 if at_end else index].host
        return _rewrites(self.way, host, before, after)

    def rewrites(self) -> tuple[Rewrite, ...]:
        """Return every rewrite on the way, in order."""
        return tuple(r for i in range(len(self.hops) + 1) for r in self.rewrites_before(i))

    def visits(self) -> tuple[tuple[Hop, ...], ...]:
        """Return the hops grouped by stays in one host; a host may be visited twice."""
        return tuple(tuple(group) for _, group in groupby(self.hops, key=lambda hop: hop.host))

    def last(self) -> Hop:
        """Return where the packet was seen last."""
        return self.hops[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One SYN and what came back; a client that hears nothing tries again after a second."""

    request: Path
    reply: Path | None
    fate: Fate


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Everything the captures hold of one connection."""

    flow: Flow
    attempts: tuple[Attempt, ...]
    """In the order of time; empty when no SYN was seen on any wire."""
    paths: tuple[Path, ...]
    """Every packet, in the order of time."""

    def symmetric(self) -> bool:
        """Tell whether the last attempt's reply passed the request's hosts in reverse order."""
        if not self.attempts or self.attempts[-1].reply is None:
            return False
        request, reply = self.attempts[-1].request, self.attempts[-1].reply
        there = [visit[0].host for visit in request.visits()]
        back = [visit[0].host for visit in reply.visits()]
        return there == back[::-1]


def _rewrites(way: Way, host: str, before: AddressPair, after: AddressPair) -> tuple[Rewrite, ...]:
    destination = Nat.DNAT if way is Way.REQUEST else Nat.UN_SNAT
    source = Nat.SNAT if way is Way.REQUEST else Nat.UN_DNAT
    # The kernel rewrites the destination on the way in and the source on the way out.
    changes = (
        (destination, before.destination, after.destination),
        (source, before.source, after.source),
    )
    return tuple(
        Rewrite(kind=kind, host=host, before=old, after=new)
        for kind, old, new in changes
        if old != new
    )
