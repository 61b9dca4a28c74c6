"""An HTTP server that ends without breaking a connection.

Theory of operation
-------------------
Three things of the kernel's would break one. A listening socket that is closed resets the
connections in its queue. A SYN that was lost is sent again a second later, and connection tracking
leads it to the same pod, whatever the rules say by then. What a process has sent and its peer has
not taken yet is forgotten when the network namespace goes, which it does with the pod's last
process. So, asked to end (SIGTERM), the server

1. takes connections until none has come for a while,
2. has the kernel refuse every further SYN, takes the connections that are made already, and
   closes the listening socket,
3. finishes every request, closes connections without one, and waits until all that it sent has
   arrived.

Source: Linux, ``inet_csk_listen_stop``, ``inet_sk_bound_dev_eq`` and ``tcp_close``; socket(7).
"""

import contextlib
import os
import selectors
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

LINGER_S: Final = 2.0
"""After SIGTERM, connections are taken until none came for so many seconds: more than the one that
a client waits before it repeats a SYN."""
LINGER_AT_MOST_S: Final = 10.0
"""Well before the grace period of a pod ends."""
_HANDSHAKE_S: Final = 0.2
"""Seconds that a connection whose SYN was answered may take to be made."""
_DELIVERY_S: Final = 30
"""Seconds that the closing of a connection waits for its peer."""
_LOOK_S: Final = 0.01
"""Seconds between two looks whether the last connection has ended."""
_SO_BINDTOIFINDEX: Final = 62
"""asm-generic/socket.h; ``socket`` knows it from Python 3.14 on."""
_NO_INTERFACE: Final = 0x7FFF_FFFF


class KeptAlive(BaseHTTPRequestHandler):
    """A connection, which tells the server when it has no request under way."""

    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        """Serve a request; until the next one's first line has come the connection is idle."""
        super().handle_one_request()
        if not self.close_connection:
            self.ours.idle.add(self.connection)

    def parse_request(self) -> bool:
        """Parse a request, whose first line has come."""
        self.ours.idle.discard(self.connection)
        return super().parse_request()

    @property
    def ours(self) -> "DrainingServer":
        """The server."""
        assert isinstance(self.server, DrainingServer)  # noqa: S101 (no other is given these)
        return self.server


class DrainingServer(ThreadingHTTPServer):
    """Serves until SIGTERM, and then until all connections have ended."""

    daemon_threads = True
    request_queue_size = 1024
    timeout: float | None = 0.0
    is_draining = False
    idle: set[socket.socket]
    """Connections between two requests; one whose first is to come is not idle."""
    _open: set[socket.socket]

    def serve_until_drained(self, ready: Callable[[], None]) -> None:
        """Serve until SIGTERM, and then until all connections have ended.

        Args:
            ready: Called once SIGTERM drains and no longer kills.
        """
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        # The wake-up ends the wait below: a handler alone would not.
        signal.set_wakeup_fd(writer)
        signal.signal(signal.SIGTERM, self._drain)
        ready()
        with selectors.PollSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.register(reader, selectors.EVENT_READ)
            while not self.is_draining:
                self._serve_one(selector, None)
            selector.unregister(reader)
            self._serve_the_last(selector)
        self.server_close()
        while self._open:
            for connection in list(self.idle):
                # Its thread reads the end, and closes it.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RD)
            time.sleep(_LOOK_S)

    def _serve_the_last(self, selector: selectors.BaseSelector) -> None:
        # Whether one has come is looked at, and not the time: a busy machine may let this process
        # wait while connections come.
        ends_at = time.monotonic() + LINGER_AT_MOST_S
        while self._serve_one(selector, LINGER_S) and time.monotonic() < ends_at:
            pass
        _refuse_new(self.socket)
        while self._serve_one(selector, _HANDSHAKE_S):
            pass

    def _serve_one(self, selector: selectors.BaseSelector, timeout_s: float | None) -> bool:
        """Take a connection when one comes in time, and tell whether it did."""
        came = any(key.fileobj is self for key, _ in selector.select(timeout_s))
        if came:
            self.handle_request()
        return came

    def _drain(self, number: int, frame: object) -> None:
        del number, frame
        self.is_draining = True

    def server_bind(self) -> None:
        """Bind the socket, an IPv6 one for IPv4 too."""
        self.idle, self._open = set(), set()
        # The library's own server_bind asks the resolver for the host's name.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(self.server_address)

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Take a connection."""
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Closing it waits until the peer has all that was sent.
        linger = struct.pack("ii", 1, _DELIVERY_S)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 (the library's)
        """Close a connection."""
        self.idle.discard(request)
        try:
            super().shutdown_request(request)
        finally:
            self._open.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (the library's)
        """Leave a client that went away in peace; anything else goes to the log."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _refuse_new(listener: socket.socket) -> None:
    """Have the kernel refuse every SYN from now on, and leave alone what is under way.

    A listening socket is looked for when a SYN comes, and one that is bound to an interface hears
    those that come in there; the ACK that ends a handshake finds its request by itself.
    """
    listener.setsockopt(socket.SOL_SOCKET, _SO_BINDTOIFINDEX, _NO_INTERFACE)
