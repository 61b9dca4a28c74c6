"""The streams of exec and attach, over a WebSocket or over SPDY, in one form."""

from collections.abc import AsyncIterator
from typing import Protocol

from aiohttp import web

from netlab.apiserver.streaming.upgrades import SpdySession, SpdyUpgrade, messages
from netlab.apiserver.streams import spdy, websocket
from netlab.apiserver.streams.remotecommand import CHANNEL_OF, CHANNELS, Stream


class Carrier(Protocol):
    """What carries the streams of one command."""

    response: web.StreamResponse

    def received(self) -> AsyncIterator[tuple[Stream, bytes]]:
        """Yield what the client sends, empty bytes for the end of a stream, until it is gone."""

    async def send(self, stream: Stream, data: bytes) -> None:
        """Send bytes of a stream; wait while the client does not read.

        Raises:
            ConnectionResetError: The client is gone.
        """

    async def finish(self, status: bytes) -> None:
        """Say how the command ended; nothing can be sent after it."""


class WebSocketCarrier:
    """Channels of a WebSocket."""

    def __init__(self, response: web.WebSocketResponse) -> None:
        self.response: web.StreamResponse = response
        self._websocket = response
        self._protocol = response.ws_protocol or websocket.V4

    async def received(self) -> AsyncIterator[tuple[Stream, bytes]]:
        """Yield what the client sends."""
        async for message in messages(self._websocket):
            found = websocket.receive(message, self._protocol)
            if found is not None and found.channel in CHANNELS:
                data = found.data if isinstance(found, websocket.ChannelData) else b""
                yield CHANNELS[found.channel], data

    async def send(self, stream: Stream, data: bytes) -> None:
        """Send bytes of a stream."""
        await self._websocket.send_bytes(websocket.send(CHANNEL_OF[stream], data))

    async def finish(self, status: bytes) -> None:
        """Say how the command ended."""
        await self.send(Stream.ERROR, status)
        await self._websocket.close()


class SpdyCarrier:
    """Streams of SPDY, all of which are open before anything is sent."""

    def __init__(self, pipe: SpdyUpgrade, wanted: frozenset[Stream]) -> None:
        self.response = pipe.response
        self._session = SpdySession(pipe)
        self._wanted = wanted
        self._streams: dict[Stream, int] = {}
        self._events = self._session.events()

    async def open(self) -> None:
        """Wait until the client has opened its streams; it is slow to, and loses what comes first.

        Raises:
            ConnectionResetError: The client is gone before.
        """
        while not self._wanted <= self._streams.keys():
            event = await anext(self._events, None)
            if event is None:
                raise ConnectionResetError("the client is gone")
            if isinstance(event, spdy.StreamOpened):
                kind = event.headers.get("streamtype", "")
                self._streams |= {one: event.stream for one in Stream if one == kind}

    async def received(self) -> AsyncIterator[tuple[Stream, bytes]]:
        """Yield what the client sends."""
        names = {number: stream for stream, number in self._streams.items()}
        async for event in self._events:
            if isinstance(event, spdy.DataReceived) and event.stream in names:
                yield names[event.stream], event.data
            elif isinstance(event, spdy.StreamHalfClosed) and event.stream in names:
                yield names[event.stream], b""

    async def send(self, stream: Stream, data: bytes) -> None:
        """Send bytes of a stream."""
        if stream in self._streams:
            await self._session.send(self._streams[stream], data)

    async def finish(self, status: bytes) -> None:
        """Say how the command ended, and close every stream that we write to."""
        await self._session.send(self._streams[Stream.ERROR], status, fin=True)
        for stream in (Stream.STDOUT, Stream.STDERR):
            if stream in self._streams:
                await self._session.send(self._streams[stream], b"", fin=True)
        await self._session.close()
