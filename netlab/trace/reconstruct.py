"""Join observations of packets into the paths of one connection.

Theory of operation
-------------------
NAT rewrites addresses and ports, so the observations of one packet are joined by what NAT leaves
alone (``PacketKey``), and laid in the order of time: all hosts of a lab share one kernel and
therefore one clock.

Which packets belong to the connection follows from addresses. It begins with the pair that the
client's socket names, and with the sequence number of its SYN. A packet that carries a known pair
at any hop belongs, and every other pair that it carries becomes known too, until nothing new is
found. A reply carries known pairs reversed.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from netlab.model.packets import AddressPair, Direction
from netlab.sources.observations import Observation
from netlab.sources.packet_key import PacketKey
from netlab.trace.paths import Attempt, Connection, Fate, Flow, Hop, Path, Way

_Sightings = tuple[Observation, ...]


def reconstruct(observations: Iterable[Observation], flow: Flow) -> Connection:
    """Return the paths of ``flow``; those of other connections are left out.

    Observations may come in any order. Those with equal times keep the order they come in, which
    within one host is the order of its capture.
    """
    packets = _packets(observations)
    ways = _members(packets, flow)
    ordered = sorted(
        ((packets[key], way) for key, way in ways.items()), key=lambda item: item[0][0].time_ns
    )
    wire = _first_on_wire(ordered, flow)
    joined = [(seen[0], _path(seen, way, flow, wire)) for seen, way in ordered]
    return Connection(
        flow=flow, attempts=tuple(_attempts(joined)), paths=tuple(path for _, path in joined)
    )


def _packets(observations: Iterable[Observation]) -> dict[PacketKey, _Sightings]:
    by_key: defaultdict[PacketKey, list[Observation]] = defaultdict(list)
    for seen in sorted(observations, key=lambda seen: seen.time_ns):
        by_key[seen.key].append(seen)
    return {key: _without_floods(group) for key, group in by_key.items()}


def _without_floods(group: Sequence[Observation]) -> _Sightings:
    """Leave out hosts that only heard a bridge's flooding and threw the frame away."""
    hosts = [seen.host for seen in group]
    kept = tuple(s for s in group if not s.for_another or hosts.count(s.host) > 1)
    # A frame that a bridge dropped looks the same, but then nobody took it.
    return kept if kept and kept[-1].direction is Direction.IN else tuple(group)


def _members(packets: dict[PacketKey, _Sightings], flow: Flow) -> dict[PacketKey, Way]:
    forward = {flow.pair}
    ways: dict[PacketKey, Way] = {}
    for key, group in packets.items():
        if _is_syn_of(group[0], flow):
            ways[key] = Way.REQUEST
            forward.update(seen.pair for seen in group)
    grown = True
    while grown:
        grown = False
        for key, group in packets.items():
            way = None if key in ways else _way(group, forward)
            if way is not None:
                ways[key] = way
                forward.update(_as_request(seen.pair, way) for seen in group)
                grown = True
    return ways


def _is_syn_of(seen: Observation, flow: Flow) -> bool:
    return seen.flags == "S" and seen.sequence == flow.initial_sequence and seen.host == flow.host


def _way(group: _Sightings, forward: set[AddressPair]) -> Way | None:
    if any(seen.pair in forward for seen in group):
        return Way.REQUEST
    if any(seen.pair.reversed() in forward for seen in group):
        return Way.REPLY
    return None


def _as_request(pair: AddressPair, way: Way) -> AddressPair:
    return pair if way is Way.REQUEST else pair.reversed()


def _first_on_wire(ordered: Sequence[tuple[_Sightings, Way]], flow: Flow) -> AddressPair:
    """Return the pair the requests carry when they leave the client's host."""
    return next((seen[0].pair for seen, way in ordered if way is Way.REQUEST), flow.pair)


def _path(seen: _Sightings, way: Way, flow: Flow, wire: AddressPair) -> Path:
    hops = tuple(
        Hop(
            time_ns=one.time_ns,
            host=one.host,
            ifname=one.ifname,
            direction=one.direction,
            pair=one.pair,
            for_another=one.for_another,
        )
        for one in seen
    )
    sent_as, taken_as = hops[0].pair, hops[-1].pair
    if way is Way.REQUEST and hops[0].host == flow.host:
        sent_as = flow.pair
    if way is Way.REPLY and hops[-1].host == flow.host and taken_as == wire.reversed():
        taken_as = flow.pair.reversed()
    return Path(way=way, flags=seen[0].flags, hops=hops, sent_as=sent_as, taken_as=taken_as)


def _attempts(joined: Sequence[tuple[Observation, Path]]) -> Iterable[Attempt]:
    """Pair each SYN with the first answer to it that came before the next SYN."""
    syns = [i for i, (seen, path) in enumerate(joined) if _opens(seen, path)]
    for start, stop in pairwise([*syns, len(joined)]):
        first, request = joined[start]
        reply = next(
            (
                (seen, path)
                for seen, path in joined[start:stop]
                if path.way is Way.REPLY and _answers(seen, first)
            ),
            None,
        )
        if reply is None:
            yield Attempt(request=request, reply=None, fate=Fate.REQUEST_LOST)
        else:
            yield Attempt(request=request, reply=reply[1], fate=_fate(request, *reply))


def _opens(seen: Observation, path: Path) -> bool:
    return path.way is Way.REQUEST and seen.flags == "S"


def _answers(seen: Observation, syn: Observation) -> bool:
    return seen.acknowledgement == (syn.sequence + 1) % 2**32


def _fate(request: Path, seen: Observation, reply: Path) -> Fate:
    if reply.last().host != request.hops[0].host:
        return Fate.REPLY_LOST
    if reply.last().pair != request.hops[0].pair.reversed():
        return Fate.REPLY_STRANGE
    return Fate.REFUSED if "R" in seen.flags else Fate.ANSWERED
