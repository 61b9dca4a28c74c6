"""A netlink socket of the kernel's netfilter subsystem, in the namespace of a host.

Theory of operation
-------------------
A message is a header, four bytes that name the address family, and attributes: type, length, value,
each padded to four bytes; a value may hold attributes again. Rule traces and conntrack events come
as multicast, one message to a datagram, and the kernel charges each about a kilobyte of the
receive buffer. What finds no room is lost, and the next ``recv`` says so once (ENOBUFS).

Source: Linux, include/uapi/linux/netlink.h and include/uapi/linux/netfilter/nfnetlink.h.
"""

import errno
import math
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from netlab.linux.packet_ring import Enter
from netlab.linux.timeouts import scaled
from netlab.model.hosts import Host

NETLINK_NETFILTER: Final = 12
SOL_NETLINK: Final = 270
NETLINK_ADD_MEMBERSHIP: Final = 1
SO_RCVBUFFORCE: Final = 33

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLM_F_CREATE, NLM_F_EXCL, NLM_F_APPEND = 0x400, 0x200, 0x800
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLA_F_NESTED: Final = 0x8000
NLA_TYPE_MASK: Final = 0x3FFF

NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END = 16, 17
NFNL_SUBSYS_CTNETLINK, NFNL_SUBSYS_ULOG, NFNL_SUBSYS_NFTABLES = 1, 4, 10

BUFFER_BYTES: Final = 8 << 20
ANSWER_S: Final = 2
"""How long the kernel may take for an answer to a request; it takes microseconds."""

_HEADER: Final = struct.Struct("=IHHII")
_FAMILY: Final = struct.Struct(">BBH")
_ATTRIBUTE: Final = struct.Struct("=HH")


class Message(NamedTuple):
    """One netlink message."""

    kind: int
    flags: int
    payload: bytes
    """What follows the netlink header."""

    def attributes(self) -> dict[int, bytes]:
        """Return the attributes behind the four bytes of the family."""
        return attributes(self.payload[_FAMILY.size :])


class Request(NamedTuple):
    """What to ask of a subsystem."""

    kind: int
    """Subsystem << 8 | message type."""
    family: int
    body: bytes
    flags: int = 0


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
    while at + _HEADER.size <= len(datagram):
        length, kind, flags, _, _ = _HEADER.unpack_from(datagram, at)
        if length < _HEADER.size:
            return
        yield Message(kind, flags, datagram[at + _HEADER.size : at + length])
        at += (length + 3) & ~3


def _set_receive_buffer(opened: socket.socket, size: int) -> None:
    """Ask for a receive buffer; without root of the machine it gets net.core.rmem_max at most."""
    try:
        opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
    except PermissionError:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)


class NetfilterSocket:
    """A netlink socket that stays in the namespace of ``host``; selectable.

    Args:
        host: Whose netfilter to speak to.
        enter: Moves this thread into that namespace; used while opening only.
        groups: Multicast groups to hear (``NFNLGRP_*``).

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused.
    """

    def __init__(self, host: Host, enter: Enter, groups: Sequence[int] = ()) -> None:
        self.lost = 0
        """How many times the kernel said that messages were lost."""
        with enter(host.netns):
            self._socket = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER
            )
        try:
            _set_receive_buffer(self._socket, BUFFER_BYTES)
            patience = struct.pack("@ll", math.ceil(scaled(ANSWER_S)), 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
            self._socket.bind((0, 0))
            for group in groups:
                self._socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a message is there."""
        return self._socket.fileno()

    def batch(self, requests: Sequence[Request]) -> None:
        """Have the kernel do all of ``requests`` as one transaction, or none.

        Raises:
            OSError: It did none; the first reason.
        """
        begin = Request(NFNL_MSG_BATCH_BEGIN, 0, b"")
        end = Request(NFNL_MSG_BATCH_END, 0, b"")
        asked = [r._replace(flags=r.flags | NLM_F_ACK) for r in requests]
        parts = [
            self._encode(one, NFNL_SUBSYS_NFTABLES if one in {begin, end} else 0)
            for one in (begin, *asked, end)
        ]
        self._socket.send(b"".join(parts))
        failures: list[int] = []
        waiting = len(asked)
        while waiting > 0:
            for message in messages(self._socket.recv(1 << 16)):
                if message.kind == NLMSG_ERROR:
                    waiting -= 1
                    failures.append(-struct.unpack_from("=i", message.payload)[0])
        wrong = next((number for number in failures if number), 0)
        if wrong:
            raise OSError(wrong, os.strerror(wrong))

    def ask(self, request: Request) -> list[Message]:
        """Return the answers to one request: a dump, or what comes before the acknowledgement.

        Raises:
            OSError: The kernel refused.
        """
        self._socket.send(self._encode(request._replace(flags=request.flags | NLM_F_ACK), 0))
        answers: list[Message] = []
        while True:
            for message in messages(self._socket.recv(1 << 18)):
                if message.kind == NLMSG_DONE:
                    return answers
                if message.kind == NLMSG_ERROR:
                    wrong = -struct.unpack_from("=i", message.payload)[0]
                    if wrong:
                        raise OSError(wrong, os.strerror(wrong))
                    return answers
                answers.append(message)

    def drain(self) -> list[Message]:
        """Return every message that waits, in the kernel's order."""
        found: list[Message] = []
        while True:
            try:
                found.extend(messages(self._socket.recv(1 << 18, socket.MSG_DONTWAIT)))
            except BlockingIOError:
                return found
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.lost += 1

    def close(self) -> None:
        """Close the socket; what the kernel keeps for its owner goes with it."""
        self._socket.close()

    @staticmethod
    def _encode(request: Request, subsystem: int) -> bytes:
        payload = _FAMILY.pack(request.family, 0, subsystem) + request.body
        length = _HEADER.size + len(payload)
        return _HEADER.pack(length, request.kind, NLM_F_REQUEST | request.flags, 0, 0) + payload
