"""``agnhost serve-hostname``: answer everybody with the pod's name, by HTTP, raw TCP or UDP.

Source: Kubernetes, ``test/images/agnhost/serve-hostname/serve_hostname.go``.
"""

import argparse
import socket
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler

from netlab.workloads.agnhost.listening import HttpServer, bind, datagrams


def run(ready: Callable[[], None], argv: Sequence[str]) -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser("serve-hostname")
    parser.add_argument("--tcp", action="store_true")
    parser.add_argument("--udp", action="store_true")
    parser.add_argument("--http", action="store_true")
    parser.add_argument("--close", action="store_true")
    parser.add_argument("--port", type=int, default=9376)
    options = parser.parse_args(argv)
    is_raw = options.tcp or options.udp
    if is_raw and options.http:
        parser.error("--http cannot be given with --tcp or --udp")
    servers: list[Callable[[], None]] = []
    if options.tcp:
        listener = bind(options.port, socket.SOCK_STREAM)
        listener.listen(1024)
        servers.append(lambda: _raw_tcp(listener))
    if options.udp:
        receiver = bind(options.port, socket.SOCK_DGRAM)
        servers.append(lambda: datagrams(receiver, lambda *_: socket.gethostname().encode()))
    if not is_raw:
        handler = type("Handler", (_Hostname,), {"closes": options.close})
        servers.append(HttpServer(options.port, handler).serve_forever)
    ready()
    for serve in servers[1:]:
        threading.Thread(target=serve, daemon=True).start()
    servers[0]()


class _Hostname(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    closes = False

    def do_GET(self) -> None:
        body = socket.gethostname().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if self.closes:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        print(f"{self.client_address[0]} {format % args}", flush=True)  # noqa: T201


def _raw_tcp(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(f"{socket.gethostname()}\n".encode())
