"""gRPC's health check, as far as a probe needs it: one unary call over HTTP/2.

The request's headers are literals without an index (RFC 7541, 6.2.2); of the response only the
message is read, which a DATA frame has, so its headers need not be decoded.

Source: RFC 9113; gRPC, ``doc/PROTOCOL-HTTP2.md`` and ``doc/health-checking.md``.
"""

import asyncio
import struct
from typing import Final

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_ACK, _END_STREAM, _END_HEADERS = 1, 1, 4
_SERVING: Final = 1
_STATUSES: Final = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


async def check(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: str
) -> str | None:
    """Ask a server for its health; return None when it serves, else why not."""
    writer.write(request(service))
    message = b""
    while True:
        head = await reader.readexactly(9)
        length, kind, flags = int.from_bytes(head[:3]), head[3], head[4]
        payload = await reader.readexactly(length)
        if kind == _SETTINGS and not flags & _ACK:
            writer.write(frame(_SETTINGS, _ACK, 0, b""))
        elif kind == _PING and not flags & _ACK:
            writer.write(frame(_PING, _ACK, 0, payload))
        elif kind == _DATA:
            message += payload
        elif kind in {_RST_STREAM, _GOAWAY}:
            return "error: this server does not implement the grpc health protocol"
        if kind in {_DATA, _HEADERS} and flags & _END_STREAM:
            return verdict(message)


def request(service: str) -> bytes:
    """Return all that a client sends: preface, settings, headers and the message."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": "/grpc.health.v1.Health/Check",
        ":authority": "localhost",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    block = b"".join(b"\0" + _text(name) + _text(value) for name, value in headers.items())
    name = service.encode()
    message = b"\x0a" + _number(len(name)) + name if name else b""
    data = struct.pack(">BI", 0, len(message)) + message
    return (
        _PREFACE
        + frame(_SETTINGS, 0, 0, b"")
        + frame(_HEADERS, _END_HEADERS, 1, block)
        + frame(_DATA, _END_STREAM, 1, data)
    )


def verdict(data: bytes) -> str | None:
    """Return what a response says: None for a server that serves, else why it does not."""
    message = data[5:]
    if not data:
        return "error: this server does not implement the grpc health protocol"
    status = message[1] if message[:1] == b"\x08" else 0
    if status == _SERVING:
        return None
    return f'service unhealthy (responded with "{_STATUSES.get(status, status)}")'


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return a frame of HTTP/2."""
    return len(payload).to_bytes(3) + struct.pack(">BBI", kind, flags, stream) + payload


def _text(text: str) -> bytes:
    data = text.encode()
    return bytes([len(data)]) + data


def _number(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
