"""``agnhost porter``: an HTTP server on each port that the environment names.

``SERVE_PORT_80=text`` serves ``text`` on port 80, and an empty value a greeting with the port.

Source: Kubernetes, ``test/images/agnhost/porter/porter.go``.
"""

import os
import re
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler

from netlab.workloads.agnhost.listening import HttpServer

_JSON = re.compile(r"\s*[\[{]")


def run(ready: Callable[[], None], argv: Sequence[str]) -> None:
    """Serve until the process is ended.

    Raises:
        SystemExit: The environment names no port.
    """
    del argv
    texts = {
        int(match[1]): text
        for name, text in os.environ.items()
        if (match := re.fullmatch(r"SERVE_PORT_([0-9]+)", name))
    }
    servers = [HttpServer(port, _handler(text)) for port, text in texts.items()]
    ready()
    if not servers:
        print("no SERVE_PORT_<number> in the environment", flush=True)  # noqa: T201
        raise SystemExit(1)
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()


def _handler(text: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = text.encode()
            self.send_response(200)
            kind = "application/json" if _JSON.match(text) else "text/plain; charset=utf-8"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            print(f"{self.client_address[0]} {format % args}", flush=True)  # noqa: T201

    return Handler
