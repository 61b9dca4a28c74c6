"""Which end of a connection sent a packet, and where the packet was seen."""

from dataclasses import dataclass
from enum import StrEnum

from netlab.model.packets import AddressPair, Direction


class Way(StrEnum):
    """Which end of the connection sent the packet."""

    REQUEST = "request"
    REPLY = "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """A packet at one interface."""

    time_ns: int
    host: str
    ifname: str
    direction: Direction
    pair: AddressPair
    for_another: bool = False
    """The frame carried another host's MAC address; only a bridge port takes such a frame."""
