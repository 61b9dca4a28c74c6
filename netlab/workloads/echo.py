"""The echo server: answers each request with what it saw of it, as echoserver:1.4 does.

The tutorials read ``client_address`` from it. Any method, any path, keep-alive, chunked and large
bodies (they are returned whole), IPv4 and IPv6 on one socket.

A connection that a balancer begins with a PROXY protocol head is answered with the client that the
head names, and with a line more: ``proxy_protocol``, its version and the balancer's address.

Asked to end (SIGTERM), it drains: see ``netlab.workloads.draining``.

Source: ``registry.k8s.io/echoserver:1.4``, its answer's form; the values are this server's own.
"""

import http
import io
import os
import re
import socket
from collections.abc import Callable, Sequence
from email.message import Message
from typing import IO, Final

from netlab.workloads.draining import DrainingServer, KeptAlive
from netlab.workloads.proxy_protocol import ProxyHead, read_head

PORT: Final = 8080
_CHUNK: Final = 1 << 16
_LINE: Final = (1 << 16) + 1
"""Bytes of a request's first line at most, and one to tell a longer one by."""
_IN_MEMORY: Final = 1 << 20
"""Bytes of a body up to which it is held in memory; a longer one goes to a file."""


class _Echo(KeptAlive):
    server_version = "netlab-echo"
    # Headers and body leave as few packets as they can.
    wbufsize = -1
    _is_first = True
    _proxy_head: ProxyHead | None = None
    raw_requestline: bytes

    def parse_request(self) -> bool:
        """Parse a request, and what a balancer put before the connection's first."""
        if self._is_first:
            self._is_first = False
            try:
                self._proxy_head = read_head(self.raw_requestline, self.rfile)
            except ValueError:
                self.requestline, self.request_version, self.command = "", "", ""
                self.send_error(http.HTTPStatus.BAD_REQUEST)
                return False
            if self._proxy_head is not None:
                self.raw_requestline = self.rfile.readline(_LINE)
                if not self.raw_requestline:
                    self.close_connection = True
                    return False
        return super().parse_request()

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
            if self.ours.is_draining:
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
                *self._client(),
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

    def _client(self) -> list[str]:
        peer = self.client_address[0].removeprefix("::ffff:")
        head = self._proxy_head
        if head is None:
            return [f"client_address={peer}"]
        client = head.client[0] if head.client is not None else peer
        return [f"client_address={client}", f"proxy_protocol=v{head.version} from {peer}"]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Write an access log line to standard output, as the container's log."""
        print(f"{self.client_address[0].removeprefix('::ffff:')} {format % args}", flush=True)  # noqa: T201


def _open_body(headers: Message) -> IO[bytes]:
    length = headers.get("Content-Length", "0")
    is_chunked = "Transfer-Encoding" in headers
    if not is_chunked and length.isdigit() and int(length) <= _IN_MEMORY:
        return io.BytesIO()
    return os.fdopen(os.open("/tmp", os.O_TMPFILE | os.O_RDWR, 0o600), "w+b")  # noqa: S108


def run(ready: Callable[[], None], argv: Sequence[str]) -> None:
    """Serve as a container's first process.

    Args:
        ready: Called once a port is served, by the process that serves it.
        argv: TCP ports; 8080 when there is none.
    """
    unknown = [word for word in argv if not word.isdigit()]
    if unknown:
        print(f"echo: arguments that it does not know: {' '.join(unknown)}", flush=True)  # noqa: T201
        raise SystemExit(1)
    first, *others = [int(word) for word in argv] or [PORT]
    for port in others:
        if os.fork() == 0:
            serve(ready, port)
    serve(ready, first)


def serve(ready: Callable[[], None], port: int = PORT) -> None:
    """Serve until SIGTERM, drain, and end the process.

    Args:
        ready: Called once the socket listens and SIGTERM drains.
        port: TCP port, on every address.

    Raises:
        SystemExit: Always, in the end.
    """
    family = socket.AF_INET6 if socket.has_ipv6 and _has_ipv6_stack() else socket.AF_INET
    server_class = type("EchoServer", (DrainingServer,), {"address_family": family})
    with server_class(("", port), _Echo) as server:
        server.serve_until_drained(ready)
    raise SystemExit


def _has_ipv6_stack() -> bool:
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True
