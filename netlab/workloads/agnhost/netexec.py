"""``agnhost netexec``: an HTTP and a UDP server that say what they see and do what they are told.

By HTTP: ``/clientip``, ``/hostname``, ``/header``, ``/echo``, ``/healthz``, ``/readyz``,
``/shell``, ``/dial``, ``/redirect``, ``/exit`` and ``/shutdown``. By UDP: ``hostname``,
``clientip`` and ``echo TEXT``.

Source: Kubernetes, ``test/images/agnhost/netexec/netexec.go``.
"""

import argparse
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from netlab.workloads.agnhost.dial import dial
from netlab.workloads.agnhost.listening import HttpServer, address_and_port, bind, datagrams

_UNITS_S: Final = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]*)?)(ns|us|ms|s|m|h)")


def go_duration(text: str) -> float:
    """Return the seconds of a duration as Go writes it; 0 for none.

    >>> go_duration("1m30s"), go_duration("250ms"), go_duration("")
    (90.0, 0.25, 0)

    Raises:
        ValueError: It is none.
    """
    if text in {"", "0"}:
        return 0
    if not re.fullmatch(f"(?:{_DURATION.pattern})+", text):
        raise ValueError(text)
    return sum(float(number) * _UNITS_S[unit] for number, unit in _DURATION.findall(text))


def run(ready: Callable[[], None], argv: Sequence[str]) -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser("netexec")
    parser.add_argument("--http-port", type=int, default=8080)
    parser.add_argument("--udp-port", type=int, default=8081)
    parser.add_argument("--udp-listen-addresses", default="")
    parser.add_argument("--http-override", default="")
    parser.add_argument("--tls-cert-file", default="")
    parser.add_argument("--tls-private-key-file", default="")
    parser.add_argument("--delay-shutdown", type=int, default=0)
    options = parser.parse_args(argv)
    state = _State(options.http_override)
    signal.signal(signal.SIGTERM, lambda *_: state.end(options.delay_shutdown))
    server = _Server(options.http_port, state)
    if options.tls_cert_file:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.tls_cert_file, options.tls_private_key_file)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    if options.udp_port != -1:
        for address in options.udp_listen_addresses.split(","):
            receiver = bind(options.udp_port, socket.SOCK_DGRAM, address)
            threading.Thread(target=datagrams, args=(receiver, _udp_answer), daemon=True).start()
        state.is_ready = True
    _log(f"Started HTTP server on port {options.http_port}")
    ready()
    server.serve_forever()


class _State:
    def __init__(self, override: str) -> None:
        self.override = override
        self.is_ready = False
        self.is_ending = False

    def end(self, delay_s: int) -> None:
        """End as the real one does on SIGTERM: at once, or after a delay that /readyz tells of."""
        self.is_ending = True
        if not delay_s:
            os._exit(0)
        _log(f"Sleeping {delay_s} seconds before terminating...")
        threading.Timer(delay_s, os._exit, (0,)).start()


class _Server(HttpServer):
    def __init__(self, port: int, state: _State) -> None:
        super().__init__(port, _Netexec)
        self.state = state


class _Netexec(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Serve every method alike, as Go's mux does."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        url = urlsplit(self.state.override or self.path)
        form = dict(parse_qsl(url.query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Type") == "application/x-www-form-urlencoded":
            form |= dict(parse_qsl(body.decode(errors="replace")))
        _log(f"{self.command} {self.path}")
        _ROUTES.get(url.path, _root)(self, form)

    @property
    def own_server(self) -> _Server:
        """The server."""
        assert isinstance(self.server, _Server)  # noqa: S101 (no other is given these)
        return self.server

    @property
    def state(self) -> _State:
        """What all requests share."""
        return self.own_server.state

    def reply(self, text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answer with plain text."""
        body = text.encode()
        self.send_response(status)
        for name, value in (headers or {"Content-Type": "text/plain; charset=utf-8"}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Leave the log to the routes, as the real one does."""


Form = Mapping[str, str]


def _root(request: _Netexec, form: Form) -> None:
    del form
    now = datetime.now(UTC)  # noqa: TID251 (a clock of the pod's)
    request.reply(f"NOW: {now:%Y-%m-%d %H:%M:%S.%f} +0000 UTC")


def _client_ip(request: _Netexec, form: Form) -> None:
    del form
    request.reply(address_and_port(request.client_address))


def _hostname(request: _Netexec, form: Form) -> None:
    del form
    request.reply(socket.gethostname())


def _header(request: _Netexec, form: Form) -> None:
    if key := form.get("key"):
        request.reply(request.headers.get(key, ""))
        return
    found: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        found.setdefault(name.title(), []).append(value)
    request.reply(json.dumps(found))


def _echo(request: _Netexec, form: Form) -> None:
    code = form.get("code", "")
    if code and not code.isdigit():
        request.reply(f"argument 'code' must be an integer or empty, got \"{code}\"\n")
    else:
        request.reply(form.get("msg", ""), int(code or 200))


def _healthz(request: _Netexec, form: Form) -> None:
    del form
    request.reply("", 200 if request.state.is_ready else 412)


def _readyz(request: _Netexec, form: Form) -> None:
    del form
    if request.state.is_ending:
        request.reply("shutting down", 503)
    else:
        request.reply(*(("ok", 200) if request.state.is_ready else ("", 412)))


def _shell(request: _Netexec, form: Form) -> None:
    command = form.get("shellCommand") or form.get("cmd", "")
    done = subprocess.run(  # noqa: S602 (what this server is for)
        command, shell=True, capture_output=True, text=True, check=False
    )
    output: dict[str, str] = {}
    if text := done.stdout + done.stderr:
        output["output"] = text
    if done.returncode:
        output["error"] = f"exit status {done.returncode}"
    request.reply(json.dumps(output))


def _redirect(request: _Netexec, form: Form) -> None:
    code = form.get("code", "302")
    location = form.get("location", "")
    if not code.isdigit():
        request.reply(f"argument 'code' must be an integer or empty, got \"{code}\"\n")
    else:
        request.reply("", int(code), {"Location": location})


def _dial(request: _Netexec, form: Form) -> None:
    try:
        request.reply(json.dumps(dial(form)))
    except ValueError as error:
        request.reply(f"{error}\n", 400)


def _exit(request: _Netexec, form: Form) -> None:
    try:
        wait_s, timeout_s = go_duration(form.get("wait", "")), go_duration(form.get("timeout", ""))
        code = int(form.get("code") or 0)
    except ValueError as error:
        request.reply(f"an argument of /exit is wrong: {error}\n")
        return
    time.sleep(wait_s)
    if not timeout_s:
        os._exit(code)
    # The server takes no more connections; those that are under way have time to end.
    request.own_server.socket.close()
    threading.Timer(timeout_s, os._exit, (code,)).start()
    request.reply("")


def _shutdown(request: _Netexec, form: Form) -> None:
    del request, form
    os._exit(0)


_ROUTES: Final[Mapping[str, Callable[[_Netexec, Form], None]]] = {
    "/clientip": _client_ip,
    "/dial": _dial,
    "/echo": _echo,
    "/exit": _exit,
    "/header": _header,
    "/healthz": _healthz,
    "/hostName": _hostname,
    "/hostname": _hostname,
    "/readyz": _readyz,
    "/redirect": _redirect,
    "/shell": _shell,
    "/shutdown": _shutdown,
}


def _udp_answer(data: bytes, peer: Any) -> bytes | None:  # noqa: ANN401 (a socket's address)
    text = data.decode(errors="replace").strip().lower()
    command, _, rest = text.partition(" ")
    _log(f"udp {text} from {address_and_port(peer)}")
    if text == "hostname":
        return socket.gethostname().encode()
    if text == "clientip":
        return address_and_port(peer).encode()
    if command == "echo" and rest:
        return rest.encode()
    return None


def _log(text: str) -> None:
    print(text, flush=True)  # noqa: T201 (the container's log)
