"""Captured frames, not yet dissected."""

from dataclasses import dataclass

from netlab.model.names import NetnsName
from netlab.model.packets import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame at one interface."""

    netns: NetnsName
    host: str
    ifname: str
    direction: Direction
    time_ns: int
    """Wall clock, taken by the kernel."""
    data: bytes
    length: int
    """Bytes on the wire; ``data`` is shorter when the snap length cut it."""
    for_another: bool
    """The kernel saw another host's MAC address in it (``PACKET_OTHERHOST``)."""
