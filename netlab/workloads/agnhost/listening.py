"""Sockets of agnhost's servers: every address, both families where the kernel has both."""

import encodings.idna  # noqa: F401 (looking a name up imports it, and a container may have none)
import socket
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Peer = tuple[str, int]
_DATAGRAM = 2048


def bind(port: int, kind: socket.SocketKind, address: str = "") -> socket.socket:
    """Return a bound socket of ``kind``.

    Args:
        port: TCP or UDP.
        kind: ``SOCK_STREAM`` or ``SOCK_DGRAM``.
        address: Empty for every address of the pod.
    """
    family = socket.AF_INET if address and ":" not in address else socket.AF_INET6
    try:
        opened = socket.socket(family, kind)
    except OSError:
        # A kernel without IPv6.
        opened = socket.socket(socket.AF_INET, kind)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if opened.family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    opened.bind((address, port))
    return opened


def address_and_port(peer: Any) -> str:  # noqa: ANN401 (a socket's address)
    """Return what Go prints for a peer: ``10.244.1.2:40000``, ``[fd00::2]:40000``."""
    address = peer[0].removeprefix("::ffff:")
    return f"[{address}]:{peer[1]}" if ":" in address else f"{address}:{peer[1]}"


def datagrams(receiver: socket.socket, answer: Callable[[bytes, Any], bytes | None]) -> None:
    """Answer datagrams for ever; ``answer`` returns None to keep silent.

    Replies leave from the address that was asked: a connection-tracking kernel on the way must
    recognise them.
    """
    is_ipv6 = receiver.family == socket.AF_INET6
    if is_ipv6:
        receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    while True:
        data, ancillary, _, peer = receiver.recvmsg(_DATAGRAM, 256)
        reply = answer(data, peer)
        if reply is None:
            continue
        info = [one for one in ancillary if one[:2] == _PKTINFO] if is_ipv6 else []
        receiver.sendmsg([reply], info, 0, peer)


_PKTINFO = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO)


class HttpServer(ThreadingHTTPServer):
    """A server of one port that is open once it exists."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("", port), handler, bind_and_activate=False)
        self.socket.close()
        self.socket = bind(port, socket.SOCK_STREAM)
        self.server_address = self.socket.getsockname()
        # The library's own server_bind asks the resolver for the host's name.
        self.server_name, self.server_port = socket.gethostname(), port
        self.server_activate()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (the library's)
        """Leave a client that went away in peace; anything else goes to the log."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
