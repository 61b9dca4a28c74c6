"""Talk of neighbours, as one frame shows it: who has an address, and at which MAC address.

IPv4 asks by ARP, IPv6 by neighbour discovery, whose messages are of ICMPv6.

Source: RFC 826; RFC 4861, sections 4.3, 4.4 and 4.6; RFC 3810 for the groups that listeners join.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from netlab.model.addresses import Address
from netlab.sources.packet_key import PacketKey

_ARP_START: Final = b"\x08\x06\x00\x01\x08\x00\x06\x04\x00"
"""EtherType; Ethernet and IPv4 with the lengths of their addresses; the operation's first byte."""
_ARP_BYTES: Final = 42
_ETHERTYPE_IPV6: Final = b"\x86\xdd"
_ICMPV6: Final = 58
_NEXT_HEADER, _SENDER, _RECEIVER, _MESSAGE, _TARGET = 20, 22, 38, 54, 62
"""Where they lie in a frame with an IPv6 header without extensions."""
_NDP_BYTES: Final = _TARGET + 16
_SOLICITATION, _ADVERTISEMENT = 135, 136
_SOURCE_MAC, _TARGET_MAC = 1, 2
"""Options, eight bytes each: type, length, address."""
_OF_LINKS: Final = frozenset({*range(130, 138), 143})
"""Types of ICMPv6 that hosts of one link talk to each other by: groups, routers, neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourTalk:
    """A question for the holder of an address, or the answer."""

    protocol: str
    """``arp`` or ``ndp``."""
    is_answer: bool
    sender: Address
    receiver: Address
    """Whom an answer is for; of a question by ARP the address that is asked for."""
    subject: Address
    """The address that is spoken of."""
    mac: str
    """The sender's; of an answer, where the subject is."""


def neighbour_talk(data: bytes) -> NeighbourTalk | None:
    """Return what an Ethernet frame asks or answers; None for any other frame."""
    return _arp(data) or _ndp(data)


def is_link_talk(key: PacketKey) -> bool:
    """Tell whether a packet is part of no connection: hosts of a link speak of themselves."""
    return key.protocol == "icmpv6" and not key.fragment and key.detail[0] in _OF_LINKS


def _arp(data: bytes) -> NeighbourTalk | None:
    if data[12:21] != _ARP_START or len(data) < _ARP_BYTES or data[21] not in {1, 2}:
        return None
    sender, target = ip_address(data[28:32]), ip_address(data[38:42])
    is_answer = data[21] == 2
    return NeighbourTalk(
        protocol="arp",
        is_answer=is_answer,
        sender=sender,
        receiver=target,
        subject=sender if is_answer else target,
        mac=data[22:28].hex(":"),
    )


def _ndp(data: bytes) -> NeighbourTalk | None:
    is_icmpv6 = data[12:14] == _ETHERTYPE_IPV6 and len(data) >= _NDP_BYTES
    if not is_icmpv6 or data[_NEXT_HEADER] != _ICMPV6:
        return None
    kind = data[_MESSAGE]
    if kind not in {_SOLICITATION, _ADVERTISEMENT}:
        return None
    option = data[_NDP_BYTES : _NDP_BYTES + 8]
    has_mac = len(option) == 8 and option[0] in {_SOURCE_MAC, _TARGET_MAC} and option[1] == 1
    return NeighbourTalk(
        protocol="ndp",
        is_answer=kind == _ADVERTISEMENT,
        sender=ip_address(data[_SENDER:_RECEIVER]),
        receiver=ip_address(data[_RECEIVER:_MESSAGE]),
        subject=ip_address(data[_TARGET:_NDP_BYTES]),
        # Without the option, the frame itself tells.
        mac=(option[2:8] if has_mac else data[6:12]).hex(":"),
    )
