"""The first packet of a connection that somebody else made, found among what was seen.

A connection begins with a SYN, and without connections with any packet whose answer has not come by
before. Its caller is the host that sent it: where the rules of its own host were traced, the walk
out of a socket shows the addresses that the socket knows; else the first wire does.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.model.packets import AddressPair, Direction
from netlab.sources.observations import Observation
from netlab.sources.packet_key import PacketKey, datagram_key, rule_trace_key
from netlab.trace.attach_filter import AttachFilter
from netlab.trace.rule_walks import Walk

_SYN, _ACK = 0x02, 0x10
_ECHO_REQUESTS: Final = {"icmp": 8, "icmpv6": 128}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConnection:
    """A connection that has just begun."""

    caller: str
    """The host whose socket sent the first packet."""
    pair: AddressPair
    """The connection as that socket names it."""


def find_new_connection(
    observations: Sequence[Observation],
    walks: Sequence[Walk],
    wanted: AttachFilter,
    callers: Collection[str],
) -> NewConnection | None:
    """Return the first connection that is wanted; None when none has begun.

    Args:
        observations: Everything seen so far.
        walks: Everything the rules were seen to do so far.
        wanted: Which connections.
        callers: Hosts whose connections count.
    """
    local: dict[PacketKey, Walk] = {}
    own_pairs: defaultdict[PacketKey, list[AddressPair]] = defaultdict(list)
    for walk in walks:
        for key in (rule_trace_key(walk.entry.key), datagram_key(walk.entry.key)):
            own_pairs[key] += walk.pairs()
            if walk.is_local:
                local.setdefault(key, walk)
    for key, seen in _packets(observations, walks):
        begun = _begun(seen, local.get(key))
        pairs = [*(one.pair for one in seen), *own_pairs[key]]
        if begun is not None and begun.caller in callers and wanted.fits(pairs):
            return begun
    return None


def _packets(
    observations: Iterable[Observation], walks: Iterable[Walk]
) -> list[tuple[PacketKey, list[Observation]]]:
    """Return what begins connections, by the time it began; if it was not seen, by its walk's."""
    found: defaultdict[PacketKey, list[Observation]] = defaultdict(list)
    times: dict[PacketKey, int] = {}
    for one in sorted(observations, key=lambda seen: seen.time_ns):
        if opens(one.key):
            found[rule_trace_key(one.key)].append(one)
            times.setdefault(rule_trace_key(one.key), one.time_ns)
    for walk in walks:
        key = walk.entry.key
        if walk.is_local and opens(key) and found.keys().isdisjoint({key, datagram_key(key)}):
            found[key] = []
            times[key] = walk.time_ns
    return sorted(found.items(), key=lambda item: times[item[0]])


def _begun(seen: Sequence[Observation], walk: Walk | None) -> NewConnection | None:
    if walk is not None:
        return NewConnection(caller=walk.host, pair=walk.entry.pair)
    if seen and seen[0].direction is Direction.OUT:
        return NewConnection(caller=seen[0].host, pair=seen[0].pair)
    return None


def opens(key: PacketKey) -> bool:
    """Tell whether such a packet begins a connection, as far as it alone tells."""
    if key.fragment:
        return False
    if key.protocol == "tcp":
        return key.detail[2] & (_SYN | _ACK) == _SYN
    return key.protocol == "udp" or key.detail[0] == _ECHO_REQUESTS.get(key.protocol)
