"""Requests from the control plane's event loop to one of its child processes, and their answers."""

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any


class Calls:
    """Requests under way to the netns agent; each is awaited by the one who made it.

    Args:
        end: The control plane's end of the channel.
        send: Sends a message through it.
        receive: Reads one message, and the file descriptors that came with it.
        on_message: Called with every message that is no answer.
        gone: Called when the netns agent has ended.
    """

    def __init__(
        self,
        end: socket.socket,
        *,
        send: Callable[[socket.socket, object], None],
        receive: Callable[[socket.socket], tuple[Any, list[int]]],
        on_message: Callable[[Any], None],
        gone: Callable[[], None],
    ) -> None:
        self._end = end
        self._send = send
        self._receive = receive
        self._on_message = on_message
        self._gone = gone
        self._last = 0
        self._waiting: dict[int, asyncio.Future[tuple[Any, list[int]]]] = {}
        asyncio.get_running_loop().add_reader(end.fileno(), self._read)

    async def __call__(self, request: object) -> Any:  # noqa: ANN401 (each request has its own)
        """Send a request and return the value of its answer.

        Raises:
            NetlabError: What the netns agent met.
        """
        value, _ = await self._ask(request)
        return value

    async def with_descriptors(self, request: object) -> tuple[Any, list[int]]:
        """Send a request and return its value, and the file descriptors that come with it.

        Raises:
            NetlabError: What the other end met.
        """
        return await self._ask(request)

    async def descriptor(self, request: object) -> int:
        """Send a request and return the file descriptor that comes with its answer.

        Raises:
            NetlabError: What the netns agent met.
        """
        _, descriptors = await self._ask(request)
        return descriptors[0]

    async def _ask(self, request: object) -> tuple[Any, list[int]]:
        self._last += 1
        future = asyncio.get_running_loop().create_future()
        self._waiting[self._last] = future
        self._send(self._end, (self._last, request))
        answer: tuple[Any, list[int]] = await future
        return answer

    def _read(self) -> None:
        try:
            message, descriptors = self._receive(self._end)
        except (EOFError, ConnectionError):
            asyncio.get_running_loop().remove_reader(self._end.fileno())
            self._gone()
            return
        number = getattr(message, "number", None)
        if number is None:
            self._on_message(message)
            return
        future = self._waiting.pop(number)
        if future.done():
            # Who asked has given up meanwhile: a probe whose time was over, for one.
            for descriptor in descriptors:
                os.close(descriptor)
        elif message.error is not None:
            future.set_exception(message.error)
        else:
            future.set_result((message.value, descriptors))
