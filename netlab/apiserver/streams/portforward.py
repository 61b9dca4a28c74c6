"""Port-forward: pairs of streams, one for data and one for what went wrong.

Over SPDY the client opens both streams of a pair, the error stream first, with the headers
``port`` and ``requestid``; a pair is complete when both are there. Over WebSocket the query names
the ports, and the pair of port number i has the channels 2i and 2i + 1, each of which begins with
the port, two bytes, low byte first.

Source: k8s.io/client-go/tools/portforward, k8s.io/kubelet/pkg/cri/streaming/portforward.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from netlab.apiserver.streams.spdy import StreamOpened
from netlab.errors import SpecError

SPDY_PROTOCOLS: Final = ("portforward.k8s.io",)


class PortForwardError(SpecError):
    """The client asks for what cannot be forwarded."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The streams of one connection."""

    port: int
    data: int
    error: int


class Pairs:
    """Streams as they are opened over SPDY, joined into pairs."""

    def __init__(self) -> None:
        self._incomplete: dict[str, dict[str, int]] = {}

    def opened(self, stream: StreamOpened) -> Pair | None:
        """Return the pair that a new stream completes; None when its other half is to come.

        Raises:
            PortForwardError: The stream's headers are not those of a port-forward.
        """
        kind = stream.headers.get("streamtype", "")
        if kind not in ("data", "error"):
            raise PortForwardError(f"invalid stream type {kind!r}")
        port = _port(stream.headers)
        # Clients before 1.4 had no request ids; their error stream comes just before the data.
        request = stream.headers.get("requestid") or str(
            stream.stream if kind == "error" else stream.stream - 2
        )
        halves = self._incomplete.setdefault(request, {})
        halves[kind] = stream.stream
        if len(halves) < 2:
            return None
        del self._incomplete[request]
        return Pair(port, halves["data"], halves["error"])


def _port(headers: Mapping[str, str]) -> int:
    text = headers.get("port", "")
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 1 << 16:
        raise PortForwardError(f"unable to parse {text!r} as a port")
    return int(text)


def parse_ports(query: str) -> tuple[int, ...]:
    """Return the ports that a query asks to forward over WebSocket.

    Raises:
        PortForwardError: There is none, or one is no port.
    """
    texts = [part for text in parse_qs(query).get("ports", []) for part in text.split(",")]
    if not texts:
        raise PortForwardError('query parameter "ports" is required')
    return tuple(_port({"port": text}) for text in texts)


def websocket_pairs(ports: tuple[int, ...]) -> tuple[Pair, ...]:
    """Return the channels of each port."""
    return tuple(Pair(port, 2 * i, 2 * i + 1) for i, port in enumerate(ports))


def channel_opening(port: int) -> bytes:
    """Return the first bytes of each channel of a port."""
    return struct.pack("<H", port)


def failure_message(port: int, pod: str, reason: str) -> bytes:
    """Return what the error stream says when a connection could not be made."""
    return f"an error occurred forwarding {port} to pod {pod}: {reason}".encode()
