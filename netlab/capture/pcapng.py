"""Blocks of a pcapng file: values to bytes.

Theory of operation
-------------------
A file is a section header and then blocks in any order, each whole in itself: whatever is cut off
behind a block's end is a readable file. An interface has a number, which is its place among the
interface blocks so far, and its block must come before its first packet.

Observations of one packet at several interfaces carry one packet id; the format has it for that.
Numbers are little-endian, which the section header says.

Source: draft-ietf-opsawg-pcapng.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_address
from typing import Final

SECTION_HEADER: Final = 0x0A0D0D0A
INTERFACE_DESCRIPTION: Final = 1
NAME_RESOLUTION: Final = 4
INTERFACE_STATISTICS: Final = 5
ENHANCED_PACKET: Final = 6

ETHERNET: Final = 1
"""LINKTYPE_ETHERNET"""

INBOUND, OUTBOUND = 1, 2
UNICAST, MULTICAST, BROADCAST, PROMISCUOUS = 1 << 2, 2 << 2, 3 << 2, 4 << 2
"""Bits of a packet's flags: the direction, and how it was received."""

_END_OF_OPTIONS: Final = bytes(4)
_COMMENT: Final = 1
_SHB_HARDWARE, _SHB_OS, _SHB_APPLICATION = 2, 3, 4
_IF_NAME, _IF_DESCRIPTION, _IF_IPV4, _IF_IPV6, _IF_MAC = 2, 3, 4, 5, 6
_IF_RESOLUTION, _IF_FILTER = 9, 11
_EPB_FLAGS, _EPB_PACKET_ID = 2, 5
_ISB_START, _ISB_END, _ISB_RECEIVED, _ISB_DROPPED = 2, 3, 4, 5
_NAME_IPV4, _NAME_IPV6 = 1, 2
_NANOSECONDS: Final = b"\x09"
"""Ten to the minus nine."""
_LONGEST_OPTION: Final = 0xFFFF

_PACKET: Final = struct.Struct("<IIIIIII")  # type, length, interface, time, kept, length on wire
_PADDING: Final = (b"", bytes(3), bytes(2), bytes(1))
"""To 32 bits, by the last two bits of a length."""
_END: Final = struct.Struct("<II")  # end of options, length
_END_WITH_ID: Final = struct.Struct("<HHQII")  # packet id, end of options, length


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A vantage point."""

    name: str
    """``node2:eth0``"""
    description: str = ""
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()
    mac: str = ""
    """``02:e1:58:9c:70:db``; empty where there is none."""
    filter: str = ""
    """The expression whose packets were captured; empty for all."""
    snap: int = 0
    """Bytes kept of a packet; 0 for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What became of an interface's packets."""

    interface: int
    start_ns: int
    end_ns: int
    received: int
    dropped: int
    comments: tuple[str, ...] = ()


def section_header(
    *, hardware: str, os: str, application: str, comments: Iterable[str] = ()
) -> bytes:
    """Return the block that every file begins with."""
    options = [
        *_comments(comments),
        _text(_SHB_HARDWARE, hardware),
        _text(_SHB_OS, os),
        _text(_SHB_APPLICATION, application),
    ]
    # The length of the section is not known, which -1 says.
    return _block(SECTION_HEADER, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1), options)


def interface_description(interface: Interface) -> bytes:
    """Return the block that gives the next number to a vantage point."""
    options = [_text(_IF_NAME, interface.name), _text(_IF_DESCRIPTION, interface.description)]
    for address in interface.addresses:
        if isinstance(address, IPv4Interface):
            options.append(_option(_IF_IPV4, address.packed + address.netmask.packed))
        else:
            prefix = bytes([address.network.prefixlen])
            options.append(_option(_IF_IPV6, address.packed + prefix))
    if interface.mac:
        options.append(_option(_IF_MAC, bytes.fromhex(interface.mac.replace(":", ""))))
    options.append(_option(_IF_RESOLUTION, _NANOSECONDS))
    if interface.filter:
        # The first byte says that the text behind it is one of libpcap's expressions.
        options.append(_option(_IF_FILTER, b"\0" + interface.filter.encode()))
    body = struct.pack("<HHI", ETHERNET, 0, interface.snap)
    return _block(INTERFACE_DESCRIPTION, body, options)


def packet_options(*, flags: int | None = None, comments: Iterable[str] = ()) -> bytes:
    """Return options of a packet for ``enhanced_packet``; many packets may share them."""
    told = b"" if flags is None else _option(_EPB_FLAGS, struct.pack("<I", flags))
    return told + b"".join(_comments(comments))


def enhanced_packet(
    interface: int, time_ns: int, content: bytes, length: int, packet_id: int, options: bytes
) -> bytes:
    """Return the block of one packet.

    Args:
        interface: Its number.
        time_ns: Nanoseconds since 1970.
        content: What was kept of it.
        length: Bytes on the wire.
        packet_id: The same for each observation of the same packet; 0 for none.
        options: Of ``packet_options``, one or more of them.
    """
    kept = len(content)
    pad = _PADDING[kept & 3]
    if packet_id:
        size = 48 + kept + len(pad) + len(options)
        end = _END_WITH_ID.pack(_EPB_PACKET_ID, 8, packet_id, 0, size)
    else:
        size = 36 + kept + len(pad) + len(options)
        end = _END.pack(0, size)
    high, low = time_ns >> 32, time_ns & 0xFFFF_FFFF
    head = _PACKET.pack(ENHANCED_PACKET, size, interface, high, low, kept, length)
    return b"".join((head, content, pad, options, end))


def name_resolution(names: Mapping[str, str]) -> bytes:
    """Return the block that says what to call addresses."""
    records = []
    for text, name in names.items():
        address = ip_address(text)
        kind = _NAME_IPV4 if address.version == 4 else _NAME_IPV6
        records.append(_option(kind, address.packed + name.encode() + b"\0"))
    return _block(NAME_RESOLUTION, b"".join(records) + _END_OF_OPTIONS, [])


def interface_statistics(statistics: Statistics) -> bytes:
    """Return the block of an interface's counters."""
    start, end = (
        struct.pack("<II", *divmod(time_ns, 1 << 32))
        for time_ns in (statistics.start_ns, statistics.end_ns)
    )
    options = [
        *_comments(statistics.comments),
        _option(_ISB_START, start),
        _option(_ISB_END, end),
        _option(_ISB_RECEIVED, struct.pack("<Q", statistics.received)),
        _option(_ISB_DROPPED, struct.pack("<Q", statistics.dropped)),
    ]
    return _block(INTERFACE_STATISTICS, struct.pack("<I", statistics.interface) + end, options)


def _comments(texts: Iterable[str]) -> list[bytes]:
    return [_text(_COMMENT, text) for text in texts]


def _text(code: int, text: str) -> bytes:
    """Return an option with a text; an empty text is no option."""
    encoded = text.encode()
    if len(encoded) > _LONGEST_OPTION:
        encoded = encoded[:_LONGEST_OPTION].decode(errors="ignore").encode()
    return _option(code, encoded) if encoded else b""


def _option(code: int, content: bytes) -> bytes:
    """Return an option, or a record of names, which has the same form."""
    return struct.pack("<HH", code, len(content)) + content + bytes(-len(content) & 3)


def _block(kind: int, body: bytes, options: Sequence[bytes]) -> bytes:
    tail = b"".join(options)
    if tail:
        tail += _END_OF_OPTIONS
    size = struct.pack("<I", 12 + len(body) + len(tail))
    return struct.pack("<I", kind) + size + body + tail + size
