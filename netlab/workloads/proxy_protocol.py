"""The head that a balancer puts before a connection's data to say who the client is.

Version 1 is a line of text, ``PROXY TCP4 SOURCE DESTINATION PORT PORT``. Version 2 begins with
twelve bytes that no protocol of lines can begin with, and goes on in binary.

Source: HAProxy, ``doc/proxy-protocol.txt``, sections 2.1 and 2.2.
"""

import socket
import struct
from io import BufferedIOBase
from typing import Final, NamedTuple

V1_START: Final = b"PROXY "
V2_SIGNATURE: Final = (b"\r\n", b"\r\n", b"\0\r\n", b"QUIT\n")
"""As ``readline`` reads it."""

_V1_BYTES: Final = 107
_LOCAL, _PROXY = 0x20, 0x21
_FAMILIES: Final = {1: (socket.AF_INET, 4), 2: (socket.AF_INET6, 16)}
"""By the upper half of the family byte: the address family and an address's bytes."""


class ProxyHead(NamedTuple):
    """What a PROXY protocol head says."""

    version: int
    client: tuple[str, int] | None
    """Address and port; None when the balancer speaks for itself, as for a health check."""


def read_head(first_line: bytes, stream: BufferedIOBase) -> ProxyHead | None:
    """Return the head that begins with ``first_line``; None when it is no such head.

    Args:
        first_line: What ``readline`` returned at the start of the connection.
        stream: The rest of the connection; read to the end of the head.

    Raises:
        ValueError: It begins like a head and is none.
    """
    if first_line.startswith(V1_START):
        return ProxyHead(1, _v1_client(first_line))
    if first_line == V2_SIGNATURE[0]:
        if any(stream.readline(8) != line for line in V2_SIGNATURE[1:]):
            raise ValueError("an empty line that begins no PROXY protocol head")
        return ProxyHead(2, _v2_client(stream))
    return None


def _v1_client(line: bytes) -> tuple[str, int] | None:
    words = line.decode("ascii", "replace").split()
    if len(line) > _V1_BYTES or not line.endswith(b"\r\n"):
        raise ValueError("a PROXY protocol line without an end")
    if words[1:2] == ["UNKNOWN"]:
        return None
    families = {"TCP4": socket.AF_INET, "TCP6": socket.AF_INET6}
    if len(words) != 6 or words[1] not in families:
        raise ValueError("a PROXY protocol line of another form")
    try:
        socket.inet_pton(families[words[1]], words[2])
    except OSError as error:
        raise ValueError("a PROXY protocol line with a wrong address") from error
    return words[2], int(words[4])


def _v2_client(stream: BufferedIOBase) -> tuple[str, int] | None:
    command, family, length = struct.unpack("!BBH", _exactly(stream, 4))
    addresses = _exactly(stream, length)
    if command == _LOCAL or family >> 4 not in _FAMILIES:
        return None
    if command != _PROXY:
        raise ValueError("a PROXY protocol head of another version")
    kind, size = _FAMILIES[family >> 4]
    if length < 2 * size + 4:
        raise ValueError("a PROXY protocol head that is too short")
    (port,) = struct.unpack_from("!H", addresses, 2 * size)
    return socket.inet_ntop(kind, addresses[:size]), port


def _exactly(stream: BufferedIOBase, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise ValueError("a PROXY protocol head that ends early")
    return data
