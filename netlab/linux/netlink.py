"""A netlink socket: many requests in one system call, dumps, and multicast.

pyroute2's own sockets start a thread or a process for each namespace they are opened in; this one
is a plain socket, of the namespace that the caller is in when it is made.

Multicast comes one message to a datagram, and the kernel charges each about a kilobyte of the
receive buffer. What finds no room is lost, and the next ``recv`` says so once (ENOBUFS).

Source: Linux, include/uapi/linux/netlink.h; netlink(7).
"""

import errno
import math
import os
import socket
import struct
from collections.abc import Sequence
from typing import Final, Self

from netlab.linux.netlink_messages import NLMSG_DONE, NLMSG_ERROR, Message, messages, numbered
from netlab.linux.timeouts import scaled

NETLINK_NETFILTER: Final = 12
SOL_NETLINK: Final = 270
NETLINK_ADD_MEMBERSHIP: Final = 1
SO_RCVBUFFORCE: Final = 33

BUFFER_BYTES: Final = 8 << 20
ANSWER_S: Final = 2
"""How long the kernel may take for an answer to a request; it takes microseconds."""
_BATCH_BYTES: Final = 32 * 1024
"""Well under the socket's send buffer, so that one ``send`` carries a batch whole."""
_DATAGRAM_BYTES: Final = 1 << 18


class NetlinkSocket:
    """A netlink socket of the namespace the caller was in when it was made; selectable.

    Args:
        protocol: Whom to speak to: routing, unless said otherwise (``NETLINK_*``).
        groups: Multicast groups to hear.

    Raises:
        OSError: The kernel refused.
    """

    def __init__(self, protocol: int = socket.NETLINK_ROUTE, groups: Sequence[int] = ()) -> None:
        self.lost = 0
        """How many times the kernel said that messages were lost."""
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol
        )
        try:
            self._enlarge()
            patience = struct.pack("@ll", math.ceil(scaled(ANSWER_S)), 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
            self._socket.bind((0, 0))
            for group in groups:
                self._socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a message is there."""
        return self._socket.fileno()

    def send(self, requests: Sequence[bytes]) -> list[int]:
        """Send requests in order and return the errno of each, 0 for done.

        A request that fails does not keep the later ones from being tried.
        """
        results = [0] * len(requests)
        first = 0
        while first < len(requests):
            batch, last = bytearray(), first
            while last < len(requests) and len(batch) < _BATCH_BYTES:
                last += 1
                batch += numbered(requests[last - 1], last)
            for sequence, number in self.exchange(batch, last - first):
                results[sequence - 1] = number
            first = last
        return results

    def exchange(self, batch: bytes | bytearray, count: int) -> list[tuple[int, int]]:
        """Send bytes as they are, and return ``count`` sequence numbers with their errno."""
        self._socket.send(batch)
        found: list[tuple[int, int]] = []
        while len(found) < count:
            found += [
                (message.sequence, message.errno())
                for message in messages(self._socket.recv(_DATAGRAM_BYTES))
                if message.kind == NLMSG_ERROR
            ]
        return found

    def ask(self, request: bytes) -> list[Message]:
        """Return the answers to one request: a dump, or what comes before the acknowledgement.

        Raises:
            OSError: The kernel refused.
        """
        self._socket.send(numbered(request, 1))
        answers: list[Message] = []
        while True:
            for message in messages(self._socket.recv(_DATAGRAM_BYTES)):
                if message.kind == NLMSG_DONE:
                    return answers
                if message.kind == NLMSG_ERROR:
                    raise_for(message.errno())
                    return answers
                answers.append(message)

    def drain(self) -> list[Message]:
        """Return every message that waits, in the kernel's order."""
        found: list[Message] = []
        while True:
            try:
                found.extend(messages(self._socket.recv(_DATAGRAM_BYTES, socket.MSG_DONTWAIT)))
            except BlockingIOError:
                return found
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.lost += 1

    def close(self) -> None:
        """Close the socket; what the kernel keeps for its owner goes with it."""
        self._socket.close()

    def _enlarge(self) -> None:
        """Ask for a receive buffer; without root of the machine it gets net.core.rmem_max."""
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)


def raise_for(number: int) -> None:
    """Raise what an errno stands for; 0 is done.

    Raises:
        OSError: It is not 0.
    """
    if number:
        raise OSError(number, os.strerror(number))


def is_harmless(number: int, *, deleting: bool) -> bool:
    """Return whether errno says that the work was done before: doing twice is doing once."""
    if deleting:
        return number in {errno.ENODEV, errno.EADDRNOTAVAIL, errno.ESRCH, errno.ENOENT}
    return number == errno.EEXIST
