"""Sockets of namespaces, which other processes use: a socket stays where it was opened."""

import errno
import os
import socket
from ipaddress import ip_address
from typing import Final

from netlab.linux.netns import inside
from netlab.netns_agent.requests import Connect, Listen

_IP_FREEBIND: Final = 15
"""linux/in.h; IPv6 sockets heed it too."""


def listen(request: Listen) -> int:
    """Return a socket that listens in a namespace, or receives datagrams there.

    Raises:
        OSError: The kernel refused.
    """
    is_ipv6 = ip_address(request.address).version == 6
    kind = socket.SOCK_DGRAM if request.is_udp else socket.SOCK_STREAM
    with inside(request.netns):
        listener = socket.socket(_family(request.address), kind)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # A node has its pods' gateway address only as long as it has pods.
        listener.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        if is_ipv6:
            # The same port of IPv4 is a socket of its own.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((request.address, request.port))
        if not request.is_udp:
            listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener.detach()


def connect(request: Connect) -> int:
    """Return a socket that has begun to connect from a namespace.

    Raises:
        OSError: The kernel refused at once.
    """
    with inside(request.netns):
        connection = socket.socket(_family(request.address), socket.SOCK_STREAM)
    connection.setblocking(False)  # noqa: FBT003 (its only argument)
    number = connection.connect_ex((request.address, request.port))
    if number not in (0, errno.EINPROGRESS):
        connection.close()
        raise OSError(number, os.strerror(number))
    return connection.detach()


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
