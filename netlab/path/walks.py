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
from enum import StrEnum
from typing import Final, NamedTuple

from netlab.path.neighbours import is_link_talk
from netlab.path.observations import AddressPair, PacketKey

TABLE_PREFIX: Final = "netlab_trace_"
"""Name of netlab's own table as far as the process id."""

PRE_ROUTING, LOCAL_IN, FORWARD, LOCAL_OUT, POST_ROUTING = range(5)
"""NF_INET_*, linux/netfilter.h"""

POINTS: Final = (
    ("pre_wire", PRE_ROUTING, -399),
    ("pre_dnat", PRE_ROUTING, -90),
    ("in_last", LOCAL_IN, 200),
    ("fwd_last", FORWARD, 200),
    ("out_first", LOCAL_OUT, -399),
    ("out_dnat", LOCAL_OUT, -90),
    ("post_snat_before", POST_ROUTING, 90),
    ("post_wire", POST_ROUTING, 300),
)
"""Name, hook and priority of each observation point.

NAT has -100 and 100. Connection tracking puts fragments together at -400.
"""

STARTS: Final = frozenset({"pre_wire", "out_first"})
"""Points that a packet meets before everything else."""


class Report(StrEnum):
    """What a trace message is about."""

    RULE = "rule"
    RETURN = "return"
    POLICY = "policy"


class Tracking(NamedTuple):
    """What connection tracking says of a packet; new kernels tell."""

    identity: int
    direction: str
    """``original`` or ``reply``."""
    state: str
    """``new``, ``established``, ``related``, ``invalid`` or ``untracked``."""


class Header(NamedTuple):
    """The packet as it was at a chain."""

    key: PacketKey
    """Without what twenty bytes of transport header cannot tell: see ``loose``."""
    pair: AddressPair
    ttl: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceMessage:
    """One message of the kernel's rule trace."""

    host: str
    identity: int
    """Tells packets apart that are under way at the same time."""
    time_ns: int
    """Wall clock when the message was read; the kernel gives none."""
    table: str
    chain: str
    report: Report
    handle: int | None = None
    """Of the rule; None at a policy, at the end of a chain, and for a rule that has none."""
    index: int | None = None
    """Number of the rule in its chain, from 1; given for rules of iptables-legacy."""
    verdict: str = ""
    """``ACCEPT``, ``DROP``, ``JUMP``, ``GOTO``, ``RETURN``, ``CONTINUE`` ..."""
    target: str = ""
    """The chain that is jumped to."""
    mark: int = 0
    header: Header | None = None
    """Given once for each base chain."""
    ifname_in: str = ""
    ifname_out: str = ""
    tracking: Tracking | None = None

    @property
    def is_point(self) -> bool:
        """Whether it comes from one of netlab's own chains."""
        return self.table.startswith(TABLE_PREFIX)


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


def loose(key: PacketKey) -> PacketKey:
    """Return as much of a captured packet's key as the rule trace can know of it.

    A message carries twenty bytes of transport header: no TCP options, little payload.
    """
    if key.fragment == 0:
        return first_fragment(key._replace(fragment=None))
    if key.protocol == "tcp":
        return key._replace(detail=key.detail[:3])
    return key._replace(detail=()) if key.protocol == "udp" else key


def first_fragment(key: PacketKey) -> PacketKey:
    """Return what the first fragment of a datagram shares with the whole of it, loosely.

    Rules see a datagram whole where connections are tracked, and wires see its fragments.
    """
    return loose(key)._replace(length=0, fragment=0)


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
