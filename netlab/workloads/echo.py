"""The echo server: answers each request with what it saw of it, as echoserver:1.4 does.

The tutorials read ``client_address`` from it. Any method, any path, keep-alive, chunked and large
bodies (they are returned whole), IPv4 and IPv6 on one socket.

Asked to end (SIGTERM), it drains: rules that lead to it go away at about the same time, so it
takes connections until none has come for a moment, finishes every request it has, and ends.

Source: ``registry.k8s.io/echoserver:1.4``, its answer's form; the values are this server's own.
"""

import http
import io
import os
import re
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any, Final

PORT: Final = 8080
_CHUNK: Final = 1 << 16
_IN_MEMORY: Final = 1 << 20
"""Bytes of a body up to which it is held in memory; a longer one goes to a file."""
LINGER_S: Final = 1.0
"""After SIGTERM, connections are taken until none came for so many seconds: rules follow in a
fraction of that, unless the machine is busy."""
LINGER_AT_MOST_S: Final = 10.0
"""Well before the grace period of a pod ends."""
_LOOK_S: Final = 0.01
"""Seconds between two looks whether the last request is done."""


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "netlab-echo"
    # Headers and body leave as few packets as they can.
    wbufsize = -1

    def handle(self) -> None:
        """Serve a connection; while a request of it is under way the server does not end."""
        self._ours.busy.add(self)
        try:
            super().handle()
        finally:
            self._ours.busy.discard(self)

    def handle_one_request(self) -> None:
        super().handle_one_request()
        self._ours.busy.discard(self)

    def parse_request(self) -> bool:
        # A first line has come: a connection kept alive is busy again.
        self._ours.busy.add(self)
        return super().parse_request()

    @property
    def _ours(self) -> "_Server":
        assert isinstance(self.server, _Server)  # noqa: S101 (no other makes one of this class)
        return self.server

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Serve every method: the standard library looks up ``do_<METHOD>``."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        with _open_body(self.headers) as body:
            try:
                self._read_body(body)
            except ValueError:
                self.send_error(http.HTTPStatus.BAD_REQUEST)
                return
            size = body.tell()
            head = self._report(has_body=size > 0).encode()
            self.send_response(http.HTTPStatus.OK)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(head) + size))
            if self._ours.is_draining:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command == "HEAD":
                return
            self.wfile.write(head)
            body.seek(0)
            while block := body.read(_CHUNK):
                self.wfile.write(block)

    def _read_body(self, body: IO[bytes]) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while size := int(self.rfile.readline().split(b";")[0], 16):
                self._copy(size, body)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        else:
            self._copy(int(self.headers.get("Content-Length") or 0), body)

    def _copy(self, size: int, body: IO[bytes]) -> None:
        if size < 0:
            raise ValueError("a negative size")
        while size:
            block = self.rfile.read(min(size, _CHUNK))
            if not block:
                raise ValueError("the body ended early")
            body.write(block)
            size -= len(block)

    def _report(self, *, has_body: bool) -> str:
        path, _, query = self.path.partition("?")
        host = re.sub(r":[0-9]+\Z", "", self.headers.get("Host", ""))
        port = self.connection.getsockname()[1]
        headers = sorted((name.lower(), value) for name, value in self.headers.items())
        return "\n".join(
            [
                "CLIENT VALUES:",
                f"client_address={self.client_address[0].removeprefix('::ffff:')}",
                f"command={self.command}",
                f"real path={path}",
                f"query={query or 'nil'}",
                f"request_version={self.request_version.removeprefix('HTTP/')}",
                f"request_uri=http://{host}:{port}{self.path}",
                "",
                "SERVER VALUES:",
                f"server_version={self.server_version}",
                "",
                "HEADERS RECEIVED:",
                *(f"{name}={value}" for name, value in headers),
                "BODY:",
                "" if has_body else "-no body in request-",
            ]
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Write an access log line to standard output, as the container's log."""
        print(f"{self.client_address[0].removeprefix('::ffff:')} {format % args}", flush=True)  # noqa: T201


def _open_body(headers: Message) -> IO[bytes]:
    length = headers.get("Content-Length", "0")
    is_chunked = "Transfer-Encoding" in headers
    if not is_chunked and length.isdigit() and int(length) <= _IN_MEMORY:
        return io.BytesIO()
    return os.fdopen(os.open("/tmp", os.O_TMPFILE | os.O_RDWR, 0o600), "w+b")  # noqa: S108


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    timeout: float | None = 0.0
    is_draining = False
    busy: set[_Echo]
    """Connections with a request under way, and new ones, whose first is to come."""

    def serve_until_drained(self, ready: Callable[[], None]) -> None:
        """Serve until SIGTERM, and then until all requests are done.

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
            quiet_at = time.monotonic() + LINGER_S
            ends_at = time.monotonic() + LINGER_AT_MOST_S
            while (left := min(quiet_at, ends_at) - time.monotonic()) > 0:
                if self._serve_one(selector, left):
                    quiet_at = time.monotonic() + LINGER_S
        self.server_close()
        while self.busy:
            time.sleep(_LOOK_S)

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
        self.busy = set()
        # The library's own server_bind asks the resolver for the host's name.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "echo", PORT

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (the library's)
        """Leave a client that went away in peace; anything else goes to the log."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def serve(ready: Callable[[], None], port: int = PORT) -> None:
    """Serve until SIGTERM, drain, and end the process.

    Args:
        ready: Called once the socket listens and SIGTERM drains.
        port: TCP port, on every address.

    Raises:
        SystemExit: Always, in the end.
    """
    family = socket.AF_INET6 if socket.has_ipv6 and _has_ipv6_stack() else socket.AF_INET
    server_class = type("EchoServer", (_Server,), {"address_family": family})
    with server_class(("", port), _Echo) as server:
        server.serve_until_drained(ready)
    raise SystemExit


def _has_ipv6_stack() -> bool:
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True
