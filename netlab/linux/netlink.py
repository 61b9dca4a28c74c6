"""Netlink requests in batches, through one plain socket.

pyroute2 knows the message formats and encodes and decodes here. Its own sockets start a thread or a
process for each namespace they are opened in, so the bytes travel through a socket of ours, many
requests to one system call.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any, Final, Self

NLM_F_REQUEST: Final = 0x1
NLM_F_ACK: Final = 0x4
NLM_F_DUMP: Final = 0x300
NLM_F_REPLACE: Final = 0x100
NLM_F_EXCL: Final = 0x200
NLM_F_CREATE: Final = 0x400

RTM_NEWLINK: Final = 16
RTM_DELLINK: Final = 17
RTM_GETLINK: Final = 18
RTM_NEWADDR: Final = 20
RTM_DELADDR: Final = 21
RTM_GETADDR: Final = 22
RTM_NEWROUTE: Final = 24
RTM_DELROUTE: Final = 25
RTM_GETROUTE: Final = 26
"""linux/rtnetlink.h, linux/netlink.h"""

_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_HEADER: Final = struct.Struct("=IHHII")
_BATCH_BYTES: Final = 32 * 1024
"""Well under the socket's send buffer, so that one ``send`` carries a batch whole."""

Message = Any
"""An ``ifinfmsg``, ``ifaddrmsg`` or ``rtmsg`` of pyroute2, which has no types."""


def request(message: Message, message_type: int, flags: int) -> bytes:
    """Return the bytes of one request; ``send`` numbers it."""
    message["header"]["type"] = message_type
    message["header"]["flags"] = NLM_F_REQUEST | flags
    message.encode()
    return bytes(message.data)


class Netlink:
    """A netlink socket of the namespace the caller was in when it was made.

    Args:
        family: Whom to speak to: routing, unless said otherwise (linux/netlink.h).
    """

    def __init__(self, family: int = socket.NETLINK_ROUTE) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, family
        )
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()

    def send(self, requests: list[bytes]) -> list[int]:
        """Send requests in order and return the errno of each, 0 for done.

        A request that fails does not keep the later ones from being tried.
        """
        results = [0] * len(requests)
        first = 0
        while first < len(requests):
            last, size = first, 0
            while last < len(requests) and (last == first or size < _BATCH_BYTES):
                size += len(requests[last])
                last += 1
            self._send_batch(requests, first, last, results)
            first = last
        return results

    def _send_batch(self, requests: list[bytes], first: int, last: int, results: list[int]) -> None:
        batch = bytearray()
        for number in range(first, last):
            at = len(batch)
            batch += requests[number]
            length, kind, flags, _, _ = _HEADER.unpack_from(batch, at)
            _HEADER.pack_into(batch, at, length, kind, flags | NLM_F_ACK, number + 1, 0)
        self._socket.send(batch)
        waiting = last - first
        while waiting:
            for kind, sequence, payload in self._receive():
                if kind == _NLMSG_ERROR:
                    results[sequence - 1] = -struct.unpack_from("=i", payload)[0]
                    waiting -= 1

    def dump(self, message: Message, message_type: int) -> list[Any]:
        """Return the decoded answers to a dump request, as pyroute2 messages.

        Raises:
            OSError: The kernel refused.
        """
        encoded = bytearray(request(message, message_type, NLM_F_DUMP))
        self._socket.send(encoded)
        answers: list[Any] = []
        while True:
            for kind, _, payload in self._receive():
                if kind == _NLMSG_DONE:
                    return answers
                if kind == _NLMSG_ERROR:
                    number = -struct.unpack_from("=i", payload)[0]
                    raise OSError(number, os.strerror(number))
                answer = type(message)(_HEADER.pack(len(payload) + 16, kind, 0, 0, 0) + payload)
                answer.decode()
                answers.append(answer)

    def _receive(self) -> Iterator[tuple[int, int, bytes]]:
        data = self._socket.recv(1 << 17)
        at = 0
        while at < len(data):
            length, kind, _, sequence, _ = _HEADER.unpack_from(data, at)
            yield kind, sequence, data[at + _HEADER.size : at + length]
            at += (length + 3) & ~3


def is_harmless(number: int, *, deleting: bool) -> bool:
    """Return whether errno says that the work was done before: doing twice is doing once."""
    if deleting:
        return number in {errno.ENODEV, errno.EADDRNOTAVAIL, errno.ESRCH, errno.ENOENT}
    return number == errno.EEXIST
