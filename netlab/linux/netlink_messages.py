"""Netlink's messages and attributes as bytes, and back.

A message is a header and a payload; a payload is a header of the subsystem's own and attributes:
type, length, value, each padded to four bytes; a value may hold attributes again.

Source: Linux, include/uapi/linux/netlink.h.
"""

import struct
import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE, NLM_F_APPEND = 0x100, 0x200, 0x400, 0x800
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLA_F_NESTED: Final = 0x8000
NLA_TYPE_MASK: Final = 0x3FFF

HEADER: Final = struct.Struct("=IHHII")
"""Length, type, flags, sequence number and port of a message."""
NETFILTER_HEADER_BYTES: Final = 4
_ATTRIBUTE: Final = struct.Struct("=HH")
_ERRNO: Final = struct.Struct("=i")
_U32: Final = struct.Struct("=I")


class Message(NamedTuple):
    """One netlink message."""

    kind: int
    flags: int
    payload: bytes
    """What follows the netlink header."""
    sequence: int = 0
    """The number of the request that it answers."""

    def attributes(self, header_bytes: int = NETFILTER_HEADER_BYTES) -> dict[int, bytes]:
        """Return the attributes behind the subsystem's own header."""
        return attributes(self.payload[header_bytes:])

    def errno(self) -> int:
        """Return what a message of the type ``NLMSG_ERROR`` says; 0 is done."""
        return -int(_ERRNO.unpack_from(self.payload)[0])


def request(kind: int, payload: bytes, flags: int = 0) -> bytes:
    """Return the bytes of one request; the socket numbers it."""
    return HEADER.pack(HEADER.size + len(payload), kind, NLM_F_REQUEST | flags, 0, 0) + payload


def numbered(asked: bytes, sequence: int) -> bytes:
    """Return a request with its number, and the wish for an acknowledgement."""
    length, kind, flags, _, _ = HEADER.unpack_from(asked)
    return HEADER.pack(length, kind, flags | NLM_F_ACK, sequence, 0) + asked[HEADER.size :]


def attribute(kind: int, value: bytes) -> bytes:
    """Return one attribute, padded."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def nested(kind: int, *parts: bytes) -> bytes:
    """Return an attribute that holds attributes."""
    return attribute(kind | NLA_F_NESTED, b"".join(parts))


def string(kind: int, value: str) -> bytes:
    """Return an attribute that holds a C string."""
    return attribute(kind, value.encode() + b"\0")


def be32(kind: int, value: int) -> bytes:
    """Return an attribute that holds a 32 bit number in network order."""
    return attribute(kind, struct.pack(">I", value & 0xFFFF_FFFF))


def u32(kind: int, value: int) -> bytes:
    """Return an attribute that holds a 32 bit number in the machine's order."""
    return attribute(kind, _U32.pack(value))


def u32_of(value: bytes | None) -> int:
    """Return a number in the machine's order; 0 for None."""
    return int.from_bytes(value or b"", sys.byteorder)


def attributes(content: bytes) -> dict[int, bytes]:
    """Return the values of a row of attributes by type; a later one of a type wins."""
    found: dict[int, bytes] = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(content):
        length, kind = _ATTRIBUTE.unpack_from(content, at)
        if length < _ATTRIBUTE.size:
            break
        found[kind & NLA_TYPE_MASK] = content[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found


def text_of(value: bytes | None) -> str:
    """Return a C string; empty for None."""
    return (value or b"").rstrip(b"\0").decode(errors="replace")


def number_of(value: bytes | None) -> int:
    """Return a number in network order; 0 for None."""
    return int.from_bytes(value or b"", "big")


def messages(datagram: bytes) -> Iterator[Message]:
    """Yield the messages of a datagram."""
    at = 0
    while at + HEADER.size <= len(datagram):
        length, kind, flags, sequence, _ = HEADER.unpack_from(datagram, at)
        if length < HEADER.size:
            return
        yield Message(kind, flags, datagram[at + HEADER.size : at + length], sequence)
        at += (length + 3) & ~3
