"""TLS on loopback: the context, and a socket on a port that a lab keeps."""

import socket
import ssl
from pathlib import Path
from typing import Final

from netlab.apiserver.pki import Pki
from netlab.linux import atomic_files

BACKLOG: Final = 128


def tls_context(pki: Pki) -> ssl.SSLContext:
    """Return what the server needs to speak TLS.

    A client may show a certificate; one that the lab's authority did not sign ends the connection.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki.server)
    context.load_verify_locations(pki.authority)
    context.verify_mode = ssl.CERT_OPTIONAL
    # SPDY and WebSocket are upgrades of HTTP/1.1; HTTP/2 has none.
    context.set_alpn_protocols(["http/1.1"])
    return context


def listen_on_loopback(port_file: Path) -> socket.socket:
    """Return a socket that listens on 127.0.0.1, on the port of last time if it is free.

    Args:
        port_file: Holds the port from one start to the next.
    """
    listener = _bind(int(port_file.read_text())) if port_file.exists() else None
    if listener is None:
        listener = _bind(0)
        assert listener is not None  # noqa: S101 (some port is always free)
    atomic_files.write_file(port_file, str(listener.getsockname()[1]).encode())
    listener.listen(BACKLOG)
    return listener


def _bind(port: int) -> socket.socket | None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        return None
    return listener
