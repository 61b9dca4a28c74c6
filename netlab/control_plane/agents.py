"""The loops of the control plane's agents.

Theory of operation
-------------------
Each agent (controllers, network, kubelet, kube-proxy ...) has a loop of its own, a task of the one
event loop: a sync compares what the agent's objects ask for with what it did last, and does the
difference. A sync runs when something woke the loop, an object of the store for one, or at the time
that the sync before it named. An agent that waits for the kernel or for a container keeps nobody
else waiting.

Where order matters between agents, one waits until another has *caught up* with a version of the
store: it has ended a sync that began when the store had that version already, or nothing has woken
it since. The lab is *settled* when no loop runs or is to run, and no agent is busy beside its loop.

A sync that fails is tried again after a second, whatever wakes the loop meanwhile: failing costs no
more than that.
"""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final, NoReturn

from netlab.apiserver.store import Event, Store
from netlab.errors import NetlabError

GATHER_S: Final = 0.002
"""A burst of requests is one change."""
MOST_GATHER_S: Final = 0.5
"""A burst that goes on is more than one."""
_EVEN_S: Final = 0.02
"""A sync that costs as much is followed by as long a rest."""
RETRY_S: Final = 1.0
"""Seconds until a sync that failed is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """What a loop runs."""

    name: str
    sync: Callable[[float], Awaitable[float | None]]
    """Brings the world up to date, given wall clock seconds; returns when it is to be called again
    at the latest: the time given when it has left work over, None when only an event makes some."""
    wakes_on: Collection[str] | None = ()
    """Resources whose changes make work; None for every resource."""
    gather_s: float = GATHER_S
    """Seconds to wait for further changes before a sync."""
    is_busy: Callable[[], bool] = lambda: False
    """Whether it has work under way that its sync did not wait for."""


class AgentLoop:
    """One agent's loop; made by ``AgentLoops``."""

    def __init__(self, agent: Agent, loops: "AgentLoops") -> None:
        self.agent = agent
        self.failure = ""
        """Why its last sync could not be finished; empty when it was."""
        self._cost_s = 0.0
        """The CPU time of its last sync; 0 where it has left work over."""
        self._ended_at = 0.0
        self._loops = loops
        self._due = asyncio.Event()
        self._due.set()
        self._is_running = False
        self._synced = -1
        """The store's version when its last finished sync began."""

    def wake(self) -> None:
        """Have a sync run soon."""
        self._due.set()

    @property
    def is_idle(self) -> bool:
        """Whether no sync runs or is to run, and nothing is under way beside it."""
        return not (self._due.is_set() or self._is_running or self.agent.is_busy())

    def has_caught_up(self, version: int) -> bool:
        """Tell whether its work for all changes up to a version of the store is done."""
        return self._synced >= version or (self.is_idle and not self.failure)

    async def run(self) -> NoReturn:
        """Run syncs for ever."""
        wake_at: float | None = None
        while True:
            await self._wait(wake_at)
            await asyncio.sleep(self._gather_s())
            self._due.clear()
            self._is_running = True
            version = self._loops.store.version
            began = time.thread_time()
            wake_at = await self._sync()
            self._cost_s = time.thread_time() - began
            self._ended_at = asyncio.get_running_loop().time()
            self._is_running = False
            if self.failure:
                self._loops.notify()
                await asyncio.sleep(RETRY_S)
            elif wake_at is not None and wake_at <= self._loops.clock():
                self._cost_s = 0.0
                self._due.set()
            else:
                self._synced = version
                self._loops.notify()

    async def _sync(self) -> float | None:
        try:
            wake_at = await self.agent.sync(self._loops.clock())
        except NetlabError as error:
            self.failure = str(error)
            print(f"{self.agent.name}: {type(error).__name__}: {error}", flush=True)  # noqa: T201 (the log)
        except Exception as error:  # noqa: BLE001 (reported in status; the lab goes on)
            self.failure = f"bug in {self.agent.name}: {type(error).__name__}: {error}"
            traceback.print_exc()
        else:
            self.failure = ""
            return wake_at
        return self._loops.clock()

    def _gather_s(self) -> float:
        """Return how long to wait for further changes.

        Syncs look at all objects of their kind, so in a large lab one that is made for a single
        change costs as much as one for a hundred. The costlier they are the longer is the rest
        after each: one of 20 ms is followed by 20 ms, one of 5 ms by next to nothing.
        """
        since = asyncio.get_running_loop().time() - self._ended_at
        rest_s = min(self._cost_s**2 / _EVEN_S, MOST_GATHER_S)
        return max(self.agent.gather_s, rest_s - since)

    async def _wait(self, wake_at: float | None) -> None:
        timeout_s = None if wake_at is None else max(0.0, wake_at - self._loops.clock())
        try:
            async with asyncio.timeout(timeout_s):
                await self._due.wait()
        except TimeoutError:
            return


class AgentLoops:
    """The loops of all agents of one control plane.

    Args:
        store: Whose changes wake agents.
        clock: Wall clock seconds.
    """

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self.store = store
        self.clock = clock
        self._loops: dict[str, AgentLoop] = {}
        self._changed = asyncio.Event()
        store.subscribe(self._on_event)

    def add(self, agent: Agent) -> None:
        """Give an agent a loop; it is to sync at once when ``run`` begins."""
        self._loops[agent.name] = AgentLoop(agent, self)

    def wake(self, name: str) -> None:
        """Have an agent's sync run soon."""
        self._loops[name].wake()

    async def caught_up(
        self, name: str, version: int, holds: Callable[[], bool] = lambda: True
    ) -> None:
        """Wait until an agent's work for all changes up to a version of the store is done.

        Args:
            name: The agent's.
            version: The store's.
            holds: What must be true besides; asked after each sync.
        """
        loop = self._loops[name]
        await self.wait_until(lambda: loop.has_caught_up(version) and holds())

    async def at_rest(self, name: str) -> None:
        """Wait until an agent has no work, or cannot do what it has."""
        loop = self._loops[name]
        await self.wait_until(lambda: loop.is_idle or bool(loop.failure))

    def failures(self) -> list[str]:
        """Return why agents could not finish their last sync, a sentence each."""
        return [loop.failure for loop in self._loops.values() if loop.failure]

    async def run(self) -> NoReturn:
        """Run all loops for ever."""
        await asyncio.gather(*(loop.run() for loop in self._loops.values()))
        raise AssertionError

    async def settled(self, timeout_s: float) -> bool:
        """Wait until the lab is settled; False when it is not in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.wait_until(lambda: all(loop.is_idle for loop in self._loops.values()))
        except TimeoutError:
            return False
        return True

    async def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds of the loops; it is asked after each change of them."""
        while not holds():
            await self._changed.wait()

    def notify(self) -> None:
        """Have those who wait for something of the loops look again."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _on_event(self, event: Event) -> None:
        for loop in self._loops.values():
            wakes_on = loop.agent.wakes_on
            if wakes_on is None or event.key.resource in wakes_on:
                loop.wake()
