"""Messages between the control plane and its two child processes, over Unix socket pairs.

A message is any value of ours, pickled, and the file descriptors that go with it. Both ends are the
same program, one forked from the other, so pickle meets no stranger.
"""

import pickle
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from netlab.errors import NetlabError

_LENGTH: Final = struct.Struct("=Q")
_BUFFER: Final = 8 << 20
"""Bytes; enough that a thousand small messages wait without blocking their sender."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a request."""

    number: int
    """The request's."""
    value: Any = None
    error: NetlabError | None = None


def pair() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a new channel."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
    return ends


def send(end: socket.socket, message: object, descriptors: Sequence[int] = ()) -> None:
    """Send a message.

    Raises:
        ConnectionError: The other end is gone.
    """
    encoded = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    socket.send_fds(end, [_LENGTH.pack(len(encoded))], descriptors)
    end.sendall(encoded)


def receive(end: socket.socket) -> tuple[Any, list[int]]:
    """Wait for a message; return it and its file descriptors.

    Raises:
        EOFError: The other end is gone.
    """
    head, descriptors, _, _ = socket.recv_fds(end, _LENGTH.size, 4)
    head += _read(end, _LENGTH.size - len(head)) if head else b""
    if not head:
        raise EOFError
    return pickle.loads(_read(end, _LENGTH.unpack(head)[0])), descriptors  # noqa: S301


def _read(end: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        block = end.recv(min(size - len(data), 1 << 20))
        if not block:
            raise EOFError
        data += block
    return bytes(data)
