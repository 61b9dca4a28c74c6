"""HTTP connections that have become something else: SPDY, or a WebSocket.

Theory of operation
-------------------
aiohttp knows WebSocket. For SPDY it is told that the request's body has a parser of its own, which
gets every byte from then on; the answer is a 101 without a body, and what is written to it goes out
as it is. A client that we do not read from fast enough is not read from at all: the transport
pauses, and TCP holds it back.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, Protocol

from aiohttp import WSMsgType, web

from netlab.apiserver.streams import spdy
from netlab.apiserver.streams.remotecommand import choose_protocol
from netlab.kube.status import bad_request

_PAUSE_AT: Final = 1 << 18
"""Bytes that wait to be read, from which on no more are taken."""
_MAX_MESSAGE: Final = 1 << 24
_PROTOCOL_HEADER: Final = "X-Stream-Protocol-Version"
_CLOSED: Final = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class BytePipe(Protocol):
    """Bytes to and from a client."""

    response: web.StreamResponse

    async def read(self) -> bytes:
        """Return bytes as they come; empty when the client is gone."""

    async def write(self, data: bytes) -> None:
        """Write; wait while the client does not read.

        Raises:
            ConnectionResetError: The client is gone.
        """


def is_spdy(request: web.Request) -> bool:
    """Return whether a request wants to become SPDY."""
    return request.headers.get("Upgrade", "").lower() == "spdy/3.1"


def is_websocket(request: web.Request) -> bool:
    """Return whether a request wants to become a WebSocket."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


class SpdyUpgrade:
    """The bytes of a connection that has become SPDY."""

    def __init__(self, response: web.StreamResponse, transport: asyncio.Transport) -> None:
        self.response = response
        self._transport = transport
        self._received: list[bytes] = []
        self._waiting = 0
        self._is_over = False
        self._changed = asyncio.Event()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take bytes of aiohttp's; it asks whether they are the last, and for what is left."""
        self._received.append(data)
        self._waiting += len(data)
        if self._waiting > _PAUSE_AT and not self._transport.is_closing():
            self._transport.pause_reading()
        self._changed.set()
        return False, b""

    def feed_eof(self) -> None:
        """Take note that the client is gone."""
        self._is_over = True
        self._changed.set()

    async def read(self) -> bytes:
        """Return bytes as they come; empty when the client is gone."""
        while not self._received and not self._is_over:
            self._changed.clear()
            await self._changed.wait()
        data = b"".join(self._received)
        self._received.clear()
        self._waiting = 0
        if not self._transport.is_closing():
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Write; wait while the client does not read."""
        await self.response.write(data)


async def upgrade_to_spdy(request: web.Request, supported: Sequence[str]) -> SpdyUpgrade:
    """Answer a request so that its connection becomes SPDY.

    Raises:
        StatusError: The client speaks none of the protocols.
    """
    header = ",".join(request.headers.getall(_PROTOCOL_HEADER, []))
    offered = [protocol.strip() for protocol in header.split(",")]
    protocol = choose_protocol(offered, supported)
    if protocol is None:
        raise bad_request(f"unable to upgrade: unable to negotiate protocol: {header!r}")
    response = web.StreamResponse(
        status=101,
        headers={"Connection": "Upgrade", "Upgrade": "SPDY/3.1", _PROTOCOL_HEADER: protocol},
    )
    response.force_close()
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client is gone")
    pipe = SpdyUpgrade(response, transport)
    parser: Any = pipe
    request.protocol.set_parser(parser)
    await response.prepare(request)
    return pipe


async def upgrade_to_websocket(
    request: web.Request, supported: Sequence[str]
) -> web.WebSocketResponse:
    """Answer a request so that its connection becomes a WebSocket.

    Raises:
        StatusError: The client speaks none of the protocols.
    """
    websocket = web.WebSocketResponse(
        protocols=supported, max_msg_size=_MAX_MESSAGE, compress=False, autoclose=True
    )
    header = request.headers.get("Sec-WebSocket-Protocol", "")
    offered = [protocol.strip() for protocol in header.split(",")]
    if choose_protocol(offered, supported) is None:
        raise bad_request(f"unable to upgrade: unable to negotiate protocol: {header!r}")
    await websocket.prepare(request)
    return websocket


async def messages(websocket: web.WebSocketResponse) -> AsyncIterator[bytes]:
    """Yield the messages of a client until it is gone."""
    while True:
        message = await websocket.receive()
        if message.type in _CLOSED:
            return
        if message.type is WSMsgType.TEXT:
            yield message.data.encode()
        elif message.type is WSMsgType.BINARY:
            yield message.data


class WebSocketTunnel:
    """The bytes in a WebSocket's messages, wherever they are cut."""

    def __init__(self, websocket: web.WebSocketResponse) -> None:
        self.response: web.StreamResponse = websocket
        self._websocket = websocket
        self._messages = messages(websocket)

    async def read(self) -> bytes:
        """Return the bytes of a message that has some; empty when the client is gone."""
        async for message in self._messages:
            if message:
                return message
        return b""

    async def write(self, data: bytes) -> None:
        """Write; wait while the client does not read."""
        await self._websocket.send_bytes(data)


class SpdySession:
    """A SPDY connection over a pipe of bytes; streams are accepted, pings answered."""

    def __init__(self, pipe: BytePipe) -> None:
        self._pipe = pipe
        self._connection = spdy.Connection()

    async def events(self) -> AsyncIterator[spdy.Event]:
        """Yield what the client does, until it is gone or breaks the protocol."""
        while data := await self._pipe.read():
            try:
                for event in self._connection.receive(data):
                    if isinstance(event, spdy.PingReceived):
                        await self._pipe.write(event.answer)
                    elif isinstance(event, spdy.GoAwayReceived):
                        return
                    else:
                        if isinstance(event, spdy.StreamOpened):
                            await self._pipe.write(self._connection.send_reply(event.stream))
                        yield event
            except spdy.SpdyError:
                return

    async def send(self, stream: int, data: bytes, *, fin: bool = False) -> None:
        """Send bytes of a stream; with ``fin`` they are its last."""
        await self._pipe.write(self._connection.send_data(stream, data, fin=fin))

    async def reset(self, stream: int) -> None:
        """End a stream in both directions."""
        await self._pipe.write(self._connection.send_reset(stream))

    async def close(self) -> None:
        """Say that there will be no more."""
        await self._pipe.write(self._connection.send_goaway())
