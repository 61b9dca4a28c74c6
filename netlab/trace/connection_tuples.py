"""Which addresses belong to a connection, and which packets therefore do.

A connection wears several pairs of addresses on its way. The set begins with the pair of the
caller's socket and grows by whatever is seen beside a known pair: on another wire by the same
packet, at another point of the same walk, in the same entry of connection tracking.
"""

from collections.abc import Iterable, Sequence

from netlab.model.packets import AddressPair
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.trace.paths import Way


class ConnectionTuples:
    """The pairs that a connection's requests carry; replies carry them reversed.

    Args:
        seed: The pair of the caller's socket.
        groups: Pairs of one packet each.
        entries: Of connection tracking, anywhere.
    """

    def __init__(
        self,
        seed: AddressPair,
        groups: Iterable[Sequence[AddressPair]],
        entries: Iterable[ConntrackEntry],
    ) -> None:
        self.pairs = {seed}
        waiting = [tuple(group) for group in groups] + [_worn(entry) for entry in entries]
        grown = True
        while grown:
            grown = False
            for group in waiting:
                way = self.way_of(group)
                if way is None:
                    continue
                back = way is Way.REPLY
                forward = {pair.reversed() if back else pair for pair in group}
                if not forward <= self.pairs:
                    self.pairs |= forward
                    grown = True

    def way_of(self, group: Iterable[AddressPair]) -> Way | None:
        """Return which way a packet with such pairs goes; None for other connections' packets."""
        for pair in group:
            if pair in self.pairs:
                return Way.REQUEST
            if pair.reversed() in self.pairs:
                return Way.REPLY
        return None


def _worn(entry: ConntrackEntry) -> tuple[AddressPair, ...]:
    after = entry.after()
    # Between DNAT and SNAT a packet has the new destination and still the old source.
    halfway = AddressPair(entry.original.source, after.destination)
    return entry.original, halfway, after
