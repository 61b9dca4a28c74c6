"""What a capture can know about one packet at one interface."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from netlab.model.addresses import Address


class Direction(StrEnum):
    """The way a packet went through an interface, as its own host sees it."""

    IN = "in"
    OUT = "out"


class AddrPort(NamedTuple):
    """One end of a connection."""

    address: Address
    port: int
    """0 where the protocol has no ports."""

    def __str__(self) -> str:
        """Return ``address:port`` as a URL writes it, an IPv6 address in brackets."""
        if self.address.version == 6:
            return f"[{self.address}]:{self.port}"
        return f"{self.address}:{self.port}"


class AddressPair(NamedTuple):
    """Source and destination of a packet."""

    source: AddrPort
    destination: AddrPort

    def reversed(self) -> "AddressPair":
        """Return the pair an answer carries."""
        return AddressPair(self.destination, self.source)


class PacketKey(NamedTuple):
    """What no NAT rewrites, so that it tells one packet from all others on every wire.

    A retransmission is another packet: it has a new IP id, and its TCP time stamp tells it apart
    where the id is always 0 (a SYN-ACK).
    """

    protocol: str
    """``tcp``, ``udp``, ``icmp`` or ``icmpv6``."""
    ip_id: int
    """Identification of the IPv4 header. Of IPv6 the flow label: the kernel gives a connection
    another one when it sends a packet again."""
    length: int
    """Payload above the transport header, bytes."""
    detail: tuple[int, ...]
    """TCP: sequence, acknowledgement, flags, time stamp. UDP: checksum of the payload.
    ICMP, both versions: type, code, sequence; its id is left out because source NAT rewrites it.
    A later fragment: checksum of its content."""
    fragment: int | None = None
    """Where a fragment's content begins in its datagram, bytes; None for a whole packet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketSeen:
    """One sighting: a packet passed an interface of a host."""

    time_ns: int
    """Wall clock; comparable between all hosts of a lab, which share one kernel."""
    host: str
    ifname: str
    direction: Direction
    pair: AddressPair
    """Addresses as they were there."""
    key: PacketKey
    flags: str = ""
    """TCP flags in scapy's letters: ``S``, ``SA``, ``PA``, ``R`` ..."""
    sequence: int = 0
    """TCP sequence number."""
    acknowledgement: int = 0
    """TCP acknowledgement number; 0 when the ACK flag is not set."""
    for_another: bool = False
    """The frame's MAC address is not the interface's. Usual on a bridge port; elsewhere a bridge
    flooded the frame and the kernel throws it away."""
