"""The control plane's event loop: one pass after another, and calls to the launcher.

Theory of operation
-------------------
Everything the control plane does to the kernel is done in a *pass*: objects are reconciled, and
what they now want is compared with what was last applied. Passes never overlap. A pass is due when
something changed, or at a time the last pass named. The lab is *settled* when a pass has ended and
nothing has changed since it began.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

_GATHER_S: Final = 0.002
"""Seconds to wait for further changes before a pass: a burst of requests is one change."""


class Calls:
    """Requests under way to the launcher; each is awaited by the one who made it.

    Args:
        end: The control plane's end of the channel.
        send: Sends a message through it.
        receive: Reads one message, and the file descriptors that came with it.
        told: Called with every message that is no answer.
        gone: Called when the launcher has ended.
    """

    def __init__(
        self,
        end: socket.socket,
        *,
        send: Callable[[socket.socket, object], None],
        receive: Callable[[socket.socket], tuple[Any, list[int]]],
        told: Callable[[Any], None],
        gone: Callable[[], None],
    ) -> None:
        self._end = end
        self._send = send
        self._receive = receive
        self._told = told
        self._gone = gone
        self._last = 0
        self._waiting: dict[int, asyncio.Future[tuple[Any, list[int]]]] = {}
        asyncio.get_running_loop().add_reader(end.fileno(), self._read)

    async def __call__(self, request: object) -> Any:  # noqa: ANN401 (each request has its own)
        """Send a request and return the value of its answer.

        Raises:
            NetlabError: What the launcher met.
        """
        value, _ = await self._ask(request)
        return value

    async def descriptor(self, request: object) -> int:
        """Send a request and return the file descriptor that comes with its answer.

        Raises:
            NetlabError: What the launcher met.
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
            self._told(message)
            return
        future = self._waiting.pop(number)
        if message.error is not None:
            future.set_exception(message.error)
        else:
            future.set_result((message.value, descriptors))


class Passes:
    """Runs passes, one at a time, for as long as the control plane lives.

    Args:
        one_pass: Carries out a pass; returns when the next is due at the latest (in seconds of
            ``clock``), or None.
        clock: Wall clock.
    """

    def __init__(
        self, one_pass: Callable[[], Awaitable[float | None]], clock: Callable[[], float]
    ) -> None:
        self._one_pass = one_pass
        self._clock = clock
        self._due = asyncio.Event()
        self._due.set()
        self._settled = asyncio.Event()

    def changed(self) -> None:
        """Have a pass run soon."""
        self._settled.clear()
        self._due.set()

    async def settled(self, timeout_s: float) -> bool:
        """Wait until the lab is settled; False when it is not in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._settled.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Run passes for ever."""
        wake: float | None = None
        while True:
            await self._wait(wake)
            await asyncio.sleep(_GATHER_S)
            self._due.clear()
            wake = await self._one_pass()
            if not self._due.is_set():
                self._settled.set()

    async def _wait(self, wake: float | None) -> None:
        timeout_s = None if wake is None else max(0.0, wake - self._clock())
        try:
            async with asyncio.timeout(timeout_s):
                await self._due.wait()
        except TimeoutError:
            return


async def together(calls: Iterable[Awaitable[Any]]) -> list[Any]:
    """Await all of ``calls`` at once; an exception stands in the place of its result."""
    return await asyncio.gather(*calls, return_exceptions=True)


async def for_ever() -> None:
    """Wait until the process ends."""
    await asyncio.get_running_loop().create_future()


run = asyncio.run
"""Runs a coroutine in a new event loop until it ends."""

create_task = asyncio.ensure_future
"""Starts a coroutine in the background; keep what it returns."""

in_thread = asyncio.to_thread
"""Runs a function in a thread of its own and awaits its result."""
