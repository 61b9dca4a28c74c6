"""What is under way before anything is watched, and so is not what is to be watched.

A trace is of a connection that begins after its sources were opened. A stream that was heard before
is another's, however its addresses are rewritten: no two connections have the same addresses and
ports in one place. Leaving out the busiest such streams, in the kernel, keeps room in the rings and
sockets for what matters, and spares the others the cost of being watched.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from netlab.model.packets import AddressPair
from netlab.sources.observations import Observation

MOST: Final = 32
"""Streams to leave out: each costs every packet a comparison."""

SYN: Final = 0x002


def streams_under_way(seen: Iterable[Observation]) -> tuple[AddressPair, ...]:
    """Return the addresses and ports of the busiest streams of TCP and UDP, one for each way.

    What a SYN announces has just begun and stays in.
    """
    counted = Counter(one.pair for one in seen if one.key.fragment is None and not _begins(one))
    return tuple(pair for pair, _ in counted.most_common(MOST) if pair.source.port)


def _begins(one: Observation) -> bool:
    return one.key.protocol == "tcp" and bool(one.key.detail[2] & SYN)
