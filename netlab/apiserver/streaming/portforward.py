"""port-forward: each pair of streams is one connection to a port of a pod.

What the client sends is written to a pod before more is read: a pod that does not read holds up all
connections of its client, as SPDY without flow control makes it.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

from netlab.apiserver.streaming.descriptors import Descriptor
from netlab.apiserver.streaming.upgrades import BytePipe, SpdySession, messages
from netlab.apiserver.streams import portforward as pf
from netlab.apiserver.streams import spdy, websocket
from netlab.apiserver.streams.portforward import Pair
from netlab.errors import NetlabError

Dial = Callable[[int], Awaitable[int]]
"""Opens a connection to a port of the pod; returns its descriptor, or raises NetlabError."""
Send = Callable[[int, bytes, bool], Awaitable[None]]
"""Sends bytes of a stream; the flag says that they are its last."""


class Forwarder:
    """The connections of one client.

    Args:
        pod: Its name, for messages.
        dial: Opens connections to it.
        send: Sends to the client.
    """

    def __init__(self, pod: str, dial: Dial, send: Send) -> None:
        self._pod = pod
        self._dial = dial
        self._send = send
        self._connections: dict[int, Descriptor] = {}
        """By the number of the data stream."""
        self._answers: set[asyncio.Task[None]] = set()

    async def opened(self, pair: Pair) -> None:
        """Connect a new pair of streams."""
        try:
            connection = Descriptor(await self._dial(pair.port))
        except NetlabError as error:
            message = pf.failure_message(pair.port, self._pod, str(error))
            await self._send(pair.error, message, True)  # noqa: FBT003 (its last)
            await self._send(pair.data, b"", True)  # noqa: FBT003
            return
        self._connections[pair.data] = connection
        task = asyncio.ensure_future(self._answer(pair, connection))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def received(self, stream: int, data: bytes) -> None:
        """Write what came on a stream to its connection."""
        connection = self._connections.get(stream)
        if connection is not None:
            try:
                await connection.write(data)
            except OSError:
                self.reset(stream)

    def half_closed(self, stream: int) -> None:
        """Tell a connection that no more comes."""
        connection = self._connections.get(stream)
        if connection is not None:
            with suppress(OSError), socket.socket(fileno=os.dup(connection.number)) as end:
                end.shutdown(socket.SHUT_WR)

    def reset(self, stream: int) -> None:
        """Drop a connection."""
        connection = self._connections.pop(stream, None)
        if connection is not None:
            connection.close()

    async def close(self) -> None:
        """Drop every connection."""
        for stream in list(self._connections):
            self.reset(stream)
        for task in self._answers:
            task.cancel()
        await asyncio.gather(*self._answers, return_exceptions=True)

    async def _answer(self, pair: Pair, connection: Descriptor) -> None:
        """Send what the pod says, until it has no more to say."""
        with suppress(ConnectionError):
            while data := await connection.read():
                await self._send(pair.data, data, False)  # noqa: FBT003
            await self._send(pair.data, b"", True)  # noqa: FBT003
            await self._send(pair.error, b"", True)  # noqa: FBT003
        self.reset(pair.data)


async def forward_spdy(pipe: BytePipe, pod: str, dial: Dial) -> None:
    """Serve a client over SPDY until it is gone."""
    session, pairs = SpdySession(pipe), pf.Pairs()

    async def send(stream: int, data: bytes, is_last: bool) -> None:  # noqa: FBT001 (as Send)
        await session.send(stream, data, fin=is_last)

    forwarder = Forwarder(pod, dial, send)
    try:
        async for event in session.events():
            await _serve(event, session, pairs, forwarder)
    finally:
        await forwarder.close()


async def _serve(
    event: spdy.Event, session: SpdySession, pairs: pf.Pairs, forwarder: Forwarder
) -> None:
    match event:
        case spdy.StreamOpened():
            try:
                pair = pairs.opened(event)
            except pf.PortForwardError:
                await session.reset(event.stream)
            else:
                if pair is not None:
                    await forwarder.opened(pair)
        case spdy.DataReceived():
            await forwarder.received(event.stream, event.data)
        case spdy.StreamHalfClosed():
            forwarder.half_closed(event.stream)
        case spdy.StreamReset():
            forwarder.reset(event.stream)
        case _:
            return


async def forward_websocket(
    response: web.WebSocketResponse, ports: tuple[int, ...], pod: str, dial: Dial
) -> None:
    """Serve a client over channels of a WebSocket (version 4) until it is gone, or pods are.

    A channel has no end of its own: when no connection is left, the WebSocket is closed.
    """
    pairs = pf.websocket_pairs(ports)
    unfinished = {pair.data for pair in pairs}

    async def send(channel: int, data: bytes, is_last: bool) -> None:  # noqa: FBT001 (as Send)
        if data:
            await response.send_bytes(websocket.send(channel, data))
        if is_last:
            unfinished.discard(channel)
            if not unfinished:
                await response.close()

    forwarder = Forwarder(pod, dial, send)
    try:
        for pair in pairs:
            await _open_channels(response, pair)
            await forwarder.opened(pair)
        async for message in messages(response):
            found = websocket.receive(message, websocket.V4)
            if isinstance(found, websocket.ChannelData):
                await forwarder.received(found.channel, found.data)
    finally:
        await forwarder.close()


async def _open_channels(response: web.WebSocketResponse, pair: Pair) -> None:
    for channel in (pair.data, pair.error):
        opening = pf.channel_opening(pair.port)
        await response.send_bytes(websocket.send(channel, opening))
