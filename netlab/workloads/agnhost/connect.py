"""``agnhost connect HOST:PORT``: open one connection, and tell by the exit code whether it opened.

Source: Kubernetes, ``test/images/agnhost/connect/connect.go``.
"""

import argparse
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from netlab.workloads.agnhost.netexec import go_duration

_WORDS: Final[Mapping[type[OSError], str]] = {
    TimeoutError: "TIMEOUT",
    ConnectionRefusedError: "REFUSED",
    socket.gaierror: "DNS",
}


def run(ready: Callable[[], None], argv: Sequence[str]) -> None:
    """Connect, and print why it could not be done.

    Raises:
        SystemExit: With 1 when it could not.
    """
    parser = argparse.ArgumentParser("connect")
    parser.add_argument("address")
    parser.add_argument("--timeout", default="0s")
    parser.add_argument("--protocol", choices=("tcp", "udp"), default="tcp")
    parser.add_argument("--udp-data", default="")
    options = parser.parse_args(argv)
    ready()
    host, _, port = options.address.rpartition(":")
    host = host.strip("[]")
    timeout_s = go_duration(options.timeout) or None
    try:
        if options.protocol == "tcp":
            socket.create_connection((host, int(port)), timeout_s).close()
        else:
            _send_datagram(host, int(port), options.udp_data.encode(), timeout_s)
    except OSError as error:
        words = [word for kind, word in _WORDS.items() if isinstance(error, kind)]
        print(words[0] if words else f"OTHER: {error}", file=sys.stderr, flush=True)  # noqa: T201
        raise SystemExit(1) from error


def _send_datagram(host: str, port: int, data: bytes, timeout_s: float | None) -> None:
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as connection:
        connection.settimeout(timeout_s)
        connection.connect(address)
        connection.send(data)
        connection.recv(2048)
