"""Where a capture hears: interfaces with their numbers, and the ways through them."""

from dataclasses import dataclass

from netlab.capture import pcapng
from netlab.linux.interfaces import InterfaceSeen
from netlab.linux.packet_ring import Record
from netlab.model.packets import Direction
from netlab.sources.packet_identity import Sighting

_RECEIVED = (pcapng.UNICAST, pcapng.BROADCAST, pcapng.MULTICAST, pcapng.PROMISCUOUS)
"""By packet type: ``PACKET_HOST``, ``PACKET_BROADCAST``, ``PACKET_MULTICAST``,
``PACKET_OTHERHOST`` (linux/if_packet.h)."""
_OUTGOING = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardInterface:
    """One interface of one host."""

    number: int
    """From 0, in the order in which the capture met them."""
    host: str
    netns: str
    seen: InterfaceSeen

    @property
    def name(self) -> str:
        """``node2:eth0``."""
        return f"{self.host}:{self.seen.ifname}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CapturePoint:
    """One way through an interface; there is one value for each, so that identity tells them."""

    interface: HeardInterface
    number: int
    """Of the interface."""
    direction: Direction
    flags: int
    """As pcapng has them."""
    place: int
    """A number for interface and direction, as ``PacketNumbers`` wants it."""
    code: int
    """A number for interface, direction and how the frame was received."""

    @classmethod
    def through(cls, interface: HeardInterface, kind: int) -> "CapturePoint":
        """Return the way that frames of a packet type take."""
        is_out = kind == _OUTGOING
        received = _RECEIVED[kind] if kind < len(_RECEIVED) else 0
        return cls(
            interface=interface,
            number=interface.number,
            direction=Direction.OUT if is_out else Direction.IN,
            flags=pcapng.OUTBOUND if is_out else pcapng.INBOUND | received,
            place=interface.number << 1 | is_out,
            code=interface.number << 3 | kind,
        )


Seen = tuple[Record[CapturePoint], Sighting]
"""One frame, and what is known of its packet from the observations before."""
