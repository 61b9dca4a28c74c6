"""ARP, as one frame shows it."""

from dataclasses import dataclass
from ipaddress import IPv4Address

_START = b"\x08\x06\x00\x01\x08\x00\x06\x04\x00"
"""EtherType; Ethernet and IPv4 with the lengths of their addresses; the operation's first byte."""
_END = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Arp:
    """A question for the holder of an address, or the answer."""

    is_answer: bool
    sender: IPv4Address
    sender_mac: str
    target: IPv4Address


def arp_of(data: bytes) -> Arp | None:
    """Return what an Ethernet frame asks or answers by ARP; None for any other frame."""
    if data[12:21] != _START or len(data) < _END or data[21] not in {1, 2}:
        return None
    return Arp(
        is_answer=data[21] == 2,
        sender=IPv4Address(data[28:32]),
        sender_mac=data[22:28].hex(":"),
        target=IPv4Address(data[38:42]),
    )
