"""A DNS server on sockets that somebody has opened: UDP and TCP.

The answers are ``netlab.dns.resolver``'s. What another server must be asked first is asked once,
however many clients wait for it.
"""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from netlab.dns.resolver import Pending, Question, Resolver
from netlab.dns.upstream import ask_upstream

if TYPE_CHECKING:
    from netlab.dns.records import Answer

_BATCH: Final = 64
"""Datagrams that are answered before anything else has its turn."""
_DATAGRAM: Final = 4096
_IDLE_S: Final = 10.0
"""A TCP connection without a question is closed after so long."""
_LENGTH: Final = struct.Struct("!H")


class Server:
    """Answers on any number of sockets.

    Args:
        resolver: Knows the answers.
        upstreams: Addresses of the servers to ask for what is not known here, the first first.
        clock: Seconds that run evenly.
    """

    def __init__(
        self, resolver: Resolver, upstreams: Sequence[str], clock: Callable[[], float]
    ) -> None:
        self.resolver = resolver
        self._upstreams = tuple(upstreams)
        self._clock = clock
        self._asked: dict[Question, asyncio.Task[Answer | None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._listeners: dict[socket.socket, asyncio.Server] = {}
        self.requests: Counter[str] = Counter()
        """By protocol."""
        self.responses: Counter[int] = Counter()
        """By rcode."""

    def serve_udp(self, receiver: socket.socket) -> None:
        """Answer the datagrams of a socket from now on."""
        receiver.settimeout(0)
        asyncio.get_running_loop().add_reader(receiver, self._datagrams, receiver)

    async def serve_tcp(self, listener: socket.socket) -> None:
        """Answer the connections of a listening socket from now on."""
        self._listeners[listener] = await asyncio.start_server(self._connection, sock=listener)

    def close(self, opened: socket.socket) -> None:
        """Close a socket of either kind."""
        server = self._listeners.pop(opened, None)
        if server is not None:
            server.close()
        else:
            asyncio.get_running_loop().remove_reader(opened)
            opened.close()

    def _datagrams(self, receiver: socket.socket) -> None:
        for _ in range(_BATCH):
            try:
                data, peer = receiver.recvfrom(_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                # An ICMP error to an earlier answer: its client is gone.
                continue
            self.requests["udp"] += 1
            found = self.resolver.ask(data, self._clock(), is_tcp=False)
            if isinstance(found, Pending):
                _ = self._start(self._answer_later(receiver, peer, found))
            elif found is not None:
                self._send(receiver, peer, found)

    async def _answer_later(self, receiver: socket.socket, peer: Any, pending: Pending) -> None:  # noqa: ANN401
        self._send(receiver, peer, await self._complete(pending))

    def _send(self, receiver: socket.socket, peer: Any, packet: bytes) -> None:  # noqa: ANN401
        self.responses[packet[3] & 15] += 1
        try:
            receiver.sendto(packet, peer)
        except OSError:
            # As lost as any datagram may be; the client asks again.
            self.requests["lost"] += 1

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                async with asyncio.timeout(_IDLE_S):
                    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                    data = await reader.readexactly(length)
                self.requests["tcp"] += 1
                found = self.resolver.ask(data, self._clock(), is_tcp=True)
                packet = await self._complete(found) if isinstance(found, Pending) else found
                if packet is None:
                    return
                self.responses[packet[3] & 15] += 1
                writer.write(_LENGTH.pack(len(packet)) + packet)
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, OSError):
            return
        finally:
            writer.close()

    async def _complete(self, pending: Pending) -> bytes:
        question = pending.question
        task = self._asked.get(question)
        if task is None:
            task = self._start(ask_upstream(self._upstreams, question))
            self._asked[question] = task
            task.add_done_callback(lambda _: self._asked.pop(question, None))
        return self.resolver.complete(pending, await task, self._clock())

    def _start(self, work: Any) -> asyncio.Task[Any]:  # noqa: ANN401 (a coroutine of any kind)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
