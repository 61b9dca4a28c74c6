"""Join captures, rule traces and conntrack entries into the packets of one connection.

Theory of operation
-------------------
A packet is told from all others by what NAT leaves alone. Its observations, in the order of time
and cut where the host changes, are its visits. A walk belongs to the visit of its host whose first
interface shows the addresses that the walk began with: a packet may visit a host twice. A walk
without any observation is a packet that never reached a wire, or one between two sockets of a host.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from netlab.model.hosts import Host
from netlab.model.packets import AddressPair, Direction
from netlab.sources.observations import Observation
from netlab.sources.packet_key import (
    PacketKey,
    datagram_key,
    is_icmp_error,
    kind_of,
    rule_trace_key,
)
from netlab.trace.clues import NO_CLUES, Clues
from netlab.trace.connection_tuples import ConnectionTuples
from netlab.trace.packet import Packet, Verdict, Visit
from netlab.trace.packet_verdict import packet_verdict
from netlab.trace.paths import Hop, Way
from netlab.trace.rule_walks import Walk
from netlab.trace.steps import Knowledge, steps_of, stopped_at

_SYN, _ACK = 0x02, 0x10


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that was heard while the connection ran."""

    hosts: Mapping[str, Host]
    observations: tuple[Observation, ...]
    walks: tuple[Walk, ...]
    knowledge: Knowledge
    clues: Clues = NO_CLUES


@dataclass(slots=True, kw_only=True)
class _Stay:
    """A visit in the making."""

    host: str
    hops: list[Hop]
    walk: Walk | None = None


def join(evidence: Evidence, pair: AddressPair) -> tuple[Packet, ...]:
    """Return the packets of the connection ``pair``, in the order of time.

    Args:
        evidence: Of this connection and any others.
        pair: The connection as the caller's socket names it.
    """
    seen = _by_key(evidence.observations)
    walks: defaultdict[PacketKey, list[Walk]] = defaultdict(list)
    for walk in evidence.walks:
        for key in _names_of(walk):
            walks[key].append(walk)
    groups = [[one.pair for one in observations] for observations in seen.values()]
    groups += [[one.quoted for one in observed if one.quoted] for observed in seen.values()]
    groups += [walk.pairs() for walk in evidence.walks]
    family = ConnectionTuples(pair, groups, evidence.knowledge.entries)
    whole = [*_on_wires(seen, walks, family), *_on_no_wire(seen, evidence.walks, family)]
    whole.sort(key=lambda found: found[0])
    return tuple(_packets(whole, evidence))


def _names_of(walk: Walk) -> set[PacketKey]:
    """Return the keys that a walk may have on wires: of a packet, or of a first fragment."""
    return {rule_trace_key(walk.entry.key), datagram_key(walk.entry.key)}


_Found = tuple[int, PacketKey, Way, list[_Stay]]
"""When it began, what it is, which way it went, and where it was."""


def _by_key(observations: Iterable[Observation]) -> dict[PacketKey, list[Observation]]:
    by_key: defaultdict[PacketKey, list[Observation]] = defaultdict(list)
    ordered = sorted(observations, key=lambda seen: seen.time_ns)
    firsts = {rule_trace_key(seen.key): seen.key for seen in ordered if seen.key.fragment == 0}
    for seen in ordered:
        # A bridge with br_netfilter hands a datagram whole to its host, and wires have fragments.
        in_fragments = firsts.get(datagram_key(seen.key)) if seen.key.fragment is None else None
        by_key[in_fragments or seen.key].append(seen)
    return dict(by_key)


def _on_wires(
    seen: Mapping[PacketKey, list[Observation]],
    walks: Mapping[PacketKey, list[Walk]],
    family: ConnectionTuples,
) -> Iterable[_Found]:
    for key, observations in seen.items():
        way = _way_of(observations, family)
        if way is not None:
            known: Sequence[Walk] = walks.get(rule_trace_key(key), ())
            if not is_icmp_error(key):
                known = [walk for walk in known if family.way_of(walk.pairs()) is way]
            yield observations[0].time_ns, key, way, _with_walks(_stays(observations), known)


def _way_of(observations: Sequence[Observation], family: ConnectionTuples) -> Way | None:
    """Return which way a packet goes; an ICMP error goes against the packet that it answers."""
    quoted = [one.quoted for one in observations if one.quoted is not None]
    if not quoted:
        return family.way_of(one.pair for one in observations)
    way = family.way_of(quoted)
    if way is None:
        return None
    return Way.REPLY if way is Way.REQUEST else Way.REQUEST


def _on_no_wire(
    seen: Mapping[PacketKey, list[Observation]], walks: Iterable[Walk], family: ConnectionTuples
) -> Iterable[_Found]:
    known = {rule_trace_key(key) for key in seen}
    for walk in walks:
        way = family.way_of(walk.pairs())
        if way is not None and walk.is_local and known.isdisjoint(_names_of(walk)):
            yield walk.time_ns, walk.entry.key, way, [_Stay(host=walk.host, hops=[], walk=walk)]


def _stays(observations: Sequence[Observation]) -> list[_Stay]:
    hops = [
        Hop(
            time_ns=one.time_ns,
            host=one.host,
            ifname=one.ifname,
            direction=one.direction,
            pair=one.pair,
            for_another=one.for_another,
        )
        for one in observations
    ]
    return _grouped(_without_floods(hops))


def _grouped(hops: Iterable[Hop]) -> list[_Stay]:
    return [
        _Stay(host=host, hops=list(stay)) for host, stay in groupby(hops, key=lambda hop: hop.host)
    ]


def _without_floods(hops: list[Hop]) -> list[Hop]:
    """Leave out hosts that only heard a bridge's flooding and threw the frame away.

    A frame that everybody threw away is left as it is: then none of them was the one meant.
    """
    kept = [hop for stay in _grouped(hops) if not _is_flood(stay) for hop in stay.hops]
    return kept if kept and kept[-1].direction is Direction.IN else hops


def _is_flood(stay: _Stay) -> bool:
    return len(stay.hops) == 1 and stay.hops[0].for_another


def _with_walks(stays: list[_Stay], walks: Iterable[Walk]) -> list[_Stay]:
    for walk in walks:
        stay = next((stay for stay in stays if _fits(walk, stay)), None)
        if stay is not None:
            stay.walk = walk
        elif walk.is_local:
            # Between sockets of one host the way out is on no wire; ``lo`` shows the way in.
            at = next((i for i, stay in enumerate(stays) if stay.host == walk.host), 0)
            stays.insert(at, _Stay(host=walk.host, hops=[], walk=walk))
    return stays


def _fits(walk: Walk, stay: _Stay) -> bool:
    if stay.walk is not None or stay.host != walk.host or not stay.hops:
        return False
    first = stay.hops[0]
    if walk.is_local:
        return first.direction is Direction.OUT
    return first.direction is Direction.IN and first.pair == walk.entry.pair


def _packets(whole: Sequence[_Found], evidence: Evidence) -> Iterable[Packet]:
    attempt = 0
    opened: set[tuple[int, ...]] = set()
    firsts: dict[tuple[Way, int], Verdict] = {}
    for number, (time_ns, key, way, stays) in enumerate(whole, start=1):
        if way is Way.REQUEST and _opens(key) and (key.ip_id, *key.detail) not in opened:
            opened.add((key.ip_id, *key.detail))
            attempt += 1
        visits = tuple(_visit(stay, way, evidence.knowledge) for stay in stays)
        verdict = packet_verdict(visits, evidence.hosts, evidence.clues.of(key))
        if key.fragment == 0:
            firsts[way, key.ip_id] = verdict
        elif key.fragment:
            verdict = _shared(verdict, firsts.get((way, key.ip_id)))
        yield Packet(
            number=number,
            way=way,
            attempt=max(attempt, 1),
            kind=kind_of(key),
            key=key,
            time_ns=time_ns,
            visits=visits,
            verdict=verdict,
        )


def _shared(own: Verdict, first: Verdict | None) -> Verdict:
    """Return the end of a later fragment: its datagram's, where both came to the same host."""
    return first if first is not None and first.host == own.host else own


def _visit(stay: _Stay, way: Way, knowledge: Knowledge) -> Visit:
    walk = stay.walk
    return Visit(
        host=stay.host,
        hops=tuple(stay.hops),
        steps=steps_of(walk, way, knowledge) if walk else (),
        stopped_at=stopped_at(walk) if walk else "",
    )


def _opens(key: PacketKey) -> bool:
    """Tell whether such a request begins a try: a SYN, or any packet without connections."""
    if key.fragment or is_icmp_error(key):
        return False
    return key.protocol != "tcp" or key.detail[2] & (_SYN | _ACK) == _SYN
