"""Which packets of a connection decide how it ended: of all attempts, in both directions.

A caller that hears nothing sends its first packet again. Where the first one came past the NAT of
a node, the next follows its entry and meets none of the rules that decided; and a server that was
reached sends its answer again too. So no attempt can be judged alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from netlab.sources.packet_key import is_icmp_error
from netlab.trace.packet import Packet, Result
from netlab.trace.paths import Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """The packets of a connection, by what they are for its end."""

    request: Packet | None
    """The first packet of the attempt that made the connection; of the first attempt where none
    did. None when no packet was sent."""
    replies: tuple[Packet, ...]
    """What the other end sent: no errors, no resets."""
    resets: tuple[Packet, ...]
    """Resets from the other end."""
    errors: tuple[Packet, ...]
    """ICMP errors that answer packets of the caller."""
    caller_resets: tuple[Packet, ...]
    """Resets that the caller sent."""

    @property
    def answer(self) -> Packet | None:
        """The packet that answered the request: one that came to its caller before all others."""
        found = (*self.replies, *self.resets, *self.errors)
        return self.arrived(found) or next(iter(found), None)

    def arrived(self, packets: Iterable[Packet]) -> Packet | None:
        """Return the first of some packets that came to the caller."""
        if self.request is None:
            return None
        caller = self.request.visits[0].host
        return next((packet for packet in packets if came_to(packet, caller)), None)


def came_to(packet: Packet, host: str) -> bool:
    """Tell whether a packet came to a socket of ``host``, or to its end there for want of one."""
    verdict = packet.verdict
    return verdict.result is Result.DELIVERED and packet.visits[-1].host == host


def conversation(packets: Sequence[Packet]) -> Conversation:
    """Return the packets of a connection, by what they are for its end."""
    back = [packet for packet in packets if packet.way is Way.REPLY and not packet.key.fragment]
    there = [packet for packet in packets if packet.way is Way.REQUEST]
    return Conversation(
        request=_made(there),
        replies=tuple(p for p in back if not is_reset(p) and not is_icmp_error(p.key)),
        resets=tuple(p for p in back if is_reset(p)),
        errors=tuple(p for p in back if is_icmp_error(p.key)),
        caller_resets=tuple(p for p in there if is_reset(p)),
    )


def is_reset(packet: Packet) -> bool:
    """Tell whether a packet refuses or breaks off a connection of TCP."""
    return packet.key.protocol == "tcp" and not packet.key.fragment and "RST" in packet.kind


def _made(there: Iterable[Packet]) -> Packet | None:
    openings: dict[int, Packet] = {}
    for packet in there:
        if not is_icmp_error(packet.key) and not is_reset(packet):
            openings.setdefault(packet.attempt, packet)
    arrived = (p for p in openings.values() if p.verdict.result is Result.DELIVERED)
    return next(arrived, None) or next(iter(openings.values()), None)
