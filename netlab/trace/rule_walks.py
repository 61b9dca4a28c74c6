"""Walks: what the rules of one namespace did with one packet, as the kernel's trace tells it.

Theory of operation
-------------------
The kernel numbers traced packets, but uses a number again for the next packet, within one
connection already. A packet therefore begins where it meets the first of netlab's own chains, and
lasts until its number begins again.

A host that tracks no connections puts a datagram's fragments together behind routing, and goes on
with the number of the fragment that came last; what follows belongs to the first one's walk. The
number also changes where a packet comes up from a bridge to its host, since the interface is part
of it; there the packet's own header finds its walk.

Those chains, the observation points, hold no rules; between
them lie the places where NAT rewrites and where packets are lost.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from netlab.model.packets import AddressPair
from netlab.sources.neighbour_messages import is_link_talk
from netlab.sources.packet_key import PacketKey
from netlab.sources.rule_trace_messages import STARTS, Header, TraceMessage


@dataclass(slots=True, kw_only=True)
class Walk:
    """One packet's way through the rules of one namespace."""

    host: str
    time_ns: int
    entry: Header
    """The packet before any rule saw it."""
    is_local: bool
    """Whether a socket of the host sent it; else it came in by an interface."""
    messages: list[TraceMessage] = field(default_factory=list)
    """In the kernel's order; the first is an observation point."""

    def points(self) -> list[str]:
        """Return the observation points that the packet passed."""
        return [message.chain for message in self.messages if message.is_point]

    def pairs(self) -> list[AddressPair]:
        """Return the addresses it carried, in order, each run of equal ones once."""
        pairs = [self.entry.pair]
        for message in self.messages:
            if message.is_point and message.header and message.header.pair != pairs[-1]:
                pairs.append(message.header.pair)
        return pairs


def split(messages: Iterable[TraceMessage], table: str) -> tuple[Walk, ...]:
    """Return the walks that ``messages`` tell of, in the order they began.

    Those of a link's own business, such as neighbour discovery, are left out.

    Args:
        messages: Of each host in the kernel's order; hosts may be mixed.
        table: netlab's own table; those of other traces on the same host are passed over.
    """
    walks: list[Walk] = []
    current: dict[tuple[str, int], Walk] = {}
    latest: dict[tuple[str, PacketKey], Walk] = {}
    for message in messages:
        if message.is_point and message.table != table:
            continue
        at, header = (message.host, message.identity), message.header
        if header is not None and message.is_point and message.chain in STARTS:
            # The kernel gives the header with the rule that switches tracing on.
            current[at] = latest[message.host, header.key] = _begin(message, header)
            walks.append(current[at])
            continue
        if header is not None and (at not in current or not _is_of(current[at], header.key)):
            known = latest.get((message.host, header.key))
            if known is not None:
                current[at] = known
        if at in current:
            current[at].messages.append(message)
    _put_together(walks)
    return tuple(walk for walk in walks if not is_link_talk(walk.entry.key))


def _is_of(walk: Walk, key: PacketKey) -> bool:
    """Tell whether a walk is that of the packet with ``key``, or of a fragment of it."""
    entry = walk.entry.key
    if entry.fragment is None:
        return entry == key
    return (entry.protocol, entry.ip_id) == (key.protocol, key.ip_id)


def _put_together(walks: Iterable[Walk]) -> None:
    """Give what follows a datagram's last fragment to the walk of its first."""
    firsts: dict[tuple[object, ...], Walk] = {}
    for walk in walks:
        key = walk.entry.key
        source, destination = (end.address for end in walk.entry.pair)
        datagram = walk.host, key.protocol, key.ip_id, source, destination
        if key.fragment == 0:
            firsts[datagram] = walk
        elif key.fragment and datagram in firsts:
            whole = _first_whole(walk.messages)
            firsts[datagram].messages += walk.messages[whole:]
            del walk.messages[whole:]


def _first_whole(messages: list[TraceMessage]) -> int:
    """Return the place of the first message that shows a whole packet; behind all: none does."""
    for place, message in enumerate(messages):
        if message.header is not None and message.header.key.fragment is None:
            return place
    return len(messages)


def _begin(message: TraceMessage, header: Header) -> Walk:
    return Walk(
        host=message.host,
        time_ns=message.time_ns,
        entry=header,
        is_local=message.chain == "out_first",
        messages=[message],
    )
