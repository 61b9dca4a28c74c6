"""The control plane's event loop: one pass after another.

Theory of operation
-------------------
Everything the control plane does to the kernel is done in a *pass*: objects are reconciled, and
what they now want is compared with what was last applied. Passes never overlap. A pass is due when
something changed, or at a time the last pass named. The lab is *settled* when a pass has ended and
nothing has changed since it began.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

_GATHER_S: Final = 0.002
"""Seconds to wait for further changes before a pass: a burst of requests is one change."""


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
